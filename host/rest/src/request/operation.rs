//! What method, condition and parameters together ask for: the table of behaviour 1.2.

use host_resource::{ApiVersion, Problem};

use super::headers::Condition;
use super::method::Method;
use super::parameters::{Parameters, refuse};

/// What is asked for, without the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reads one resource, unless it has one of these revisions.
    Read { unless: Vec<String> },
    /// Lists what matches.
    Query,
    /// Makes a resource in the container that the path names; the server chooses its id.
    Create,
    /// Makes the resource that the path names.
    CreateNamed,
    /// Replaces the resource that the path names.
    Update { rev: Option<String> },
    /// Makes the resource that the path names, or replaces it.
    Upsert,
    /// Changes parts of one resource.
    Patch { rev: Option<String> },
    /// Removes one resource.
    Delete { rev: Option<String> },
    /// Anything else, by name.
    Action(String),
    /// Asks which methods there are.
    Options,
}

pub(crate) const FILTER: &str = "_queryFilter";
pub(crate) const QUERY_ID: &str = "_queryId";
pub(crate) const EXPRESSION: &str = "_queryExpression";
pub(crate) const SORT_KEYS: &str = "_sortKeys";
pub(crate) const PAGE_SIZE: &str = "_pageSize";
pub(crate) const COOKIE: &str = "_pagedResultsCookie";
pub(crate) const OFFSET: &str = "_pagedResultsOffset";
pub(crate) const TOTAL: &str = "_totalPagedResultsPolicy";
pub(crate) const COUNT_ONLY: &str = "_countOnly";
pub(crate) const ACTION: &str = "_action";
pub(crate) const FIELDS: &str = "_fields";
pub(crate) const PRETTY: &str = "_prettyPrint";
pub(crate) const MIME_TYPE: &str = "_mimeType";

const ON_ALL: &[&str] = &[FIELDS, PRETTY, MIME_TYPE];
pub(crate) const ON_POST: &[&str] = &[FIELDS, PRETTY, MIME_TYPE, ACTION];
const ON_QUERY: &[&str] = &[
    FIELDS, PRETTY, MIME_TYPE, FILTER, QUERY_ID, EXPRESSION, SORT_KEYS, PAGE_SIZE, COOKIE, OFFSET, TOTAL, COUNT_ONLY,
];

/// On the action `export` of a managed type.
pub(crate) const ON_EXPORT: &[&str] = &[FIELDS, PRETTY, MIME_TYPE, ACTION, FILTER];

const NEEDS_ACTION_BELOW: ApiVersion = ApiVersion { major: 2, minor: 1 };

impl Operation {
    /// Reads the table.
    pub(crate) fn of(
        method: Method,
        condition: Condition,
        protocol: ApiVersion,
        parameters: &Parameters,
    ) -> Result<Self, Problem> {
        let is_query = [FILTER, QUERY_ID, EXPRESSION].iter().any(|name| parameters.has(name));
        match (method, condition) {
            (Method::Get | Method::Head, Condition::Free) if is_query => Ok(Self::Query),
            (Method::Get | Method::Head, Condition::NoneOf(unless)) if !is_query => Ok(Self::Read { unless }),
            (Method::Get | Method::Head, Condition::Free) => Ok(Self::Read { unless: Vec::new() }),

            (Method::Put, Condition::Absent) => Ok(Self::CreateNamed),
            (Method::Put, Condition::Match(rev)) => Ok(Self::Update { rev }),
            (Method::Put, Condition::Free) if protocol.major >= 2 => Ok(Self::Upsert),
            (Method::Put, Condition::Free) => Ok(Self::Update { rev: None }),
            (Method::Put, Condition::NoneOf(_)) => Err(Problem::bad_request(
                "the header if-none-match of a PUT can only be *, which asks for a new resource",
            )),

            (Method::Post, Condition::Free) => Self::of_post(protocol, parameters),

            (Method::Patch, Condition::Free) => Ok(Self::Patch { rev: None }),
            (Method::Patch, Condition::Match(rev)) => Ok(Self::Patch { rev }),

            (Method::Delete, Condition::Free) => Ok(Self::Delete { rev: None }),
            (Method::Delete, Condition::Match(rev)) => Ok(Self::Delete { rev }),

            (Method::Options, _) => Ok(Self::Options),

            (Method::Get | Method::Head | Method::Post, Condition::Match(_)) => Err(Problem::precondition_failed(
                "the header if-match belongs to PUT, PATCH and DELETE",
            )),
            (
                Method::Get | Method::Head | Method::Post | Method::Patch | Method::Delete,
                Condition::Absent | Condition::NoneOf(_),
            ) => Err(Problem::precondition_failed(
                "the header if-none-match belongs to a PUT, with *, or to a GET of one resource, with its revision",
            )),
        }
    }

