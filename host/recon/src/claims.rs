//! Source objects of one page that look for the same target object: one goes first, the others are decided again.
//!
//! The objects of a page are assessed on one snapshot, so that none sees what the others make. Two sources with the same
//! correlation key would both find nothing, and both make a target object. So each remembers what it looked for. Where the target
//! joins the unit of work, the page is looked through before its commit (`page`): who would have found what an earlier one
//! made is done again, on top of it. Where writes are sent at once that is too late, so there each says what it is about
//! to make before it sends it; who comes second sends nothing, and is done again as well.

use std::sync::Arc;

use host_resource::Filter;
use parking_lot::Mutex;
use serde_json::Value;

/// What a correlation looked for, and the ids that it found.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    /// None where a script or a query by name looked: then any new object could have been found.
    pub(crate) filter: Option<Arc<Filter>>,
    pub(crate) found: Vec<String>,
}

/// A target object that somebody has made or changed, or is about to.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// None as long as nobody knows its id.
    pub(crate) id: Option<String>,
    pub(crate) object: Value,
    pub(crate) is_new: bool,
}

impl Looked {
    /// Whether it would have found an object if that had been there.
    pub(crate) fn misses(&self, made: &Made) -> bool {
        let is_found = made.id.as_ref().is_some_and(|id| self.found.contains(id));
        !is_found
            && match &self.filter {
                Some(filter) => filter.matches(&made.object),
                None => made.is_new,
            }
    }
}

/// What the source objects of one page are about to send.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<Vec<Claim>>);

#[derive(Debug)]
struct Claim {
    source: String,
    made: Made,
}

impl Claims {
    /// Claims a target object for a source object. False if what another source object claimed is the same one, or would
    /// have been found.
    pub(crate) fn take(&self, source: &str, looked: &Looked, made: Made) -> bool {
        let mut claims = self.0.lock();
        let is_same = |claim: &Claim| made.id.is_some() && claim.made.id == made.id;
        let mut others = claims.iter().filter(|claim| claim.source != source);
        if others.any(|claim| is_same(claim) || looked.misses(&claim.made)) {
            return false;
        }
        claims.push(Claim {
            source: source.to_owned(),
            made,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn looked(filter: &str, found: &[&str]) -> Looked {
        Looked {
            filter: (!filter.is_empty()).then(|| Arc::new(Filter::parse(filter).unwrap())),
            found: found.iter().map(|&id| id.to_owned()).collect(),
        }
    }

    fn made(id: Option<&str>, mail: &str, is_new: bool) -> Made {
        Made {
            id: id.map(str::to_owned),
            object: json!({"mail": mail}),
            is_new,
        }
    }

    #[test]
    fn what_would_have_been_found_is_missed() {
        let check = |looked: Looked, made: Made, expected: bool| {
            assert_eq!(looked.misses(&made), expected, "{looked:?} {made:?}");
        };
        check(looked("mail eq 'a'", &[]), made(None, "a", true), true);
        check(looked("mail eq 'a'", &[]), made(Some("t"), "a", false), true);
        check(looked("mail eq 'a'", &["t"]), made(Some("t"), "a", false), false);
        check(looked("mail eq 'a'", &["t"]), made(Some("u"), "a", true), true);
        check(looked("mail eq 'a'", &[]), made(None, "b", true), false);
        check(looked("", &[]), made(None, "b", true), true);
        check(looked("", &[]), made(Some("t"), "b", false), false);
    }

    #[test]
    fn one_source_object_goes_first() {
        let claims = Claims::default();
        let of = |mail: &str| looked(&format!("mail eq '{mail}'"), &[]);
        assert!(claims.take("one", &of("a"), made(None, "a", true)));
        assert!(claims.take("two", &of("b"), made(None, "b", true)));
        assert!(!claims.take("three", &of("a"), made(None, "a", true)));
        // Under another qualifier the same source object may have a second target object.
        assert!(claims.take("one", &of("a"), made(None, "a", true)));
        // Two that found the same one.
        let found = looked("mail eq 'c'", &["t"]);
        assert!(claims.take("four", &found, made(Some("t"), "c", false)));
        assert!(!claims.take("five", &found, made(Some("t"), "c", false)));
    }
}
