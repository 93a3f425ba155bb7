//! How an answer shall look.

use host_resource::Problem;
use host_resource::project::Fields;

use super::method::Method;
use super::operation::{FIELDS, MIME_TYPE, PRETTY};
use super::parameters::{Parameters, refuse};

/// How an answer shall look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Which members are shown.
    pub(crate) fields: Fields,
    /// Whether the JSON is indented.
    pub(crate) is_pretty: bool,
    /// Whether the body is the one wanted value as plain text instead of JSON.
    pub(crate) is_text: bool,
    /// Whether only the head of the answer is wanted.
    pub(crate) is_head: bool,
}

impl Style {
    /// Reads the parameters that every request may have.
    pub(crate) fn of(method: Method, parameters: &Parameters) -> Result<Self, Problem> {
        let fields = Fields::parse(parameters.all(FIELDS)).map_err(|error| refuse(FIELDS, error.to_string()))?;
        let is_read = matches!(method, Method::Get | Method::Head);
        let mime_type = parameters.single(MIME_TYPE)?.filter(|_| is_read);
        Ok(Self {
            is_pretty: parameters.flag(PRETTY)?,
            is_text: mime_type
                .map(|mime_type| is_text(mime_type, &fields))
                .transpose()?
                .unwrap_or(false),
            is_head: method == Method::Head,
            fields,
        })
    }
}

/// The types are a short list on purpose: with `text/html`, say, whoever may write a value could put a page under this
/// host's name.
fn is_text(mime_type: &str, fields: &Fields) -> Result<bool, Problem> {
    let named = |name: &str| mime_type.eq_ignore_ascii_case(name);
    match (named("text/plain"), fields.pointers().len()) {
        (true, 1) => Ok(true),
        (true, _) => Err(refuse(
            MIME_TYPE,
            format!("The request parameter '{MIME_TYPE}' needs '{FIELDS}' with one field"),
        )),
        (false, _) if named("application/json") => Ok(false),
        (false, _) => {
            let message = format!(
                "The value '{mime_type}' for parameter '{MIME_TYPE}' is not supported: use text/plain or application/json"
            );
            Err(refuse(MIME_TYPE, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, query: &str) -> Result<Style, Problem> {
        Style::of(method, &Parameters::parse(query).unwrap())
    }

    #[test]
    fn fields_accumulate() {
        let style = of(Method::Get, "_fields=a,/b&_FIELDS=c/d").unwrap();
        assert_eq!(style.fields, Fields::parse(["a,b,c/d"]).unwrap());
        assert!(of(Method::Get, "").unwrap().fields.is_all());
    }

    #[test]
    fn a_bad_field_is_refused() {
        assert_eq!(of(Method::Get, "_fields=%25%25%25").unwrap_err().code.number(), 400);
    }

    #[test]
    fn one_field_can_be_read_as_text_and_only_as_text() {
        let check = |method: Method, query: &str, expected: Result<bool, u16>| {
            let found = of(method, query)
                .map(|style| style.is_text)
                .map_err(|problem| problem.code.number());
            assert_eq!(found, expected, "{query}");
        };
        check(Method::Get, "_fields=a&_mimeType=text/plain", Ok(true));
        check(Method::Get, "_fields=a&_mimeType=application/json", Ok(false));
        check(Method::Get, "_fields=a,b&_mimeType=text/plain", Err(400));
        check(Method::Get, "_mimeType=text/plain", Err(400));
        check(Method::Get, "_fields=a&_mimeType=text/html", Err(400));
        check(Method::Get, "_fields=a&_mimeType=nonsense", Err(400));
        check(Method::Put, "_fields=a&_mimeType=text/html", Ok(false));
    }
}
