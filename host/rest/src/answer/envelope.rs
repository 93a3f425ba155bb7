//! The envelope of a query's answer, written piece by piece: what is finished can be sent before the rest is known.

use std::fmt::Write as _;

use host_resource::{Object, Problem, TotalPolicy};
use serde_json::Value;

use super::object_text;
use crate::request::Style;

/// What follows the results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Where the next page starts.
    pub(crate) cookie: Option<String>,
    pub(crate) policy: TotalPolicy,
    pub(crate) total: Option<u64>,
}

/// An envelope in the making.
#[derive(Debug)]
pub(crate) struct Envelope {
    style: Style,
    count: usize,
    text: String,
}

impl Envelope {
    /// The beginning.
    pub(crate) fn new(style: Style) -> Self {
        let text = if style.is_pretty {
            "{\n  \"result\": ["
        } else {
            "{\"result\":["
        };
        Self {
            text: text.to_owned(),
            style,
            count: 0,
        }
    }

    /// Adds results.
    pub(crate) fn add(&mut self, objects: Vec<Object>) -> Result<(), Problem> {
        for object in objects {
            if self.count > 0 {
                self.text.push(',');
            }
            let text = object_text(object, &self.style)?;
            if self.style.is_pretty {
                // A line break in a JSON text is always layout: in a string it is escaped.
                text.lines().for_each(|line| self.text.extend(["\n    ", line]));
            } else {
                self.text.push_str(&text);
            }
            self.count += 1;
        }
        Ok(())
    }

    /// Takes out what is finished.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The end, after everything that was not taken out.
    pub(crate) fn close(mut self, totals: Totals) -> String {
        let last = match (self.style.is_pretty, self.count) {
            (true, 1..) => "\n  ]",
            (true, 0) | (false, _) => "]",
        };
        self.text.push_str(last);
        let members: [(&str, Value); 5] = [
            ("resultCount", self.count.into()),
            ("pagedResultsCookie", totals.cookie.map_or(Value::Null, Value::String)),
            ("totalPagedResultsPolicy", totals.policy.name().into()),
            ("totalPagedResults", totals.total.map_or(Value::from(-1), Value::from)),
            ("remainingPagedResults", (-1).into()),
        ];
        let (between, colon, end) = if self.style.is_pretty {
            (",\n  ", ": ", "\n}")
        } else {
            (",", ":", "}")
        };
        for (name, value) in members {
            write!(self.text, "{between}\"{name}\"{colon}{value}").expect("writing to a String cannot fail");
        }
        self.text.push_str(end);
        self.text
    }
}

#[cfg(test)]
mod tests {
    use host_resource::{Content, Page};
    use serde_json::json;

    use super::*;

    fn objects(count: usize) -> Vec<Object> {
        let object = |number: usize| Object {
            id: format!("o{number}"),
            rev: number.is_multiple_of(2).then(|| "7".to_owned()),
            content: Content::Json(json!({"name": "a\nb", "list": [1, {}], "empty": []})),
        };
        (0..count).map(object).collect()
    }

    #[test]
    fn the_envelope_is_the_languages_in_both_layouts() {
        for count in 0..4 {
            for is_pretty in [false, true] {
                let style = Style {
                    is_pretty,
                    ..Style::default()
                };
                let totals = Totals {
                    cookie: Some("a\"b".to_owned()),
                    policy: TotalPolicy::Exact,
                    total: Some(9),
                };
                let mut envelope = Envelope::new(style.clone());
                envelope.add(objects(count)).unwrap();
                let mut written = envelope.take();
                written.push_str(&envelope.close(totals.clone()));
                let page = Page {
                    result: objects(count),
                    cookie: totals.cookie,
                    policy: totals.policy,
                    total: totals.total,
                };
                let expected = page.into_value(&style.fields).unwrap();
                let expected = if is_pretty {
                    serde_json::to_string_pretty(&expected)
                } else {
                    serde_json::to_string(&expected)
                };
                assert_eq!(written, expected.unwrap(), "{count} {is_pretty}");
            }
        }
    }

    #[test]
    fn an_unknown_total_is_minus_one() {
        let text = Envelope::new(Style::default()).close(Totals::default());
        assert_eq!(
            text,
            "{\"result\":[],\"resultCount\":0,\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"NONE\",\
             \"totalPagedResults\":-1,\"remainingPagedResults\":-1}"
        );
    }
}
