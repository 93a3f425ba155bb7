//! Filters over stored bytes. A [`Matcher`] reads the JSON text of an object once, looks only at the values that the
//! filter names and skips everything else, so no document is built. An [`Extractor`] walks the same way to find the
//! values that an index holds.
//!
//! Stored bytes are trusted to be JSON objects without duplicate names, which is what [`crate::json::parse`] lets in.

pub use super::eval::Scalar;
use super::eval::{compare, is_listed};
use super::{Filter, Literal, Operator};
use crate::pointer::Pointer;

mod trie;

use trie::Trie;

/// Filters with more tests than this (64 in each word) need an allocation for each object.
const WORDS: usize = super::MAX_TERMS.div_ceil(64);

/// A filter made ready to look at many objects.
#[derive(Clone, Debug)]
pub struct Matcher {
    plan: Plan,
    tests: Vec<Test>,
    /// Where the tests look, except those of `_id` and `_rev`.
    trie: Trie,
    /// Tests of `_id`, which the bytes do not contain.
    on_id: Vec<usize>,
    /// Tests of `_rev`, which the bytes do not contain.
    on_rev: Vec<usize>,
}

/// The filter with a number for each test.
#[derive(Clone, Debug)]
enum Plan {
    Literal(bool),
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Not(Box<Plan>),
    Test(usize),
}

#[derive(Clone, Debug)]
enum Test {
    Present,
    Compare(Operator, Literal),
    In(Vec<Literal>),
}

impl Matcher {
    /// Makes a filter ready.
    pub fn new(filter: &Filter) -> Self {
        let mut matcher = Self {
            plan: Plan::Literal(true),
            tests: Vec::new(),
            trie: Trie::default(),
            on_id: Vec::new(),
            on_rev: Vec::new(),
        };
        matcher.plan = matcher.plan(filter);
        matcher.trie.sort();
        matcher
    }

    /// Whether an object matches: the same as [`Filter::matches`] of the object with these two members. An empty `rev`
    /// means that the object has none. Of bytes that are not JSON, it sees what it can read.
    pub fn matches_bytes(&self, json: &[u8], id: &str, rev: &str) -> bool {
        let mut on_stack = [0; WORDS];
        let mut on_heap = Vec::new();
        let words = self.tests.len().div_ceil(64);
        let passed = match on_stack.get_mut(..words) {
            Some(words) => words,
            None => {
                on_heap.resize(words, 0);
                &mut on_heap[..]
            }
        };
        self.test(&self.on_id, Scalar::Text(id), passed);
        if !rev.is_empty() {
            self.test(&self.on_rev, Scalar::Text(rev), passed);
        }
        self.trie.walk(json, |tests: &[usize], scalar: Scalar<'_>| {
            self.test(tests, scalar, passed)
        });
        self.plan.evaluate(passed)
    }

    fn test(&self, tests: &[usize], scalar: Scalar<'_>, passed: &mut [u64]) {
        for &number in tests {
            let bit = 1 << (number % 64);
            if passed[number / 64] & bit == 0 && self.tests[number].passes(scalar) {
                passed[number / 64] |= bit;
            }
        }
    }

    fn plan(&mut self, filter: &Filter) -> Plan {
        match filter {
            Filter::Literal(value) => Plan::Literal(*value),
            Filter::And(filters) => Plan::And(filters.iter().map(|filter| self.plan(filter)).collect()),
            Filter::Or(filters) => Plan::Or(filters.iter().map(|filter| self.plan(filter)).collect()),
            Filter::Not(filter) => Plan::Not(Box::new(self.plan(filter))),
            Filter::Present(field) => self.add(field, Test::Present),
            Filter::Compare { field, operator, value } => self.add(field, Test::Compare(*operator, value.clone())),
            Filter::In { field, values } => self.add(field, Test::In(values.clone())),
            Filter::Extended { .. } => Plan::Literal(false),
        }
    }

    fn add(&mut self, field: &Pointer, test: Test) -> Plan {
        let number = self.tests.len();
        self.tests.push(test);
        match field.elements() {
            [name] if name.as_ref() == "_id" => self.on_id.push(number),
            [name] if name.as_ref() == "_rev" => self.on_rev.push(number),
            [name, ..] if matches!(name.as_ref(), "_id" | "_rev") => return Plan::Literal(false),
            _ => self.trie.insert(field, number),
        }
        Plan::Test(number)
    }
}

