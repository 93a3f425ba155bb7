//! In which form the results of a query are written: as the language's envelope, or as a line for each.

use host_resource::{Object, Problem};
use http::HeaderValue;

use super::envelope::{Envelope, Totals};
use super::{JSON, object_text};
use crate::request::Style;

const NDJSON: HeaderValue = HeaderValue::from_static(crate::bulk::NDJSON);

/// Results that are being written, piece by piece.
#[derive(Debug)]
pub(crate) enum Form {
    Envelope(Envelope),
    Lines { style: Style, text: String },
}

impl Form {
    /// The language's envelope.
    pub(crate) fn envelope(style: Style) -> Self {
        Self::Envelope(Envelope::new(style))
    }

    /// A line for each result, and nothing around them.
    pub(crate) fn lines(style: Style) -> Self {
        Self::Lines {
            style: Style {
                is_pretty: false,
                ..style
            },
            text: String::new(),
        }
    }

    /// Adds results.
    pub(crate) fn add(&mut self, objects: Vec<Object>) -> Result<(), Problem> {
        match self {
            Self::Envelope(envelope) => envelope.add(objects),
            Self::Lines { style, text } => {
                for object in objects {
                    let line = object_text(object, style)?;
                    // Stored text keeps its layout; a line break in a JSON text is always layout.
                    if line.contains(['\n', '\r']) {
                        text.extend(line.split(['\n', '\r']));
                    } else {
                        text.push_str(&line);
                    }
                    text.push('\n');
                }
                Ok(())
            }
        }
    }

    /// Takes out what is finished.
    pub(crate) fn take(&mut self) -> String {
        match self {
            Self::Envelope(envelope) => envelope.take(),
            Self::Lines { text, .. } => std::mem::take(text),
        }
    }

    /// The end, after everything that was not taken out.
    pub(crate) fn close(self, totals: Totals) -> String {
        match self {
            Self::Envelope(envelope) => envelope.close(totals),
            Self::Lines { text, .. } => text,
        }
    }

    pub(super) fn content_type(&self) -> HeaderValue {
        match self {
            Self::Envelope(_) => JSON,
            Self::Lines { .. } => NDJSON,
        }
    }
}

#[cfg(test)]
mod tests {
    use host_resource::Content;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_result_is_one_line_however_it_was_stored() {
        let object = |id: &str, content| Object {
            id: id.to_owned(),
            rev: Some("1".to_owned()),
            content,
        };
        let mut form = Form::lines(Style {
            is_pretty: true,
            ..Style::default()
        });
        form.add(vec![
            object("a", Content::Json(json!({"text": "two\nlines"}))),
            object("b", Content::Raw("{\n  \"n\": 1,\r\n  \"m\": 2\n}".into())),
        ])
        .unwrap();
        let expected = "{\"_id\":\"a\",\"_rev\":\"1\",\"text\":\"two\\nlines\"}\n{\"_id\":\"b\",\"_rev\":\"1\",  \"n\": 1,  \"m\": 2}\n";
        assert_eq!(form.close(Totals::default()), expected);
    }
}
