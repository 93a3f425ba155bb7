//! Changing an object over REST: checked, written, put in force; or nothing of it.

use host_model::configured::{ConfigName, Configured};
use host_model::secrets;
use host_resource::patch::{self, PatchOperation};
use host_resource::{Context, Pointer, Problem};
use serde_json::Value;

use super::watching::Phase;
use super::{Configuration, Told, blocking};
use crate::folder::{Folder, FolderError, MAX_OBJECT, MAX_OBJECTS};
use crate::object::{Held, Known};

/// What a request wants of an object.
#[derive(Debug)]
pub(crate) enum Write {
    /// It comes to be.
    Create(Value),
    /// It becomes another one.
    Update { rev: Option<String>, object: Value },
    /// Parts of it change.
    Patch {
        rev: Option<String>,
        operations: Vec<PatchOperation>,
    },
    /// It ceases to be.
    Delete { rev: Option<String> },
}

impl Write {
    fn operation(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE",
            Self::Update { .. } => "UPDATE",
            Self::Patch { .. } => "PATCH",
            Self::Delete { .. } => "DELETE",
        }
    }

    fn rev(&self) -> Option<&str> {
        match self {
            Self::Create(_) => None,
            Self::Update { rev, .. } | Self::Patch { rev, .. } | Self::Delete { rev } => rev.as_deref(),
        }
    }
}

impl Configuration {
    /// Does what a request wants. When it returns, the file is durable and the object in force; after a problem, both
    /// are as they were. Answers what is in force, or, of what was deleted, what it was.
    pub(crate) async fn change(
        &self,
        context: &Context,
        (name, consumer): (&ConfigName, &dyn Configured),
        write: Write,
    ) -> Result<Held, Problem> {
        if self.parts.is_read_only {
            return Err(Problem::forbidden(
                "the configuration is read-only here (read-only in taskwarden.toml): change its files",
            ));
        }
        let _turn = self.turn.lock().await;
        self.catch_up(name).await;
        let before = self.known.read().get(name).cloned().unwrap_or_default();
        let is_stale = |held: &Held| write.rev().is_some_and(|rev| *rev != *held.rev);
        if before.held.as_ref().is_some_and(is_stale) {
            return Err(Problem::precondition_failed(format!(
                "'config/{name}' is not at this revision any more"
            )));
        }
        let operation = write.operation();
        let after = self.decide(name, &before, write)?;
        if before.refused.is_none() && after.is_some() && after == before.held {
            return after.ok_or_else(|| missing(name));
        }
        self.put_in_force((name, consumer), &before, after.clone()).await?;
        self.tell(Told {
            name,
            operation,
            before: before.held.as_ref(),
            after: after.as_ref(),
            transaction: context.request_id.clone(),
            user: context.caller.name.clone(),
        })
        .await;
        // What was refused and is deleted was nothing.
        let was = after.or(before.held);
        Ok(was.unwrap_or_else(|| Held::new(Value::Object(serde_json::Map::new()))))
    }

    /// Takes up what somebody has done to the file of an object since it was last looked at.
    async fn catch_up(&self, name: &ConfigName) {
        let of_name = name.clone();
        let stamp = blocking(&self.parts.folder, move |folder: Folder| Ok(folder.stamp(&of_name))).await;
        let known = self.known.read().get(name).and_then(|known| known.stamp);
        if let Ok(stamp) = stamp
            && stamp != known
        {
            self.take_up(name, stamp, Phase::Running).await;
        }
    }

    /// What is to be in force.
    fn decide(&self, name: &ConfigName, before: &Known, write: Write) -> Result<Option<Held>, Problem> {
        let wanted = match (write, &before.held) {
            (Write::Create(_), Some(_)) => {
                return Err(Problem::precondition_failed(format!("'config/{name}' exists already")));
            }
            (Write::Create(object), None) => {
                if before.refused.is_none() && self.known.read().len() >= MAX_OBJECTS {
                    let message = format!("there are {MAX_OBJECTS} configuration objects already");
                    return Err(Problem::conflict(message));
                }
                object
            }
            (Write::Update { object, .. }, Some(_)) => object,
            (Write::Patch { operations, .. }, Some(held)) => {
                // The patch sees what its writer sees, so it cannot copy a secret to where it would be shown.
                let mut object = secrets::masked(&held.object);
                patch::apply(&operations, &mut object).map_err(|error| Problem::bad_request(error.to_string()))?;
                object
            }
            (Write::Delete { .. }, held) if before.stamp.is_some() || held.is_none() => {
                return if before.stamp.is_some() {
                    Ok(None)
                } else {
                    Err(missing(name))
                };
            }
            (Write::Delete { .. }, _) => {
                return Err(Problem::bad_request(format!(
                    "'config/{name}' is built in, which nothing takes away: PUT replaces it"
                )));
            }
            (Write::Update { .. } | Write::Patch { .. }, None) => return Err(missing(name)),
        };
        object_to_hold(name, before.held.as_ref(), wanted).map(Some)
    }