impl Plan {
    fn evaluate(&self, passed: &[u64]) -> bool {
        match self {
            Self::Literal(value) => *value,
            Self::And(plans) => plans.iter().all(|plan| plan.evaluate(passed)),
            Self::Or(plans) => plans.iter().any(|plan| plan.evaluate(passed)),
            Self::Not(plan) => !plan.evaluate(passed),
            Self::Test(number) => passed[number / 64] & 1 << (number % 64) != 0,
        }
    }
}

impl Test {
    /// Whether a value passes, which is found at the test's field or is an item of the array there. An array is present
    /// by itself, so its items need not be told apart.
    fn passes(&self, scalar: Scalar<'_>) -> bool {
        match self {
            Self::Present => scalar != Scalar::Null,
            Self::Compare(operator, literal) => compare(*operator, literal, scalar),
            Self::In(literals) => is_listed(literals, scalar),
        }
    }
}

/// Pointers made ready to find their values in many objects.
#[derive(Clone, Debug)]
pub struct Extractor {
    trie: Trie,
}

impl Extractor {
    /// Makes pointers ready.
    pub fn new(pointers: &[Pointer]) -> Self {
        let mut trie = Trie::default();
        for (number, pointer) in pointers.iter().enumerate() {
            trie.insert(pointer, number);
        }
        trie.sort();
        Self { trie }
    }

    /// Hands over every value at the pointers with its pointer's number, in the order of the bytes. An array is
    /// [`Scalar::Other`] followed by its items, an object is [`Scalar::Other`]. `_id` and `_rev` are not in the bytes.
    pub fn extract(&self, json: &[u8], mut each: impl FnMut(usize, Scalar<'_>)) {
        self.trie.walk(json, |numbers: &[usize], scalar: Scalar<'_>| {
            numbers.iter().for_each(|number| each(*number, scalar))
        });
    }
}

