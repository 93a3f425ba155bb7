//! Making and ending relationships. Beside the relationships there is one document for each object that has any, which
//! counts them by property: whoever makes or ends a relationship writes those of both ends, so that of two commits that
//! touch one object's relationships only one wins, and what a unit of work has read of them holds when it is committed.

use std::collections::BTreeMap;

use host_model::Invalid;
use host_resource::{Pointer, Problem};
use host_store::{Collection, Key, Scan, UnitOfWork, document};
use serde::{Deserialize, Serialize};

use super::row::{End, Row, rows};

/// More relationships of one object than this are refused: they end in one commit when the object is deleted.
pub const MAX_RELATIONSHIPS: usize = 10_000;

/// Relationships that are read at once.
const PAGE: usize = 1000;

/// How many relationships an object has, by property.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    #[serde(rename = "type")]
    type_name: String,
    id: String,
    counts: BTreeMap<String, usize>,
}

fn counts_key(end: &End) -> Key {
    let of_object = End::new(&end.type_name, &end.id, "");
    Collection::new("relationship/count").key(of_object.digest())
}

async fn counts(unit: &UnitOfWork, end: &End) -> Result<Counts, Problem> {
    match unit.get(&counts_key(end)).await? {
        None => Ok(Counts {
            type_name: end.type_name.to_string(),
            id: end.id.to_string(),
            counts: BTreeMap::new(),
        }),
        Some(seen) => serde_json::from_slice(&seen.body)
            .map_err(|error| Problem::internal(format!("the relationships of an object are damaged: {error}"))),
    }
}

/// One relationship more or less at an end.
async fn count(unit: &UnitOfWork, end: &End, change: isize) -> Result<(), Problem> {
    let mut counts = counts(unit, end).await?;
    let count = counts.counts.entry(end.property.to_string()).or_default();
    *count = count.saturating_add_signed(change);
    if *count == 0 {
        counts.counts.remove(&*end.property);
    }
    if counts.counts.values().sum::<usize>() > MAX_RELATIONSHIPS {
        return Err(Problem::new(
            host_resource::Code::TOO_LARGE,
            format!(
                "'{}' would have more than {MAX_RELATIONSHIPS} relationships",
                end.object()
            ),
        ));
    }
    if counts.counts.is_empty() {
        return Ok(unit.delete(counts_key(end)).await?);
    }
    unit.put(counts_key(end), document::to_bytes(&counts)?).await?;
    Ok(())
}

/// Whether an end has relationships, and how many.
pub(super) async fn count_of(unit: &UnitOfWork, end: &End) -> Result<usize, Problem> {
    let counts = counts(unit, end).await?;
    Ok(counts.counts.get(&*end.property).copied().unwrap_or_default())
}

/// A relationship as a unit of work sees it; its revision, unless that unit wrote it.
pub(super) struct Found {
    pub(super) row: Row,
    pub(super) rev: Option<String>,
}

/// The relationships of an end, in the order of their ids.
///
/// # Errors
/// 400 when there are more than `limit`.
pub(super) async fn all(unit: &UnitOfWork, end: &End, limit: usize) -> Result<Vec<Found>, Problem> {
    let count = count_of(unit, end).await?;
    if count > limit {
        return Err(Problem::bad_request(format!(
            "'{}/{}' has {count} relationships, and at most {limit} are taken at once: query '{0}/{1}' with _pageSize",
            end.object(),
            end.property
        )));
    }
    let mut found = Vec::with_capacity(count);
    if count == 0 {
        return Ok(found);
    }
    let mut scan = Scan::matching(rows(), end.filter().into(), PAGE);
    loop {
        let page = unit.scan(&scan).await?;
        for seen in page.documents {
            let rev = matches!(seen.rev, host_store::unit_of_work::Rev::Committed(_)).then(|| seen.rev.to_string());
            let row = Row::parse(&seen)?;
            found.push(Found { row, rev });
        }
        match page.cursor {
            Some(cursor) if found.len() < count => scan.after = Some(cursor),
            _ => return Ok(found),
        }
    }
}

/// The relationship of two ends.
pub(super) async fn between(unit: &UnitOfWork, one: &End, other: &End) -> Result<Option<Row>, Problem> {
    let seen = unit.get(&Row::key_of(one, other)).await?;
    Ok(seen.map(|seen| Row::parse(&seen)).transpose()?)
}

/// Makes a relationship, or writes what is said about one that is there.
pub(super) async fn put(unit: &UnitOfWork, row: &Row) -> Result<(), Problem> {
    let key = row.key();
    if unit.get(&key).await?.is_none() {
        for end in row.both() {
            count(unit, end, 1).await?;
        }
    }
    unit.put(key, document::to_bytes(row)?).await?;
    Ok(())
}

/// Ends a relationship.
pub(super) async fn end(unit: &UnitOfWork, row: &Row) -> Result<(), Problem> {
    if unit.get(&row.key()).await?.is_some() {
        unit.delete(row.key()).await?;
        for end in row.both() {
            count(unit, end, -1).await?;
        }
    }
    Ok(())
}

/// Ends all relationships of an object, those that only others know of as well.
pub(super) async fn end_all(unit: &UnitOfWork, type_name: &str, id: &str) -> Result<(), Problem> {
    let properties = counts(unit, &End::new(type_name, id, "")).await?.counts;
    for property in properties.keys() {
        let one = End::new(type_name, id, property);
        for found in all(unit, &one, usize::MAX).await? {
            end(unit, &found.row).await?;
        }
    }
    Ok(())
}

/// Refuses a value of a relationship.
pub(super) fn refused(place: Pointer, message: impl Into<String>) -> Problem {
    Invalid::new(place, message).into()
}
