//! The facts about an object, and the situation that they amount to.

use host_model::mapping::Hook;
use host_model::policy::Condition;
use host_model::situation::{Before, Correlated, Linked, Situation, of_deleted, of_source, of_target};
use host_resource::{Filter, Problem, QuerySource};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::{Shown, Turn};
use crate::claims::Looked;
use crate::endpoint::{Window, id_of};
use crate::mapping::is_truthy;

/// Of so many candidates at most the ids are kept: more do not make it more ambiguous.
const MAX_CANDIDATES: usize = 100;

impl Turn<'_> {
    /// The situation of a source object that exists.
    pub(crate) async fn assess_source(&mut self) -> Result<Situation, Problem> {
        let qualifies = self.is_valid_source().await? && self.meets_source_condition().await?;
        let linked = self.look_behind_link().await?;
        let correlated = match linked {
            Linked::No => self.correlate().await?,
            Linked::Broken | Linked::Whole => Correlated::None,
        };
        let situation = of_source(qualifies, linked, correlated);
        self.situation = Some(situation);
        Ok(situation)
    }

    /// The situation of a source object that was deleted; what it was may be known.
    pub(crate) async fn assess_deleted(&mut self) -> Result<Situation, Problem> {
        let linked = self.look_behind_link().await?;
        let before = match &self.source {
            None => Before::Unknown,
            Some(_) if self.is_valid_source().await? => Before::Valid,
            Some(_) => Before::Invalid,
        };
        let is_target_valid = match linked {
            Linked::Whole => self.is_valid_target().await?,
            Linked::No | Linked::Broken => false,
        };
        let correlated = match (linked, before) {
            (Linked::No, Before::Valid | Before::Invalid) => self.correlate().await?,
            _ => Correlated::None,
        };
        let situation = of_deleted(before, linked, is_target_valid, correlated);
        self.situation = Some(situation);
        Ok(situation)
    }

    /// The situation of a target object. Its link and its source object are known.
    pub(crate) async fn assess_target(&mut self) -> Result<Situation, Problem> {
        let linked = match (&self.link, &self.source) {
            (None, _) => Linked::No,
            (Some(_), None) => Linked::Broken,
            (Some(_), Some(_)) => Linked::Whole,
        };
        let is_target_valid = self.is_valid_target().await?;
        let is_source_valid = linked == Linked::Whole && self.is_valid_source().await?;
        let situation = of_target(is_target_valid, linked, is_source_valid);
        self.situation = Some(situation);
        Ok(situation)
    }

    async fn look_behind_link(&mut self) -> Result<Linked, Problem> {
        let (work, mapping) = (self.work, &self.work.mapping);
        let Some(id) = self.source_id.clone().filter(|_| mapping.spec.enable_linking) else {
            return Ok(Linked::No);
        };
        let found = mapping.links.by_source(&self.unit, &self.qualifier, &id);
        let Some(link) = work.timed("sourceLinkQuery", found).await? else {
            return Ok(Linked::No);
        };
        let target_id = mapping.links.target_of(&link).to_owned();
        let target = mapping.target.read(&work.router, &self.context, &target_id);
        self.target = work.timed("targetObjectQuery", target).await?;
        self.link = Some(link);
        self.target_id = Some(target_id);
        self.counts.link_existed = true;
        Ok(if self.target.is_some() {
            Linked::Whole
        } else {
            Linked::Broken
        })
    }

    async fn is_valid_source(&self) -> Result<bool, Problem> {
        let Some(script) = self.work.mapping.hook(Hook::ValidSource) else {
            return Ok(true);
        };
        let value = self.run("validSourceScript", script, self.evaluation(script)).await?;
        Ok(is_truthy(&value.into_value()))
    }

    async fn is_valid_target(&self) -> Result<bool, Problem> {
        let Some(script) = self.work.mapping.hook(Hook::ValidTarget) else {
            return Ok(true);
        };
        let target = self.target.as_ref().unwrap_or(&Value::Null);
        let evaluation = self.evaluation(script).bind("target", target);
        let value = self.run("validTargetScript", script, evaluation).await?;
        Ok(is_truthy(&value.into_value()))
    }

    async fn meets_source_condition(&self) -> Result<bool, Problem> {
        match &self.work.mapping.spec.source_condition {
            None => Ok(true),
            Some(Condition::Filter(filter)) => {
                let source = self.source.as_deref().map_or(Value::Null, |shown| shown.value.clone());
                Ok(filter.matches(&json!({"source": source, "linkQualifier": self.qualifier})))
            }
            Some(Condition::Script(script)) => {
                let evaluation = self.evaluation(script);
                let value = self.run("sourceConditionScript", script, evaluation).await?;
                Ok(is_truthy(&value.into_value()))
            }
        }
    }

    /// Looks for target objects that belong to the source object and are not linked to it.
    async fn correlate(&mut self) -> Result<Correlated, Problem> {
        let (work, spec) = (self.work, &self.work.mapping.spec);
        let Some(correlation) = spec.correlation(&self.qualifier) else {
            return Ok(Correlated::None);
        };
        if work.is_target_empty && !spec.correlate_empty_target_set {
            return Ok(Correlated::None);
        }
        let script = &correlation.script;
        let metric = if correlation.is_query {
            "correlationQueryScript"
        } else {
            "correlationScript"
        };
        let answer = self.run(metric, script, self.evaluation(script)).await?.into_value();
        let subject = || work.mapping.subject(script);
        let mut filter = None;
        let mut found: Vec<String> = if answer.is_null() {
            Vec::new()
        } else if correlation.is_query {
            let source = query_of(&answer).map_err(|message| Problem::internal(format!("{}: {message}", subject())))?;
            if let QuerySource::Filter(looked_for) = &source {
                filter = Some(Arc::clone(looked_for));
            }
            let window = Window {
                size: Some(MAX_CANDIDATES),
                ..Window::default()
            };
            let found = work.mapping.target.query(&work.router, &self.context, source, window);
            let found = work.timed("correlationQuery", found).await?;
            found.objects.into_iter().map(|object| object.id).collect()
        } else {
            let Value::Array(found) = &answer else {
                return Err(Problem::internal(format!(
                    "{}: an array of objects with _id is expected",
                    subject()
                )));
            };
            found
                .iter()
                .take(MAX_CANDIDATES)
                .filter_map(id_of)
                .map(str::to_owned)
                .collect()
        };
        found.sort();
        found.dedup();
        self.looked = Some(Looked {
            filter,
            found: found.clone(),
        });
        match (found.len(), found.pop()) {
            (1, Some(id)) => self.correlated_with(id).await,
            (_, None) => Ok(Correlated::None),
            (_, Some(last)) => {
                found.push(last);
                self.candidates = found;
                Ok(Correlated::Several)
            }
        }
    }

    async fn correlated_with(&mut self, id: String) -> Result<Correlated, Problem> {
        let (work, mapping) = (self.work, &self.work.mapping);
        let is_taken = mapping.spec.enable_linking && {
            let link = mapping.links.by_target(&self.unit, &self.qualifier, &id);
            work.timed("targetLinkQuery", link).await?.is_some()
        };
        let target = mapping.target.read(&work.router, &self.context, &id);
        self.target = work.timed("targetObjectQuery", target).await?;
        if self.target.is_none() {
            return Ok(Correlated::None);
        }
        self.target_id = Some(id);
        Ok(if is_taken { Correlated::Taken } else { Correlated::Free })
    }

    /// Reads the source object of a target object's link.
    pub(crate) async fn look_for_source(&mut self) -> Result<(), Problem> {
        let (work, mapping) = (self.work, &self.work.mapping);
        let Some(id) = self.target_id.clone().filter(|_| mapping.spec.enable_linking) else {
            return Ok(());
        };
        let link = mapping.links.by_target(&self.unit, &self.qualifier, &id);
        let Some(link) = work.timed("targetLinkQuery", link).await? else {
            return Ok(());
        };
        let source_id = mapping.links.source_of(&link).to_owned();
        let source = mapping.source.read(&work.router, &self.context, &source_id);
        self.source = work
            .timed("sourceObjectQuery", source)
            .await?
            .map(|value| Arc::new(Shown::new(value)));
        self.source_id = Some(source_id);
        self.link = Some(link);
        self.counts.link_existed = true;
        Ok(())
    }
}

/// The query that a script answered: `{"_queryFilter": "..."}` or `{"_queryId": "..."}`.
fn query_of(answer: &Value) -> Result<QuerySource, String> {
    const EXPECTED: &str = "an object with _queryFilter or _queryId is expected";
    let members: &Map<String, Value> = answer.as_object().ok_or_else(|| EXPECTED.to_owned())?;
    match (members.get("_queryFilter"), members.get("_queryId")) {
        (Some(Value::String(text)), None) => match Filter::parse(text) {
            Ok(filter) => Ok(QuerySource::Filter(Arc::new(filter))),
            Err(error) => Err(format!("the script's _queryFilter is not a filter: {error}")),
        },
        (None, Some(Value::String(id))) => Ok(QuerySource::Id(id.clone())),
        _ => Err(EXPECTED.to_owned()),
    }
}
