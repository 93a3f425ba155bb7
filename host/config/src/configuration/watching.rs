//! Taking up what the folder holds: at a start, and again and again. Only files whose stamp has changed are read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use host_model::configured::ConfigName;

use super::{Configuration, Told, blocking, check_instance};
use crate::folder::{Folder, MAX_OBJECTS, Stamp};
use crate::object::{self, Held, Known, Refused};

impl Configuration {
    /// Takes up everything at a start. What cannot be put in force is logged and listed; the others are in force when
    /// this returns. To be called once.
    pub async fn load(&self) {
        self.look_over(Phase::Start).await;
        let _turn = self.turn.lock().await;
        for consumer in &self.parts.consumers {
            let Ok(name) = ConfigName::new(consumer.kind(), None) else {
                continue;
            };
            if let Some(built_in) = consumer.built_in().filter(|_| !self.known.read().contains_key(&name)) {
                let held = Held::new(built_in);
                match consumer.apply(&name, Some(&held.object)).await {
                    Ok(()) => {
                        let known = Known {
                            held: Some(held),
                            ..Known::default()
                        };
                        self.known.write().insert(name, known);
                    }
                    Err(problem) => tracing::error!(%problem, %name, "what is built in cannot be put in force"),
                }
            }
        }
        for consumer in &self.parts.consumers {
            let known = self.known.read().keys().cloned().collect::<Vec<_>>();
            let of_kind = known.iter().filter(|name| name.kind() == consumer.kind());
            let instances: BTreeSet<String> = of_kind.filter_map(|name| name.instance().map(str::to_owned)).collect();
            if let Err(problem) = consumer.keep_only(&instances).await {
                tracing::error!(%problem, kind = consumer.kind(), "what has no file any more is still in force");
            }
        }
    }

    /// Looks at the folder once, and takes up what has changed.
    pub async fn look(&self) {
        self.look_over(Phase::Running).await;
    }

    /// Looks at the folder again and again.
    pub async fn watch_for_ever(self: Arc<Self>, every: Duration) {
        loop {
            let next = self.parts.clock.now() + every;
            self.parts.clock.sleep_until(next).await;
            self.look().await;
        }
    }

