//! The resource `audit`: `audit/TOPIC`, `audit/TOPIC/ID`. Entries are read and made, never changed.

use async_trait::async_trait;
use host_model::audit::{Event, Topic};
use host_resource::filter::Filter;
use host_resource::listing;
use host_resource::mark::{CookieError, QueryMark};
use host_resource::{
    Content, Context, Create, Object, Page, Problem, Query, QuerySource, Read, Resource, ResourcePath, TotalPolicy,
};
use host_store::{Cursor, Document, Scan};
use serde_json::Value;
use std::sync::Arc;

use crate::entry;
use crate::log::AuditLog;

/// Entries of a page when no size was asked for, and at most.
const PAGE: usize = 500;

/// The kind of position in a cookie: where a scan goes on.
const POSITION: u8 = b'a';

/// A query that sorts otherwise than by time may select so many entries: they are sorted in memory.
const MAX_SORTED: usize = 10_000;

/// The resource `audit`.
pub struct AuditResource(pub AuditLog);

#[async_trait]
impl Resource for AuditResource {
    /// An entry of a program's own. When it was made, and its id, is not for the program to say.
    async fn create(&self, context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let topic = topic(path)?;
        if create.id.is_some() {
            return Err(Problem::bad_request("the id of an audit entry is chosen here: POST it"));
        }
        let Value::Object(mut members) = create.content else {
            return Err(Problem::invalid("/", "an audit entry is a JSON object"));
        };
        for name in ["_id", "_rev", "timestamp", "trackingIds"] {
            if members.contains_key(name) {
                return Err(Problem::invalid(
                    format!("/{name}"),
                    "this is written here, so leave it out",
                ));
            }
        }
        let mut text = |name: &str| match members.shift_remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(entry::bounded(&text, MAX_TEXT))),
            Some(_) => Err(Problem::invalid(format!("/{name}"), "a text is expected")),
        };
        let named = text("eventName")?;
        let transaction = text("transactionId")?.unwrap_or_else(|| Arc::clone(&context.request_id));
        let user = text("userId")?.unwrap_or_else(|| Arc::clone(&context.caller.name));
        let named = named.ok_or_else(|| Problem::invalid("/eventName", "a text is expected: what happened"))?;
        members.insert("eventName".to_owned(), Value::String(named.to_string()));
        let event = Event {
            topic,
            name: topic.name(),
            transaction,
            user: Some(user),
            members,
        };
        let id = self.0.keep_now(event).await?;
        self.find(topic, &id).await
    }

    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        match (path.len(), path.element(0).and_then(Topic::of_name), path.element(1)) {
            (2, Some(topic), Some(id)) => self.find(topic, id).await,
            (1, Some(topic), _) => Err(Problem::bad_request(format!(
                "audit/{} is a topic: query it with _queryFilter",
                topic.name()
            ))),
            _ => Err(missing(path)),
        }
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let topic = topic(path)?;
        self.0.flush().await;
        let filter = match &query.source {
            QuerySource::Filter(filter) => Arc::clone(filter),
            QuerySource::Id(_) => Arc::new(Filter::Literal(true)),
        };
        let is_by_time = match query.sort.as_slice() {
            [] => true,
            [key] => key.descending && key.pointer.to_string() == "/timestamp",
            _ => false,
        };
        if is_by_time && matches!(query.source, QuerySource::Filter(_)) {
            self.newest(topic, filter, &query).await
        } else {
            let all = self.gather(topic, filter).await?;
            listing::page(entry::collection(topic), &query, all)
        }
    }
}

/// Longer texts that all entries have are cut.
const MAX_TEXT: usize = 1024;

impl AuditResource {
    async fn find(&self, topic: Topic, id: &str) -> Result<Object, Problem> {
        self.0.flush().await;
        let found = self.0.0.store.get(&entry::entries(topic).key(id)).await?;
        let path = ResourcePath::from_elements([topic.name(), id]);
        found.map(object).ok_or_else(|| missing(&path))
    }

    /// A page in the order in which entries lie.
    async fn newest(&self, topic: Topic, filter: Arc<Filter>, query: &Query) -> Result<Page, Problem> {
        let size = query.page_size.unwrap_or(PAGE).min(PAGE);
        let mark = QueryMark::new([entry::collection(topic), &filter.to_string()]);
        let cookie = query.cookie.as_deref().filter(|cookie| !cookie.is_empty());
        let mut cursor = match cookie.map(|cookie| mark.open(cookie)).transpose()? {
            None => None,
            Some((POSITION, cursor)) => Some(Cursor::from_bytes(cursor)),
            Some(_) => return Err(CookieError.into()),
        };
        let mut skip = query.offset;
        let mut result: Vec<Object> = Vec::new();
        loop {
            let room = if skip > 0 { PAGE.min(skip) } else { size - result.len() };
            let scan = Scan::matching(entry::entries(topic), Arc::clone(&filter), room).after(cursor.take());
            let page = self.0.0.store.scan(&scan).await?;
            if skip > 0 {
                skip -= page.documents.len();
            } else {
                result.extend(page.documents.into_iter().map(object));
            }
            cursor = page.cursor;
            if cursor.is_none() || result.len() >= size {
                break;
            }
        }
        let total = if query.total == TotalPolicy::None || query.page_size.is_none() {
            None
        } else {
            Some(self.count(topic, filter).await?)
        };
        Ok(Page {
            result,
            cookie: cursor.map(|cursor| mark.seal(POSITION, cursor.as_bytes())),
            policy: total.map_or(TotalPolicy::None, |_| TotalPolicy::Exact),
            total,
        })
    }

    async fn count(&self, topic: Topic, filter: Arc<Filter>) -> Result<u64, Problem> {
        let mut scan = Scan::matching(entry::entries(topic), filter, PAGE);
        let mut count = 0;
        loop {
            let page = self.0.0.store.scan(&scan).await?;
            count += page.documents.len() as u64;
            match page.cursor {
                None => return Ok(count),
                cursor => scan = scan.after(cursor),
            }
        }
    }

    async fn gather(&self, topic: Topic, filter: Arc<Filter>) -> Result<Vec<Object>, Problem> {
        let mut scan = Scan::matching(entry::entries(topic), filter, PAGE);
        let mut all = Vec::new();
        loop {
            let page = self.0.0.store.scan(&scan).await?;
            all.extend(page.documents.into_iter().map(object));
            if all.len() > MAX_SORTED {
                return Err(Problem::bad_request(format!(
                    "more than {MAX_SORTED} entries match, which are sorted by time only: narrow the filter, or leave \
                     _sortKeys out"
                )));
            }
            match page.cursor {
                None => return Ok(all),
                cursor => scan = scan.after(cursor),
            }
        }
    }
}

fn topic(path: &ResourcePath) -> Result<Topic, Problem> {
    match (path.len(), path.element(0).and_then(Topic::of_name)) {
        (1, Some(topic)) => Ok(topic),
        (0, _) => Err(Problem::bad_request(format!(
            "name a topic, as in audit/access: there are {}",
            Topic::ALL.map(Topic::name).join(", ")
        ))),
        _ => Err(missing(path)),
    }
}

fn object(document: Document) -> Object {
    Object {
        id: document.id.to_string(),
        rev: None,
        content: Content::Raw(document.body),
    }
}

fn missing(path: &ResourcePath) -> Problem {
    let elements = std::iter::once("audit").chain(path.elements());
    Problem::not_found(ResourcePath::from_elements(elements))
}
