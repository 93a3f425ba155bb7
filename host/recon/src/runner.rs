//! The phases of a run, one after the other. Each begins where the record says, so that a run that was cut off goes on.

use std::collections::HashSet;
use std::sync::Arc;

use host_model::evaluate::Evaluation;
use host_model::mapping::{Hook, QuerySpec};
use host_resource::{Object, Problem, QuerySource};
use host_store::document::texts;
use host_store::{ChangeSet, Scan, TenantStore, UnitOfWork};
use serde_json::json;

use crate::attempt::limits;
use crate::endpoint::{Endpoint, Window, source_of};
use crate::entry::{Planned, entries};
use crate::item::{self, Item};
use crate::live::Live;
use crate::page::{End, PAGE, Pages, Then, deferred, done, handled};
use crate::record::{Kind, Ledger, Order, Phase, Stage};
use crate::turn::Side;
use crate::wire;
use crate::work::Work;

/// The work of one run.
pub(crate) struct Runner<'a> {
    pub(crate) work: Arc<Work>,
    pub(crate) live: &'a Arc<Live>,
    pub(crate) store: &'a TenantStore,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) order: &'a Order,
}

impl Runner<'_> {
    /// Does what is left of the run.
    pub(crate) async fn run(&mut self) -> Result<End, Problem> {
        loop {
            if self.live.halted().is_some() {
                return Ok(End::Halted);
            }
            let end = match self.ledger.record.phase.clone() {
                Phase::Begin => {
                    self.begin().await?;
                    continue;
                }
                Phase::Source(place) => match &self.order.kind {
                    Kind::All => self.timed_source(place).await?,
                    Kind::ById(ids) => self.listed(&ids.clone(), place).await?,
                    Kind::Apply(plan) => self.applied(&plan.clone(), place).await?,
                },
                Phase::Target(cookie) => self.timed_target(cookie).await?,
                Phase::Deletions(after) => self.deletions(after).await?,
                Phase::Result => {
                    self.result().await?;
                    return Ok(End::Done);
                }
            };
            if end == End::Halted {
                return Ok(end);
            }
        }
    }

    /// Counts what there is, and runs `onRecon`.
    pub(crate) async fn begin(&mut self) -> Result<(), Problem> {
        let work = Arc::clone(&self.work);
        self.ledger.record.stage = Stage::ActiveQueryEntries;
        self.live.show(self.ledger.record.clone());
        let changes = self.script(Hook::OnRecon, "onReconScript").await?;
        let spec = &work.mapping.spec;
        if self.order.kind == Kind::All {
            let source = self.count(&work.mapping.source, spec.source_query.as_ref(), "sourceQuery");
            self.ledger.record.tally.source_total = source.await?.1;
        } else if let Kind::ById(ids) = &self.order.kind {
            self.ledger.record.tally.source_total = Some(ids.len() as u64);
        }
        let (is_empty, total) = self
            .count(&work.mapping.target, spec.target_query.as_ref(), "targetQuery")
            .await?;
        self.ledger.record.tally.target_total = total;
        self.ledger.record.is_target_empty = is_empty && spec.target_query.is_none();
        if let Kind::Apply(plan) = &self.order.kind {
            let planned = self.planned_deletions(plan).await?;
            self.ledger.record.tally.deletions = planned;
            self.guard().await?;
        }
        self.ledger.record.phase = Phase::Source(None);
        self.ledger.record.stage = Stage::ActiveReconcilingSource;
        self.commit(changes).await?;
        self.live.show(self.ledger.record.clone());
        Ok(())
    }

    /// Commits the record, and in it how long everything took until now.
    async fn commit(&mut self, changes: ChangeSet) -> Result<(), Problem> {
        let durations = std::mem::take(&mut *self.work.durations.lock());
        self.ledger.record.durations.join(durations);
        self.ledger.commit(self.store, changes).await?;
        Ok(())
    }

    /// Whether a container is empty, and how many objects it has, if it can count them.
    async fn count(
        &self,
        endpoint: &Endpoint,
        query: Option<&QuerySpec>,
        metric: &'static str,
    ) -> Result<(bool, Option<u64>), Problem> {
        let window = Window {
            size: Some(1),
            cookie: None,
            is_counted: true,
        };
        let context = self.work.context();
        let found = endpoint.query(&self.work.router, &context, source_of(query), window);
        let found = self
            .work
            .timed(metric, found)
            .await
            .map_err(|problem| unanswered(endpoint, problem))?;
        let is_empty = found.objects.is_empty() && found.cookie.is_none();
        Ok((is_empty, found.total))
    }

    async fn timed_source(&mut self, place: Option<String>) -> Result<End, Problem> {
        let work = Arc::clone(&self.work);
        work.timed("sourcePhase", Box::pin(self.source(place))).await
    }

    /// The source objects that the mapping's query finds.
    async fn source(&mut self, mut cookie: Option<String>) -> Result<End, Problem> {
        let work = Arc::clone(&self.work);
        let endpoint = &work.mapping.source;
        let spec = &work.mapping.spec;
        let is_stored = endpoint.is_stored(&work.router);
        let size = spec.source_page_size.unwrap_or(PAGE).min(PAGE);
        let query = source_of(spec.source_query.as_ref());
        loop {
            let (objects, next) = self.page(endpoint, &query, size, cookie.clone(), is_stored).await?;
            let is_empty = objects.is_empty() && next.is_none();
            if is_empty && self.ledger.record.tally.source_processed == 0 && !spec.allow_empty_source_set {
                return Err(Problem::conflict(format!(
                    "the source '{}' is empty, and allowEmptySourceSet is false: nothing was done",
                    endpoint.name
                )));
            }
            let items = item::of_source(objects, is_stored, spec.source_query_full_entry)?;
            let phase = match &next {
                Some(next) => Phase::Source(Some(next.clone())),
                None => self.behind_source(),
            };
            if self.settle(items, phase, !is_stored).await? == End::Halted {
                return Ok(End::Halted);
            }
            match next {
                Some(next) => cookie = Some(next),
                None => return Ok(End::Done),
            }
        }
    }

    fn behind_source(&self) -> Phase {
        if self.order.kind == Kind::All && self.work.mapping.spec.run_target_phase {
            Phase::Target(None)
        } else {
            Phase::Deletions(None)
        }
    }

    /// Source objects by their ids.
    async fn listed(&mut self, ids: &[Arc<str>], place: Option<String>) -> Result<End, Problem> {
        let mut from = place.and_then(|place| place.parse().ok()).unwrap_or(0);
        loop {
            let to = ids.len().min(from + PAGE);
            let ids = ids.get(from..to).unwrap_or_default();
            let items = ids.iter().map(|id| Item::new(Side::Source, Arc::clone(id)));
            let is_last = to == ids.len();
            let phase = if is_last {
                Phase::Deletions(None)
            } else {
                Phase::Source(Some(to.to_string()))
            };
            if self.settle(items.collect(), phase, false).await? == End::Halted {
                return Ok(End::Halted);
            }
            if is_last {
                return Ok(End::Done);
            }
            from = to;
        }
    }

    /// What an analysed run planned.
    async fn applied(&mut self, plan: &str, place: Option<String>) -> Result<End, Problem> {
        let mut after: Option<Arc<str>> = place.map(Into::into);
        loop {
            let page = self
                .store
                .scan(&Scan::all(entries(plan), PAGE).behind(after.clone()))
                .await?;
            let last = page.documents.last().map(|document| Arc::clone(&document.id));
            let items: Vec<Item> = page
                .documents
                .iter()
                .filter_map(|document| Planned::of_bytes(&document.body))
                .map(Item::of_plan)
                .collect();
            let next = last.filter(|_| page.cursor.is_some());
            let phase = match &next {
                Some(last) => Phase::Source(Some(last.to_string())),
                None => Phase::Result,
            };
            // One object may have an entry for each of several qualifiers.
            if self.settle(items, phase, false).await? == End::Halted {
                return Ok(End::Halted);
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(End::Done),
            }
        }
    }

    async fn timed_target(&mut self, cookie: Option<String>) -> Result<End, Problem> {
        let work = Arc::clone(&self.work);
        work.timed("targetPhase", Box::pin(self.target(cookie))).await
    }

    /// The target objects that the source phase did not lead to.
    async fn target(&mut self, mut cookie: Option<String>) -> Result<End, Problem> {
        let work = Arc::clone(&self.work);
        let endpoint = &work.mapping.target;
        let spec = &work.mapping.spec;
        let is_stored = endpoint.is_stored(&work.router);
        let size = spec.target_page_size.unwrap_or(PAGE).min(PAGE);
        let query = source_of(spec.target_query.as_ref());
        self.stage(Stage::ActiveReconcilingTarget);
        loop {
            let (objects, next) = self.page(endpoint, &query, size, cookie.clone(), is_stored).await?;
            let snapshot = self.store.snapshot().await?;
            let handled = handled(&self.ledger.id);
            let mut items = Vec::new();
            for Object { id, .. } in objects {
                if snapshot.get(&handled.key(id.as_str())).await?.is_none() {
                    items.push(Item::new(Side::Target, id));
                }
            }
            let phase = match &next {
                Some(next) => Phase::Target(Some(next.clone())),
                None => Phase::Deletions(None),
            };
            if self.settle(items, phase, !is_stored).await? == End::Halted {
                return Ok(End::Halted);
            }
            match next {
                Some(next) => cookie = Some(next),
                None => return Ok(End::Done),
            }
        }
    }

    /// The deletions that waited until it was known how many there are.
    async fn deletions(&mut self, mut after: Option<String>) -> Result<End, Problem> {
        if after.is_none() && !self.ledger.record.is_analysis {
            self.guard().await?;
        }
        self.stage(Stage::ActiveLinkCleanup);
        let collection = deferred(&self.ledger.id);
        loop {
            let scan = Scan::all(collection.clone(), PAGE).behind(after.as_deref().map(Into::into));
            let page = self.store.scan(&scan).await?;
            let last = page.documents.last().map(|document| document.id.to_string());
            let items = page.documents.iter().filter_map(|document| {
                let (side, id) = match document.id.split_once(':')? {
                    ("s", id) => (Side::Source, id),
                    (_, id) => (Side::Target, id),
                };
                Some(Item {
                    only: Some(texts(&document.body, "qualifiers")),
                    may_delete: true,
                    ..Item::new(side, id)
                })
            });
            let next = last.filter(|_| page.cursor.is_some());
            let phase = match &next {
                Some(last) => Phase::Deletions(Some(last.clone())),
                None => Phase::Result,
            };
            if self.settle(items.collect(), phase, false).await? == End::Halted {
                return Ok(End::Halted);
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(End::Done),
            }
        }
    }

    /// Ends the run before it deletes too much.
    async fn guard(&mut self) -> Result<(), Problem> {
        let tally = &self.ledger.record.tally;
        if self.order.ignores_guard || tally.deletions == 0 {
            return Ok(());
        }
        // What was created in this run does not make a part of the target smaller.
        let seen = tally.target_processed + tally.deletions;
        let targets = tally.target_total.unwrap_or(seen);
        match self.work.mapping.spec.guard.objection(tally.deletions, targets) {
            Some(objection) => Err(Problem::conflict(objection)),
            None => Ok(()),
        }
    }

    async fn planned_deletions(&self, plan: &str) -> Result<u64, Problem> {
        let document = self.store.get(&crate::record::Record::key(plan)).await?;
        let record = document
            .map(|document| crate::record::Record::from_bytes(&document.body))
            .transpose()?;
        Ok(record.map_or(0, |record| record.tally.deletions))
    }

    /// The script `result`, once.
    async fn result(&mut self) -> Result<(), Problem> {
        self.stage(Stage::ActiveProcessingResults);
        let changes = self.script(Hook::Result, "resultScript").await?;
        let tally = &mut self.ledger.record.tally;
        if self.order.kind == Kind::All {
            tally.source_total.get_or_insert(tally.source_processed);
            tally.target_total.get_or_insert(tally.target_processed);
        }
        tally.links_total.get_or_insert(tally.links_processed);
        self.commit(changes).await
    }

    /// What a script of the whole run wrote, to be committed with the record.
    async fn script(&mut self, hook: Hook, metric: &'static str) -> Result<ChangeSet, Problem> {
        let work = Arc::clone(&self.work);
        let Some(script) = work.mapping.hook(hook) else {
            return Ok(ChangeSet::new());
        };
        let unit = Arc::new(UnitOfWork::new(self.store.snapshot().await?, limits()));
        let context = work.context().within(Arc::clone(&unit));
        let evaluation = Evaluation::new(work.mapping.subject(script))
            .bind("context", &work.shown_context())
            .bind("mappingConfig", &work.mapping.spec.written)
            .bind("source", &json!(work.mapping.spec.source))
            .bind("target", &json!(work.mapping.spec.target))
            .bind("global", &wire::statistics(&self.ledger.id, &self.ledger.record));
        work.timed(metric, work.mapping.evaluate(script, &context, evaluation))
            .await?;
        let own = unit.end().unwrap_or_default().own;
        Ok(if work.is_analysis {
            ChangeSet::new()
        } else {
            own.to_changes()
        })
    }

    /// A page of a side. A cookie that a system does not know any more begins anew: what is done is noted.
    async fn page(
        &self,
        endpoint: &Endpoint,
        query: &QuerySource,
        size: usize,
        cookie: Option<String>,
        is_stored: bool,
    ) -> Result<(Vec<Object>, Option<String>), Problem> {
        let metric = if std::ptr::eq(endpoint, &self.work.mapping.source) {
            "sourceQuery"
        } else {
            "targetQuery"
        };
        let window = |cookie: Option<String>| Window {
            size: Some(size),
            cookie,
            is_counted: false,
        };
        let ask = async |cookie: Option<String>| {
            let context = self.work.context();
            let found = endpoint.query(&self.work.router, &context, query.clone(), window(cookie));
            self.work.timed(metric, found).await
        };
        let has_cookie = cookie.is_some();
        let found = match ask(cookie).await {
            Err(problem) if has_cookie && !is_stored && problem.code.number() == 400 => ask(None).await,
            found => found,
        };
        let found = found.map_err(|problem| unanswered(endpoint, problem))?;
        Ok((found.objects, found.cookie))
    }

    /// Does a page without what was done before, in parts that are not too large.
    async fn settle(&mut self, mut items: Vec<Item>, phase: Phase, notes: bool) -> Result<End, Problem> {
        if self.work.is_resumed || notes {
            let snapshot = self.store.snapshot().await?;
            let done = done(&self.ledger.id);
            let mut known = HashSet::new();
            for item in &items {
                let mark = item.mark();
                if snapshot.get(&done.key(mark.as_str())).await?.is_some() {
                    known.insert(mark);
                }
            }
            items.retain(|item| !known.contains(&item.mark()));
        }
        let threads = self.work.mapping.spec.task_threads;
        let here = self.ledger.record.phase.clone();
        let mut pages = Pages {
            work: &self.work,
            live: self.live,
            store: self.store,
            ledger: self.ledger,
            threads,
        };
        while items.len() > PAGE {
            let rest = items.split_off(PAGE);
            let then = Then {
                phase: here.clone(),
                notes: true,
            };
            if pages.settle(std::mem::replace(&mut items, rest), then).await? == End::Halted {
                return Ok(End::Halted);
            }
        }
        pages.settle(items, Then { phase, notes }).await
    }

    fn stage(&mut self, stage: Stage) {
        self.ledger.record.stage = stage;
        self.live.show(self.ledger.record.clone());
    }
}

/// A side that does not answer ends the run: what is not known must not count as gone.
fn unanswered(endpoint: &Endpoint, problem: Problem) -> Problem {
    Problem {
        message: format!("'{}' did not answer the query: {}", endpoint.name, problem.message),
        ..problem
    }
}