    /// Checks, writes, and puts in force; undoes the writing if that cannot be done.
    async fn put_in_force(
        &self,
        (name, consumer): (&ConfigName, &dyn Configured),
        before: &Known,
        after: Option<Held>,
    ) -> Result<(), Problem> {
        let effective = after
            .as_ref()
            .map(|held| self.parts.placeholders.replaced(&held.object));
        if let Some(effective) = &effective {
            consumer.check(name, effective).await?;
        }
        let (of_name, text) = (name.clone(), after.as_ref().map(Held::text));
        if text.as_ref().is_some_and(|text| text.len() > MAX_OBJECT) {
            let message = format!("the object is larger than {MAX_OBJECT} bytes");
            return Err(Problem::new(host_resource::Code::TOO_LARGE, message));
        }
        let written = blocking(&self.parts.folder, move |folder: Folder| {
            // What cannot be read, such as a file that is too large, cannot be put back either; it was not in force.
            let old = folder.read(&of_name).unwrap_or_default();
            let stamp = match text {
                Some(text) => folder.write(&of_name, text.as_bytes())?,
                None => {
                    folder.remove(&of_name)?;
                    None
                }
            };
            Ok((old, stamp))
        });
        let (old, stamp) = written.await.map_err(|error| failed(&error))?;
        // Without a file, what is built in counts again.
        let held = after.or_else(|| consumer.built_in().filter(|_| name.instance().is_none()).map(Held::new));
        let effective = effective.or_else(|| held.as_ref().map(|held| self.parts.placeholders.replaced(&held.object)));
        if let Err(problem) = consumer.apply(name, effective.as_ref()).await {
            let of_name = name.clone();
            let undone = blocking(&self.parts.folder, move |folder: Folder| match old {
                Some(old) => folder.write(&of_name, &old),
                None => folder.remove(&of_name).map(|()| None),
            });
            match undone.await {
                Ok(stamp) => self.remember(
                    name,
                    Known {
                        stamp,
                        ..before.clone()
                    },
                ),
                Err(error) => {
                    tracing::error!(%error, %name, "a file that could not be put in force could not be put back");
                }
            }
            return Err(problem);
        }
        let known = Known {
            held,
            refused: None,
            stamp,
        };
        self.remember(name, known);
        Ok(())
    }
}

/// The object as it is kept: with the secrets that the mask stands for.
fn object_to_hold(name: &ConfigName, before: Option<&Held>, mut wanted: Value) -> Result<Held, Problem> {
    let Value::Object(members) = &wanted else {
        return Err(Problem::invalid("/", "a configuration object is a JSON object"));
    };
    match members.get("_id") {
        None => {}
        Some(Value::String(id)) if *id == name.to_string() => {}
        Some(other) => {
            let message = format!("`_id` is {other}, but the object is '{name}'; leave it out");
            return Err(Problem::invalid("/_id", message));
        }
    }
    if let Some(before) = before {
        secrets::restore(&mut wanted, &before.object);
    }
    if let Some(pointer) = masked_at(&wanted, &Pointer::root()) {
        let message =
            "this is what is shown in the place of a secret, and there was none here: write the secret itself";
        return Err(Problem::invalid(pointer, message));
    }
    Ok(Held::new(wanted))
}

/// Where the mask stands.
fn masked_at(value: &Value, at: &Pointer) -> Option<Pointer> {
    match value {
        Value::String(text) => (text == secrets::MASK).then(|| at.clone()),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(position, item)| masked_at(item, &at.child(&position.to_string())))
        }
        Value::Object(members) => members
            .iter()
            .find_map(|(name, inner)| masked_at(inner, &at.child(name))),
        _ => None,
    }
}

fn missing(name: &ConfigName) -> Problem {
    Problem::not_found(format!("config/{name}"))
}

fn failed(error: &FolderError) -> Problem {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, "the configuration cannot be written");
    Problem::internal("the configuration cannot be written: the log of the host says why")
}