/// [`Extractor::extract`] for a single object.
pub fn extract(json: &[u8], pointers: &[Pointer], each: impl FnMut(usize, Scalar<'_>)) {
    Extractor::new(pointers).extract(json, each);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::strategy::{document, filter, pointer, text};
    use super::*;

    #[test]
    fn stored_bytes_match_with_the_identity_beside_them() {
        let json = br#" { "a" : { "x" : [ {}, "\u00e9\n" ] , "b":"v" }, "n": null, "last": 1 } "#;
        let check = |filter: &str, expected: bool| {
            let matcher = Matcher::new(&Filter::parse(filter).unwrap());
            assert_eq!(matcher.matches_bytes(json, "Joe", "7"), expected, "{filter}");
        };
        check("true", true);
        check("_id eq 'joe' and _rev eq '7'", true);
        check("_id sw 'x' or _rev pr", true);
        check("_id/x pr", false);
        check("/a/b eq 'V' and last eq 1", true);
        check("/a/x eq 'É\n'", true);
        check("/a/x/1 pr and /a/x/0 pr and !(/a/x/2 pr)", true);
        check("/a pr and / pr", true);
        check("n pr or absent pr or /last/x pr", false);
    }

    #[test]
    fn what_is_stored_as_identity_does_not_count() {
        let check = |filter: &str, rev: &str, expected: bool| {
            let matcher = Matcher::new(&Filter::parse(filter).unwrap());
            assert_eq!(
                matcher.matches_bytes(br#"{"_id":"no","_rev":"no"}"#, "yes", rev),
                expected,
                "{filter}"
            );
        };
        check("_id eq 'no'", "", false);
        check("_id eq 'yes'", "", true);
        check("_rev pr", "", false);
        check("_rev pr", "1", true);
    }

    #[test]
    fn broken_bytes_match_nothing_and_never_panic() {
        let whole = serde_json::to_vec(&json!({"a": {"b": [1, {"c": "x\n"}]}, "z": true})).unwrap();
        let matcher = Matcher::new(&Filter::parse("z eq true").unwrap());
        for end in 0..whole.len() - 1 {
            assert!(!matcher.matches_bytes(&whole[..end], "x", "1"), "{end}");
        }
        assert!(matcher.matches_bytes(&whole, "x", "1"));
        assert!(!matcher.matches_bytes(b"[{\"z\":true}]", "x", "1"));
        assert!(!matcher.matches_bytes(b"\xff\xfe", "x", "1"));
        assert!(!matcher.matches_bytes(b"{\"z\":\"\xff\"}", "x", "1"));
    }

    #[test]
    fn a_filter_with_very_many_tests_works() {
        let tests = (0..5000).map(|number| Filter::text(Pointer::root().child(&number.to_string()), Operator::Eq, "x"));
        let matcher = Matcher::new(&Filter::Or(tests.collect()));
        assert!(matcher.matches_bytes(br#"{"4999":"X"}"#, "x", ""));
        assert!(!matcher.matches_bytes(br#"{"5000":"X"}"#, "x", ""));
    }

    #[test]
    fn extracting_gives_every_value_with_its_pointer() {
        let json = br#"{"n":1,"a":["x",2,null,[3],{"y":4}],"o":{"p":true,"q":null},"e":"\"\u00e9"}"#;
        let pointers =
            ["a", "o/p", "o", "o/q", "e", "n", "absent", "a/4/y", "n"].map(|text| Pointer::parse(text).unwrap());
        let mut found = Vec::new();
        extract(json, &pointers, |number, scalar| {
            found.push(format!("{number} {scalar:?}"))
        });
        let expected = [
            "5 Number(1.0)",
            "8 Number(1.0)",
            "0 Other",
            "0 Text(\"x\")",
            "0 Number(2.0)",
            "0 Null",
            "0 Other",
            "0 Other",
            "7 Number(4.0)",
            "2 Other",
            "1 Boolean(true)",
            "3 Null",
            "4 Text(\"\\\"é\")",
        ];
        assert_eq!(found, expected);
    }

    fn scalars<'a>(pointer: &Pointer, object: &'a Value) -> Vec<Scalar<'a>> {
        match pointer.get(object) {
            None => Vec::new(),
            Some(value @ Value::Array(items)) => std::iter::once(value).chain(items).map(Scalar::of).collect(),
            Some(value) => vec![Scalar::of(value)],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn bytes_and_documents_give_the_same_answer(
            filter in filter(pointer().boxed(), text().boxed()), mut object in document(), id in text(), rev in "[0-9]?",
        ) {
            let bytes = serde_json::to_vec(&object).unwrap();
            object["_id"] = id.clone().into();
            if !rev.is_empty() {
                object["_rev"] = rev.clone().into();
            }
            prop_assert_eq!(Matcher::new(&filter).matches_bytes(&bytes, &id, &rev), filter.matches(&object));
        }

        #[test]
        fn extracting_finds_what_pointers_find(pointers in prop::collection::vec(pointer(), 0..5), object in document()) {
            let bytes = serde_json::to_vec(&object).unwrap();
            let mut found = vec![Vec::new(); pointers.len()];
            extract(&bytes, &pointers, |number, scalar| found[number].push(format!("{scalar:?}")));
            for (pointer, found) in pointers.iter().zip(found) {
                let expected: Vec<_> = scalars(pointer, &object).iter().map(|scalar| format!("{scalar:?}")).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