    async fn look_over(&self, phase: Phase) {
        let _turn = self.turn.lock().await;
        let files = match blocking(&self.parts.folder, |folder| folder.list()).await {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(%error, cause = std::error::Error::source(&error), "the configuration cannot be read");
                return;
            }
        };
        let named = self.sort(files);
        let listed: BTreeSet<&ConfigName> = named.iter().map(|(name, _)| name).collect();
        let was_there = |known: &Known| known.stamp.is_some();
        let gone: Vec<ConfigName> = {
            let known = self.known.read();
            let gone = known
                .iter()
                .filter(|(name, known)| was_there(known) && !listed.contains(name));
            gone.map(|(name, _)| name.clone()).collect()
        };
        for name in &gone {
            self.take_up(name, None, phase).await;
        }
        for (name, stamp) in &named {
            let is_new = self.known.read().get(name).and_then(|known| known.stamp) != Some(*stamp);
            if is_new {
                self.take_up(name, Some(*stamp), phase).await;
            }
        }
    }

    /// The files that name an object, in the order in which they are put in force. The others are remembered.
    fn sort(&self, files: Vec<(String, Stamp)>) -> Vec<(ConfigName, Stamp)> {
        let mut named = Vec::new();
        let mut strangers = self.strangers.write();
        let before = std::mem::take(&mut *strangers);
        for (file, stamp) in files {
            let refused = match ConfigName::of_file(&file) {
                Some(Ok(_)) if named.len() >= MAX_OBJECTS => {
                    format!("there are more than {MAX_OBJECTS} configuration objects")
                }
                Some(Ok(name)) => {
                    named.push((name, stamp));
                    continue;
                }
                Some(Err(error)) => error.to_string(),
                None => continue,
            };
            if before.get(&file) != Some(&refused) {
                tracing::error!(file, "a configuration file is refused: {refused}");
            }
            strangers.insert(file, refused);
        }
        let place = |name: &ConfigName| {
            let mut consumers = self.parts.consumers.iter();
            consumers.position(|consumer| consumer.kind() == name.kind())
        };
        named.sort_by_key(|(name, _)| place(name));
        named
    }

    /// Reads a file and puts its content in force. What was in force before stays if that cannot be.
    pub(super) async fn take_up(&self, name: &ConfigName, stamp: Option<Stamp>, phase: Phase) {
        let before = self.known.read().get(name).cloned().unwrap_or_default();
        match self.try_to_take_up(name, before.held.as_ref()).await {
            Ok(held) => {
                let has_changed = held != before.held;
                if phase == Phase::Running && has_changed {
                    tracing::info!(%name, "a configuration file was taken up");
                    self.tell(Told {
                        name,
                        operation: operation(before.held.as_ref(), held.as_ref()),
                        before: before.held.as_ref(),
                        after: held.as_ref(),
                        transaction: self.parts.ids.uuid().into(),
                        user: "configuration file".into(),
                    })
                    .await;
                }
                let known = Known {
                    held,
                    refused: None,
                    stamp,
                };
                self.remember(name, known);
            }
            Err(refused) => {
                if before.refused.as_ref() != Some(&refused) {
                    refused.log(before.held.is_some());
                }
                // With another stamp than the file's, it is looked at again.
                let stamp = if refused.may_pass {
                    before.stamp
                } else {
                    stamp.or(before.stamp)
                };
                let known = Known {
                    refused: Some(refused),
                    stamp,
                    ..before
                };
                self.remember(name, known);
            }
        }
    }

    pub(super) fn remember(&self, name: &ConfigName, known: Known) {
        if known.held.is_none() && known.refused.is_none() {
            self.known.write().remove(name);
        } else {
            self.known.write().insert(name.clone(), known);
        }
    }

    async fn try_to_take_up(&self, name: &ConfigName, before: Option<&Held>) -> Result<Option<Held>, Refused> {
        let file = self.parts.folder.file(name);
        let of_problem = |problem| Refused::problem(file.clone(), &problem);
        let of_name = name.clone();
        let content = blocking(&self.parts.folder, move |folder: Folder| folder.read(&of_name))
            .await
            .map_err(|error| Refused::folder(file.clone(), &error))?;
        let Some(consumer) = self.consumer(name.kind()).filter(|found| found.kind() == name.kind()) else {
            // Without a file, there is nothing to be refused any more.
            return match content {
                None => Ok(None),
                Some(_) => Err(of_problem(host_resource::Problem::bad_request(
                    self.unknown(name.kind()),
                ))),
            };
        };
        let held = match content {
            Some(content) => {
                check_instance(consumer, name.instance())
                    .map_err(|message| of_problem(host_resource::Problem::bad_request(message)))?;
                Some(object::read(&content).map_err(|error| Refused::json(file.clone(), &error))?)
            }
            None => consumer.built_in().filter(|_| name.instance().is_none()).map(Held::new),
        };
        if held.as_ref() != before {
            let effective = held.as_ref().map(|held| self.parts.placeholders.replaced(&held.object));
            if let Some(effective) = &effective {
                consumer.check(name, effective).await.map_err(of_problem)?;
            }
            consumer.apply(name, effective.as_ref()).await.map_err(of_problem)?;
        }
        Ok(held)
    }
}

/// When the folder is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is in force yet, so what is found is no change.
    Start,
    /// Somebody may have changed something.
    Running,
}

fn operation(before: Option<&Held>, after: Option<&Held>) -> &'static str {
    match (before, after) {
        (None, _) => "CREATE",
        (Some(_), Some(_)) => "UPDATE",
        (Some(_), None) => "DELETE",
    }
}
