//! A search that goes on: page after page (RFC 7644, 3.4.2.4). Pages are cut by position, and objects come and go between
//! them. So each page begins with the last object of the one before: if it is not there, it is looked for further up, and
//! nothing is left out because something else was removed.

use std::collections::VecDeque;

use serde_json::Value;

use super::client::{About, Client, Path};
use super::layout::id_of;
use super::path::member;
use crate::error::Error;

/// So many objects behind the place are remembered to find it again.
const REMEMBERED: usize = 5;

/// What a walk looks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) path: Path,
    pub(super) filter: Option<String>,
    /// The attributes that are wanted.
    pub(super) attributes: String,
    /// Whether the service is asked to order by id.
    pub(super) is_sorted: bool,
    /// So many resources are asked for at once.
    pub(super) page: u64,
}

/// Where a walk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// So many resources are behind it.
    behind: u64,
    /// The ids of the last of them, the newest last.
    last: VecDeque<String>,
    /// Whether filter, order and attributes were left out, as the service did not take them.
    is_plain: bool,
}

impl Place {
    /// As bytes for a cookie.
    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::json!([self.behind, self.is_plain, self.last])
            .to_string()
            .into_bytes()
    }

    /// Reads what [`Place::bytes`] wrote.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (behind, is_plain, last) = serde_json::from_slice(bytes).ok()?;
        Some(Self { behind, last, is_plain })
    }
}

/// A search that goes on.
pub(super) struct Walk<'a> {
    client: &'a Client,
    ask: Ask,
    place: Place,
    waiting: VecDeque<Value>,
    /// How many resources there are, as the last page said.
    total: Option<u64>,
}

/// A page as it came.
struct Page {
    resources: Vec<Value>,
    total: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(client: &'a Client, ask: Ask, place: Place) -> Self {
        Self {
            client,
            ask,
            place,
            waiting: VecDeque::new(),
            total: None,
        }
    }

    /// Where it is.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Whether [`Walk::next`] surely has no more.
    pub(super) fn is_at_end(&self) -> bool {
        self.waiting.is_empty() && self.total.is_some_and(|total| self.place.behind >= total)
    }

    /// The next resource; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Error> {
        if self.waiting.is_empty() && !self.is_at_end() {
            self.waiting = self.further().await?.into();
            // Who takes what is not there for gone would be wrong.
            if self.waiting.is_empty() && !self.is_at_end() {
                return Err(Error::Failed(format!(
                    "it says that it has {} objects, and gives {} of them",
                    self.total.unwrap_or_default(),
                    self.place.behind
                )));
            }
        }
        let Some(resource) = self.waiting.pop_front() else {
            return Ok(None);
        };
        self.place.behind += 1;
        if self.place.last.len() == REMEMBERED {
            self.place.last.pop_front();
        }
        self.place.last.push_back(id_of(&resource)?.to_owned());
        Ok(Some(resource))
    }

    /// The resources behind the place, as many as one or two pages bring; none at the end.
    async fn further(&mut self) -> Result<Vec<Value>, Error> {
        let behind = self.place.behind;
        if behind == 0 {
            return Ok(self.first_page().await?.resources);
        }
        // The last one once more, to see that everything is where it was; then from further up.
        for start in [behind, behind.saturating_sub(self.ask.page - 1).max(1)] {
            let page = self.page(start).await?;
            let ids = page.resources.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
            let known = self.place.last.iter().rev();
            let found = known.filter_map(|id| ids.iter().position(|other| other == id)).next();
            let Some(at) = found else { continue };
            let after = at + 1;
            self.place.behind = start + at as u64;
            if after < page.resources.len() || self.place.behind >= page.total {
                return Ok(page.resources.into_iter().skip(after).collect());
            }
            // A service that gives one at a time gave the one that is known.
            let next = self.page(self.place.behind + 1).await?.resources;
            let is_new =
                |resource: &Value| id_of(resource).is_ok_and(|id| !self.place.last.iter().any(|last| last == id));
            if next.iter().all(is_new) {
                return Ok(next);
            }
            return Err(Error::Failed("it gives the same objects on every page".to_owned()));
        }
        Err(Error::Changed(
            "its objects moved while they were read, and the place is lost: ask again".to_owned(),
        ))
    }

    /// The first page; without all that need not be said if the service does not take it, as the house finishes what is
    /// left.
    async fn first_page(&mut self) -> Result<Page, Error> {
        match self.page(1).await {
            Err(Error::Unsupported(why) | Error::Invalid(why)) if !self.place.is_plain => {
                tracing::debug!(why, "a service does not take what it is asked: all is read");
                self.place.is_plain = true;
                self.page(1).await
            }
            other => other,
        }
    }

    async fn page(&mut self, start: u64) -> Result<Page, Error> {
        let (start, count) = (start.to_string(), self.ask.page.to_string());
        let mut parameters = vec![("startIndex", start.as_str()), ("count", count.as_str())];
        if !self.place.is_plain {
            if let Some(filter) = &self.ask.filter {
                parameters.push(("filter", filter));
            }
            if self.ask.is_sorted {
                parameters.extend([("sortBy", "id"), ("sortOrder", "ascending")]);
            }
            parameters.push(("attributes", &self.ask.attributes));
        }
        let about = About {
            object: "the collection",
            secret: None,
        };
        let reply = self.client.get(&self.ask.path, &parameters, about).await;
        let mut list = reply
            .map_err(|error| match error {
                Error::Missing(_) => Error::Unsupported("the service has no such collection".to_owned()),
                other => other,
            })?
            .body;
        let total = member(&list, "totalResults").and_then(Value::as_u64);
        let total =
            total.ok_or_else(|| Error::Failed("it answers a query with something that is no list".to_owned()))?;
        let resources = list.as_object_mut().and_then(|list| {
            let key = list.keys().find(|key| key.eq_ignore_ascii_case("Resources")).cloned()?;
            list.shift_remove(&key)
        });
        self.total = Some(total);
        Ok(Page {
            resources: match resources {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(resources)) => resources,
                Some(_) => {
                    return Err(Error::Failed(
                        "it answers a query with something that is no list".to_owned(),
                    ));
                }
            },
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_goes_into_a_cookie_and_comes_back() {
        let place = Place {
            behind: 7,
            last: VecDeque::from(["a".to_owned(), "b".to_owned()]),
            is_plain: true,
        };
        assert_eq!(Place::parse(&place.bytes()), Some(place));
        assert_eq!(Place::parse(b"7"), None);
    }
}
