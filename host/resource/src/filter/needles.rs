//! What the text of an object must have somewhere for a filter to match. To look for a few bytes is many times faster than
//! to read an object, and most objects that a query without an index looks at do not match.

use regex::bytes::{Regex, RegexBuilder};

use super::{Filter, Literal, Operator};
use crate::pointer::Pointer;

/// More texts than this are not looked for: then reading is as fast.
const MOST: usize = 64;
/// Shorter ones are everywhere.
const SHORTEST: usize = 3;

/// Texts of which an object that matches has at least one.
#[derive(Clone, Debug)]
pub struct Needles(Regex);

impl Needles {
    /// What to look for; none when a filter says nothing of the kind.
    pub fn new(filter: &Filter) -> Option<Self> {
        let texts = texts(filter)?;
        let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
        let mut builder = RegexBuilder::new(&escaped.join("|"));
        builder.case_insensitive(true).unicode(false);
        builder.build().ok().map(Self)
    }

    /// Whether an object may match, given as the text of its JSON. False is certain.
    pub fn may_match(&self, json: &[u8]) -> bool {
        // Letters beyond ASCII may be equal to ASCII ones, and an escape may stand for any letter.
        self.0.is_match(json) || !json.is_ascii() || memchr::memchr(b'\\', json).is_some()
    }
}

fn texts(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { field, operator, value } if is_in_text(field) => {
            text(*operator, value).map(|text| vec![text])
        }
        Filter::In { field, values } if is_in_text(field) && (1..=MOST).contains(&values.len()) => {
            values.iter().map(|value| text(Operator::Eq, value)).collect()
        }
        // All of them hold, so it is enough to look for those of one: the longest are the rarest.
        Filter::And(filters) => filters
            .iter()
            .filter_map(texts)
            .max_by_key(|texts| texts.iter().map(String::len).min()),
        Filter::Or(filters) => {
            let all: Vec<Vec<String>> = filters.iter().map(texts).collect::<Option<_>>()?;
            let all = all.concat();
            (1..=MOST).contains(&all.len()).then_some(all)
        }
        _ => None,
    }
}

/// What a comparison needs in the text of the object, quotes included where it begins or ends with them.
fn text(operator: Operator, value: &Literal) -> Option<String> {
    let Literal::Text(text) = value else { return None };
    let text = text.written();
    // What JSON writes with a backslash is read all the same.
    if text.len() < SHORTEST || !text.is_ascii() {
        return None;
    }
    match operator {
        Operator::Eq => Some(format!("\"{text}\"")),
        Operator::Sw => Some(format!("\"{text}")),
        Operator::Co => Some(text.to_owned()),
        Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => None,
    }
}

/// Whether what a field points to is in the stored text.
fn is_in_text(field: &Pointer) -> bool {
    let first = field.elements().first();
    first.is_some_and(|first| !matches!(&**first, "_id" | "_rev"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Matcher;
    use super::super::strategy::{document, filter, pointer, text};
    use super::*;

    fn needles(filter: &str) -> Option<Needles> {
        Needles::new(&Filter::parse(filter).unwrap())
    }

    #[test]
    fn a_filter_says_what_an_object_must_have() {
        let check = |filter: &str, json: &str, expected: Option<bool>| {
            let found = needles(filter).map(|needles| needles.may_match(json.as_bytes()));
            assert_eq!(found, expected, "{filter} {json}");
        };
        let json = r#"{"name":"Anne Smith","n":1}"#;
        check("name eq 'anne smith'", json, Some(true));
        check("name eq 'anne'", json, Some(false));
        check("name sw 'ANNE'", json, Some(true));
        check("name sw 'smith'", json, Some(false));
        check("name co 'Smith'", json, Some(true));
        check("name in '[\"xxx\",\"Anne Smith\"]'", json, Some(true));
        check("name eq 'nobody' or name eq 'anne smith'", json, Some(true));
        check("name eq 'nobody' and n eq 1", json, Some(false));
        check("n eq 1 and (true or name pr)", json, None);
        check("name eq 'nobody' or n eq 1", json, None);
        check("!(name eq 'anne smith')", json, None);
        check("_id eq 'anne smith'", json, None);
        check("name ge 'anne'", json, None);
        check("name eq 'an'", json, None);
        check("name eq 'änne'", json, None);
        // What could be written in another way has to be read.
        check("name eq 'xyz'", r#"{"name":"x\u0079z"}"#, Some(true));
        check("name eq 'a/bc'", r#"{"name":"a\/bc"}"#, Some(true));
        check("name eq 'kilo'", "{\"name\":\"\u{212a}ilo\"}", Some(true));
        check("name eq '.*.'", r#"{"name":"abc"}"#, Some(false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn what_matches_is_never_passed_over(
            filter in filter(pointer().boxed(), text().boxed()), object in document(),
        ) {
            let bytes = serde_json::to_vec(&object).unwrap();
            if let Some(needles) = Needles::new(&filter) {
                let matches = Matcher::new(&filter).matches_bytes(&bytes, "x", "1");
                prop_assert!(!matches || needles.may_match(&bytes));
            }
        }
    }
}
