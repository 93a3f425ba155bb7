//! The parameters of a query string.

use host_resource::Problem;
use percent_encoding::percent_decode_str;

/// The parameters of a query string, decoded, in order. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Takes a query string apart. `+` is a space here, other than in a path.
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let parse = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        };
        pairs.map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Every value of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn single<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.all(name);
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(_) => Err(refuse(
                name,
                format!("The request parameter '{name}' is given more than once"),
            )),
        }
    }

    /// `true` or `false`; without the parameter, `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.single(name)? {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(refuse(
                name,
                format!("The value '{value}' for parameter '{name}' is neither true nor false"),
            )),
        }
    }

    /// A number from 0 on.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Problem> {
        let parse = |value: &str| {
            value.parse().map_err(|_| {
                refuse(
                    name,
                    format!(
                        "The value '{value}' for parameter '{name}' could not be parsed as a valid integer from 0 on"
                    ),
                )
            })
        };
        self.single(name)?.map(parse).transpose()
    }

    /// Refuses a parameter that starts with an underscore and is not known, by the name that the client wrote.
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), Problem> {
        match self.beyond(known).find(|(name, _)| name.starts_with('_')) {
            Some((name, _)) => Err(refuse(name, format!("Unrecognized request parameter '{name}'"))),
            None => Ok(()),
        }
    }

    /// The parameters that are not among the known ones.
    pub(crate) fn beyond<'a>(&'a self, known: &'a [&str]) -> impl Iterator<Item = &'a (String, String)> {
        self.0
            .iter()
            .filter(|(given, _)| !known.iter().any(|name| name.eq_ignore_ascii_case(given)))
    }
}

/// A 400 that names the parameter, also for programs.
pub(crate) fn refuse(name: &str, message: String) -> Problem {
    Problem::bad_request(message).with_detail("parameter", name)
}

fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Problem::bad_request(format!(
            "the query string has '{text}', which does not decode to UTF-8"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_string_is_taken_apart() {
        let check = |query: &str, expected: &[(&str, &str)]| {
            let parameters = Parameters::parse(query).unwrap();
            let found: Vec<_> = parameters
                .0
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(found, expected, "{query}");
        };
        check("", &[]);
        check("a=b", &[("a", "b")]);
        check("a=b&&c", &[("a", "b"), ("c", "")]);
        check("_queryFilter=(nodeId+pr)", &[("_queryFilter", "(nodeId pr)")]);
        check("_queryFilter=%21(nodeId%20pr)", &[("_queryFilter", "!(nodeId pr)")]);
        check("a=1=2", &[("a", "1=2")]);
        check("%5Fa=x%26y", &[("_a", "x&y")]);
        check("a=%2B", &[("a", "+")]);
        check("a=%zz", &[("a", "%zz")]);
    }

    #[test]
    fn what_is_no_utf_8_is_refused() {
        assert_eq!(Parameters::parse("a=%FF").unwrap_err().code.number(), 400);
    }

    #[test]
    fn names_are_compared_without_case_and_given_once() {
        let parameters = Parameters::parse("_PAGESIZE=5&x=1&X=2&_prettyprint=TRUE").unwrap();
        assert_eq!(parameters.number("_pageSize"), Ok(Some(5)));
        assert_eq!(parameters.flag("_prettyPrint"), Ok(true));
        assert_eq!(parameters.single("y"), Ok(None));
        assert_eq!(
            parameters.single("x").unwrap_err().message,
            "The request parameter 'x' is given more than once"
        );
        assert!(parameters.has("_PageSize"));
        assert!(!parameters.has("_page"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_parameter() {
        for query in ["n=-1", "n=one", "n=", "n=1.5", "n=99999999999999999999"] {
            let problem = Parameters::parse(query).unwrap().number("n").unwrap_err();
            assert!(problem.message.contains("parameter 'n'"), "{problem}");
        }
        let problem = Parameters::parse("f=yes").unwrap().flag("f").unwrap_err();
        assert!(problem.message.contains("parameter 'f'"), "{problem}");
    }

    #[test]
    fn an_unknown_parameter_with_an_underscore_is_refused_by_its_name() {
        let check = |query: &str, expected: Option<&str>| {
            let found = Parameters::parse(query).unwrap().refuse_unknown(&["_fields"]);
            assert_eq!(
                found.err().map(|problem| problem.message).as_deref(),
                expected,
                "{query}"
            );
        };
        check("_fields=a&other=1", None);
        check("_FIELDS=a", None);
        check("_Fieldz=a", Some("Unrecognized request parameter '_Fieldz'"));
        check("a=1&_x=2", Some("Unrecognized request parameter '_x'"));
    }
}
