//! What the directory says of its attributes, as far as it decides whether a test can be handed to it.

use std::collections::BTreeMap;

/// How a directory compares the values of an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    above: Option<String>,
    equality: Option<String>,
    substring: Option<String>,
    ordering: Option<String>,
}

/// The attributes of a directory, by name in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schema(BTreeMap<String, Rules>);

/// Rules that find whatever is equal without regard to case: they may find more, and never less.
const CASE_IGNORING: [&str; 5] = [
    "caseignorematch",
    "2.5.13.2",
    "caseignoreia5match",
    "1.3.6.1.4.1.1466.109.114.2",
    "uuidmatch",
];
const SUBSTRING: [&str; 4] = [
    "caseignoresubstringsmatch",
    "2.5.13.4",
    "caseignoreia5substringsmatch",
    "1.3.6.1.4.1.1466.109.114.3",
];
const INTEGER: [&str; 2] = ["integermatch", "2.5.13.14"];
const INTEGER_ORDER: [&str; 2] = ["integerorderingmatch", "2.5.13.15"];

impl Schema {
    /// Reads `attributeTypes` of a subschema entry (RFC 4512, 4.1.2). What is no description is left out: then nothing
    /// is handed over that needs it.
    pub(super) fn parse<'a>(descriptions: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = BTreeMap::new();
        for description in descriptions {
            let words = words(description);
            let mut rules = Rules::default();
            let mut names = Vec::new();
            let mut at = 1;
            while at < words.len() {
                let next = words.get(at + 1).map(|word| word.to_ascii_lowercase());
                match words[at].as_str() {
                    "NAME" if next.as_deref() == Some("(") => {
                        let list = words[at + 2..].iter().take_while(|word| *word != ")");
                        names.extend(list.map(|name| name.to_ascii_lowercase()));
                        at += names.len() + 2;
                    }
                    "NAME" => names.extend(next),
                    "SUP" => rules.above = next,
                    "EQUALITY" => rules.equality = next,
                    "SUBSTR" => rules.substring = next,
                    "ORDERING" => rules.ordering = next,
                    _ => {}
                }
                at += 1;
            }
            all.extend(names.into_iter().map(|name| (name, rules.clone())));
        }
        Self(all)
    }

    /// The rule of an attribute, its own or the one of what it is derived from.
    fn rule(&self, attribute: &str, of: impl Fn(&Rules) -> &Option<String>) -> Option<&str> {
        let mut rules = self.0.get(&attribute.to_ascii_lowercase())?;
        // A chain is short, unless it is a ring.
        for _ in 0..16 {
            if let Some(rule) = of(rules) {
                return Some(rule);
            }
            rules = self.0.get(rules.above.as_ref()?)?;
        }
        None
    }

    /// Whether the directory finds by equality whatever is equal to a text without regard to case.
    pub(super) fn finds_equal_texts(&self, attribute: &str) -> bool {
        self.rule(attribute, |rules| &rules.equality)
            .is_some_and(|rule| CASE_IGNORING.contains(&rule))
    }

    /// The same for parts of texts.
    pub(super) fn finds_parts(&self, attribute: &str) -> bool {
        self.rule(attribute, |rules| &rules.substring)
            .is_some_and(|rule| SUBSTRING.contains(&rule))
    }

    /// Whether equal numbers are found.
    pub(super) fn finds_equal_numbers(&self, attribute: &str) -> bool {
        self.rule(attribute, |rules| &rules.equality)
            .is_some_and(|rule| INTEGER.contains(&rule))
    }

    /// Whether numbers are found by their order.
    pub(super) fn orders_numbers(&self, attribute: &str) -> bool {
        self.rule(attribute, |rules| &rules.ordering)
            .is_some_and(|rule| INTEGER_ORDER.contains(&rule))
    }

    /// Whether the directory has a change number in each entry that it can compare (OpenLDAP's `entryCSN`).
    pub(super) fn has_change_numbers(&self) -> bool {
        self.rule("entrycsn", |rules| &rules.ordering)
            .is_some_and(|rule| rule.contains("csnorderingmatch") || rule == "1.3.6.1.4.1.4203.666.11.2.3")
    }
}

/// The words of a description, with quotes taken off; parentheses are words.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' => 1,
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '\''))
                .unwrap_or(rest.len()),
        };
        words.push(rest[..end].trim_matches('\'').to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_the_attribute_or_of_what_it_is_derived_from() {
        let schema = Schema::parse([
            "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3{32768} )",
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: it''s (a) name' SUP name )",
            "( 1.1 NAME 'homeDirectory' EQUALITY caseExactIA5Match SINGLE-VALUE )",
            "( 1.2 NAME 'uidNumber' EQUALITY integerMatch ORDERING integerOrderingMatch )",
            "( 1.3 NAME 'ring' SUP ring )",
            "",
            "( 1.4 NAME",
        ]);
        for name in ["name", "cn", "CommonName"] {
            assert!(schema.finds_equal_texts(name) && schema.finds_parts(name), "{name}");
        }
        assert!(!schema.finds_equal_texts("homeDirectory"));
        assert!(schema.finds_equal_numbers("uidNumber") && schema.orders_numbers("uidnumber"));
        assert!(!schema.finds_equal_texts("ring") && !schema.finds_equal_texts("absent"));
        assert!(!schema.has_change_numbers());
    }
}
