//! Carrying an action out, step by step. Behaviour 5.5.

use host_model::difference::{difference, is_same};
use host_model::mapping::Hook;
use host_model::plan::{LinkState, Presence, Step, steps};
use host_model::policy::Action;
use host_resource::Problem;
use serde_json::{Map, Value};

use super::Turn;
use crate::claims::Made;
use crate::endpoint::{content_of, id_of, rev_of};
use crate::sent::Write;

impl Turn<'_> {
    /// Carries an action out.
    pub(crate) async fn act(&mut self, action: Action) -> Result<(), Problem> {
        let presence = Presence {
            source: self.source.is_some(),
            target: self.target.is_some(),
            link: match &self.link {
                None => LinkState::None,
                // A link whose target object is gone leads elsewhere as soon as there is another one.
                Some(_) if self.target.is_some() && self.is_linked() => LinkState::Right,
                Some(_) => LinkState::Elsewhere,
            },
            linking: self.work.mapping.spec.enable_linking,
        };
        let steps = steps(action, presence).map_err(|error| Problem::conflict(error.to_string()))?;
        for step in steps {
            match step {
                Step::Create => self.create().await?,
                Step::Link | Step::Relink => self.make_link().await?,
                Step::Update => self.update().await?,
                Step::Delete => self.delete().await?,
                Step::Unlink => self.unlink().await?,
            }
        }
        if matches!(action, Action::Create | Action::Update | Action::Link) {
            self.tell(Hook::PostMapping, "postMappingScript").await?;
        }
        Ok(())
    }

    async fn create(&mut self) -> Result<(), Problem> {
        let mut made = self.mapped(Value::Object(Map::new())).await?;
        self.hook(Hook::OnCreate, "onCreateScript", &mut made).await?;
        let id = id_of(&made).map(str::to_owned);
        let content = content_of(made);
        self.is_id_fresh = id.is_none();
        if self.keeps_change() {
            self.change = difference(&Value::Object(Map::new()), &content);
        }
        self.keep_to_plan()?;
        self.claim(|| Made {
            id: None,
            object: content.clone(),
            is_new: true,
        })?;
        let created = self.write(Write::Create { id, content }).await?;
        self.target_id = created.as_ref().and_then(id_of).map(str::to_owned);
        self.target = created;
        self.counts.created = true;
        Ok(())
    }

    async fn update(&mut self) -> Result<(), Problem> {
        let (Some(id), Some(before)) = (self.target_id.clone(), self.target.as_ref()) else {
            return Err(Problem::conflict("no target object to update"));
        };
        let mut after = self.mapped(before.clone()).await?;
        self.hook(Hook::OnUpdate, "onUpdateScript", &mut after).await?;
        if is_same(before, &after) {
            self.counts.unchanged = true;
            return Ok(());
        }
        let rev = rev_of(before).map(str::to_owned);
        if self.keeps_change() {
            self.change = difference(before, &after);
        }
        self.keep_to_plan()?;
        let content = content_of(after);
        if let Some(updated) = self.write(Write::Update { id, rev, content }).await? {
            self.target = Some(updated);
        }
        self.counts.updated = true;
        Ok(())
    }

    fn keeps_change(&self) -> bool {
        self.work.is_analysis || self.planned.is_some()
    }

    /// Refuses to do something else than what was planned, before anything is written.
    pub(crate) fn keep_to_plan(&self) -> Result<(), Problem> {
        let objection = self
            .planned
            .as_ref()
            .and_then(|planned| planned.objection_to_change(&self.change));
        objection.map_or(Ok(()), |objection| Err(Problem::conflict(objection)))
    }

    async fn delete(&mut self) -> Result<(), Problem> {
        let (Some(id), Some(mut target)) = (self.target_id.clone(), self.target.clone()) else {
            return Ok(());
        };
        self.hook(Hook::OnDelete, "onDeleteScript", &mut target).await?;
        let rev = self.target.as_ref().and_then(rev_of).map(str::to_owned);
        self.write(Write::Delete { id, rev }).await?;
        self.counts.deleted = true;
        Ok(())
    }

    /// Makes the link, or turns the one that there is to the target object.
    async fn make_link(&mut self) -> Result<(), Problem> {
        let (Some(source), Some(target)) = (&self.source_id, &self.target_id) else {
            // An analysis does not know which id a target object would get.
            self.counts.link_created |= self.work.is_analysis && self.link.is_none();
            return Ok(());
        };
        let link = self.work.mapping.links.link(&self.qualifier, source, target);
        if let Some(old) = self.link.take() {
            old.delete(&self.unit).await?;
        } else {
            self.counts.link_created = true;
        }
        link.put(&self.unit).await?;
        self.link = Some(link);
        self.tell(Hook::OnLink, "onLinkScript").await
    }

    async fn unlink(&mut self) -> Result<(), Problem> {
        let Some(link) = self.link.take() else { return Ok(()) };
        self.tell(Hook::OnUnlink, "onUnlinkScript").await?;
        self.work.timed("deleteLinkObject", link.delete(&self.unit)).await
    }
}