    fn of_post(protocol: ApiVersion, parameters: &Parameters) -> Result<Self, Problem> {
        match parameters.single(ACTION)? {
            Some("") => Err(refuse(ACTION, "The request parameter '_action' is empty".to_owned())),
            Some(action) if action.eq_ignore_ascii_case("create") => Ok(Self::Create),
            Some(action) => Ok(Self::Action(action.to_owned())),
            None if protocol >= NEEDS_ACTION_BELOW => Ok(Self::Create),
            None => Err(refuse(
                ACTION,
                "a POST needs the request parameter '_action' before protocol 2.1".to_owned(),
            )),
        }
    }

    /// The parameters that the language gives a meaning to here.
    pub(crate) fn known_parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Query => ON_QUERY,
            Self::Create | Self::Action(_) => ON_POST,
            Self::Read { .. }
            | Self::CreateNamed
            | Self::Update { .. }
            | Self::Upsert
            | Self::Patch { .. }
            | Self::Delete { .. }
            | Self::Options => ON_ALL,
        }
    }

    /// Whether parameters with an underscore that the language does not know are the resource's business.
    pub(crate) fn passes_everything(&self) -> bool {
        matches!(self, Self::Action(_))
    }

    /// What the audit calls it. An upsert is one, whatever it turns out to be.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "READ",
            Self::Query => "QUERY",
            Self::Create | Self::CreateNamed => "CREATE",
            Self::Update { .. } | Self::Upsert => "UPDATE",
            Self::Patch { .. } => "PATCH",
            Self::Delete { .. } => "DELETE",
            Self::Action(_) => "ACTION",
            Self::Options => "OPTIONS",
        }
    }

    /// Whether something may be another after it.
    pub(crate) fn is_write(&self) -> bool {
        !matches!(self, Self::Read { .. } | Self::Query | Self::Options)
    }

    /// Whether the body means something.
    pub(crate) fn takes_body(&self) -> bool {
        match self {
            Self::Create
            | Self::CreateNamed
            | Self::Update { .. }
            | Self::Upsert
            | Self::Patch { .. }
            | Self::Action(_) => true,
            Self::Read { .. } | Self::Query | Self::Delete { .. } | Self::Options => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: ApiVersion = ApiVersion { major: 2, minor: 1 };
    const SECOND: ApiVersion = ApiVersion { major: 2, minor: 0 };
    const FIRST: ApiVersion = ApiVersion { major: 1, minor: 0 };

    fn check(
        method: Method,
        query: &str,
        condition: Condition,
        protocol: ApiVersion,
        expected: Result<Operation, u16>,
    ) {
        let parameters = Parameters::parse(query).unwrap();
        let found = Operation::of(method, condition.clone(), protocol, &parameters);
        let found = found.map_err(|problem| problem.code.number());
        assert_eq!(found, expected, "{method:?} {query} {condition:?} {protocol:?}");
    }

    fn rev(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn none_of(text: &str) -> Condition {
        Condition::NoneOf(vec![text.to_owned()])
    }

    #[test]
    fn get_reads_or_queries() {
        let read = || Ok(Operation::Read { unless: Vec::new() });
        check(Method::Get, "", Condition::Free, NEWEST, read());
        check(Method::Head, "_fields=a", Condition::Free, NEWEST, read());
        check(Method::Get, "_pageSize=5", Condition::Free, NEWEST, read());
        check(
            Method::Get,
            "",
            none_of("7"),
            NEWEST,
            Ok(Operation::Read {
                unless: vec!["7".to_owned()],
            }),
        );
        check(Method::Get, "", Condition::Absent, NEWEST, Err(412));
        check(Method::Get, "", Condition::Match(rev("7")), NEWEST, Err(412));
        check(
            Method::Get,
            "_queryFilter=true",
            Condition::Free,
            NEWEST,
            Ok(Operation::Query),
        );
        check(Method::Get, "_QUERYID=x", Condition::Free, NEWEST, Ok(Operation::Query));
        check(
            Method::Get,
            "_queryExpression=x",
            Condition::Free,
            NEWEST,
            Ok(Operation::Query),
        );
        check(Method::Get, "_queryFilter=true", none_of("7"), NEWEST, Err(412));
        check(
            Method::Get,
            "_queryFilter=true",
            Condition::Match(None),
            NEWEST,
            Err(412),
        );
    }

    #[test]
    fn put_creates_updates_or_both() {
        check(Method::Put, "", Condition::Absent, NEWEST, Ok(Operation::CreateNamed));
        check(
            Method::Put,
            "",
            Condition::Match(None),
            NEWEST,
            Ok(Operation::Update { rev: None }),
        );
        check(
            Method::Put,
            "",
            Condition::Match(rev("7")),
            NEWEST,
            Ok(Operation::Update { rev: rev("7") }),
        );
        check(Method::Put, "", Condition::Free, NEWEST, Ok(Operation::Upsert));
        check(Method::Put, "", Condition::Free, SECOND, Ok(Operation::Upsert));
        check(
            Method::Put,
            "",
            Condition::Free,
            FIRST,
            Ok(Operation::Update { rev: None }),
        );
        check(Method::Put, "", none_of("7"), NEWEST, Err(400));
    }

    #[test]
    fn post_creates_or_acts() {
        let action = |name: &str| Ok(Operation::Action(name.to_owned()));
        check(
            Method::Post,
            "_action=create",
            Condition::Free,
            FIRST,
            Ok(Operation::Create),
        );
        check(
            Method::Post,
            "_action=trigger",
            Condition::Free,
            NEWEST,
            action("trigger"),
        );
        check(
            Method::Post,
            "_action=trigger&_x=1",
            Condition::Free,
            NEWEST,
            action("trigger"),
        );
        check(Method::Post, "", Condition::Free, NEWEST, Ok(Operation::Create));
        check(Method::Post, "", Condition::Free, SECOND, Err(400));
        check(Method::Post, "_action=", Condition::Free, NEWEST, Err(400));
        check(Method::Post, "_action=a&_action=b", Condition::Free, NEWEST, Err(400));
        check(
            Method::Post,
            "_action=trigger",
            Condition::Match(None),
            NEWEST,
            Err(412),
        );
        check(Method::Post, "_action=trigger", Condition::Absent, NEWEST, Err(412));
    }

    #[test]
    fn patch_and_delete_take_a_revision() {
        check(
            Method::Patch,
            "",
            Condition::Free,
            NEWEST,
            Ok(Operation::Patch { rev: None }),
        );
        check(
            Method::Patch,
            "",
            Condition::Match(rev("7")),
            NEWEST,
            Ok(Operation::Patch { rev: rev("7") }),
        );
        check(Method::Patch, "", Condition::Absent, NEWEST, Err(412));
        check(
            Method::Delete,
            "",
            Condition::Match(None),
            NEWEST,
            Ok(Operation::Delete { rev: None }),
        );
        check(
            Method::Delete,
            "",
            Condition::Match(rev("7")),
            NEWEST,
            Ok(Operation::Delete { rev: rev("7") }),
        );
        check(Method::Delete, "", none_of("7"), NEWEST, Err(412));
    }

    #[test]
    fn options_needs_nothing() {
        check(
            Method::Options,
            "_queryFilter=true",
            Condition::Absent,
            NEWEST,
            Ok(Operation::Options),
        );
    }
}
