//! Declaring properties to be unique that were not: every value that there is gets its reservation first.

use host_resource::{Pointer, Problem};
use host_store::document::texts;
use host_store::unit_of_work::WriteLimits;
use host_store::{ChangeSet, CommitError, Expectation, Scan, TenantStore, UnitOfWork};
use serde_json::{Value, json};

use super::{holder, parse};
use crate::managed::live::LiveType;

/// Objects that are taken up in one commit.
const PAGE: usize = 500;
/// Duplicates that are named; more are counted only.
const NAMED: usize = 20;
/// How often a page is taken up again that others changed meanwhile.
const ATTEMPTS: usize = 16;

/// Values that several objects have.
#[derive(Debug, Default)]
pub(in super::super) struct Duplicates {
    named: Vec<Value>,
    count: u64,
}

impl Duplicates {
    pub(in super::super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The problem of a declaration that the objects of a type do not fulfil.
    pub(in super::super) fn problem(self, place: &Pointer, name: &str) -> Problem {
        let message = format!(
            "{} objects of the type '{name}' have a value of a unique property that another one has too",
            self.count
        );
        Problem::invalid(place.child("schema"), message).with_detail("duplicates", self.named)
    }
}

/// The properties of a type whose reservations are all there.
pub(in super::super) async fn declared(store: &TenantStore, live: &LiveType) -> Result<Vec<Pointer>, Problem> {
    let document = store.get(&live.unique.declaration).await?;
    let texts = document
        .map(|document| texts(&document.body, "properties"))
        .unwrap_or_default();
    Ok(texts.iter().filter_map(|text| Pointer::parse(text).ok()).collect())
}

/// Says which properties are unique from now on. Whoever has not read this is not committed any more.
pub(in super::super) async fn declare(
    store: &TenantStore,
    live: &LiveType,
    pointers: &[Pointer],
) -> Result<(), Problem> {
    let pointers: Vec<String> = pointers.iter().map(ToString::to_string).collect();
    let mut changes = ChangeSet::new();
    let body = json!({ "properties": pointers }).to_string();
    changes.put(live.unique.declaration.clone(), Expectation::Any, body);
    match store.commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => Err(Problem::conflict("the declaration is being changed by somebody else")),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

/// Reserves the values that the objects have now, a page at a time.
pub(in super::super) async fn reserve_all(
    store: &TenantStore,
    live: &LiveType,
    pointers: &[Pointer],
) -> Result<Duplicates, Problem> {
    let mut duplicates = Duplicates::default();
    let mut scan = Scan::all(live.definition.collection.clone(), PAGE);
    let mut attempt = 0;
    loop {
        let unit = UnitOfWork::new(store.snapshot().await?, WriteLimits::NONE);
        let page = unit.scan(&scan).await?;
        let mut found = Duplicates::default();
        for seen in &page.documents {
            // Read by id, so that the commit fails when it changes meanwhile.
            if let Some(seen) = unit.get(&scan.collection.key(seen.id.clone())).await? {
                let object = parse(&seen.body)?;
                reserve_one(&unit, live, pointers, &seen.id, &object, &mut found).await?;
            }
        }
        match store.commit(unit.end().unwrap_or_default().own.to_changes()).await {
            Ok(_) => {}
            Err(CommitError::Conflict(_)) if attempt < ATTEMPTS => {
                attempt += 1;
                continue;
            }
            Err(CommitError::Conflict(_)) => {
                return Err(Problem::conflict(
                    "the objects are being changed by too many at once: try again later",
                ));
            }
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        attempt = 0;
        duplicates.count += found.count;
        let room = NAMED - duplicates.named.len();
        duplicates.named.extend(found.named.into_iter().take(room));
        match page.cursor {
            Some(cursor) => scan.after = Some(cursor),
            None => return Ok(duplicates),
        }
    }
}

async fn reserve_one(
    unit: &UnitOfWork,
    live: &LiveType,
    pointers: &[Pointer],
    id: &str,
    object: &Value,
    found: &mut Duplicates,
) -> Result<(), Problem> {
    for pointer in pointers {
        for key in live.unique.keys(pointer, object) {
            match holder(unit, live, pointer, &key).await? {
                Some(holder) if holder == id => {}
                Some(holder) => {
                    found.count += 1;
                    found
                        .named
                        .push(json!({"property": pointer.to_string(), "objects": [holder, id]}));
                }
                None => drop(unit.put(key, json!({"owner": id}).to_string().into()).await?),
            }
        }
    }
    Ok(())
}

/// Removes the reservations for properties that are not unique.
pub(in super::super) async fn release_all(
    store: &TenantStore,
    live: &LiveType,
    pointers: &[Pointer],
) -> Result<(), Problem> {
    let starts: Vec<String> = pointers.iter().map(|pointer| format!("{pointer} ")).collect();
    let mut scan = Scan::all(live.unique.reservations.clone(), PAGE);
    loop {
        let page = store.scan(&scan).await?;
        let mut changes = ChangeSet::new();
        for document in page.documents {
            if starts.iter().any(|start| document.id.starts_with(start.as_str())) {
                changes.delete(live.unique.reservations.key(document.id), Expectation::Any);
            }
        }
        if !changes.is_empty() {
            match store.commit(changes).await {
                Ok(_) | Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        match page.cursor {
            Some(cursor) => scan.after = Some(cursor),
            None => return Ok(()),
        }
    }
}
