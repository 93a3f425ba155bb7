//! The parameters of a query.

use std::fmt;
use std::sync::Arc;

use host_resource::project::Fields;
use host_resource::sort::SortKey;
use host_resource::{Filter, Problem, Query, QuerySource, TotalPolicy};

use super::operation::{COOKIE, EXPRESSION, FILTER, OFFSET, Operation, PAGE_SIZE, QUERY_ID, SORT_KEYS, TOTAL};
use super::parameters::{Parameters, refuse};

/// Reads a query.
pub(crate) fn query(parameters: &Parameters, fields: Fields) -> Result<Query, Problem> {
    let cookie = parameters.single(COOKIE)?.filter(|cookie| !cookie.is_empty());
    let offset = parameters.number(OFFSET)?;
    if cookie.is_some() && offset.is_some() {
        let message = format!("The request parameters '{COOKIE}' and '{OFFSET}' are mutually exclusive");
        return Err(refuse(OFFSET, message));
    }
    Ok(Query {
        source: source(parameters)?,
        sort: parameters
            .single(SORT_KEYS)?
            .map(sort_keys)
            .transpose()?
            .unwrap_or_default(),
        page_size: parameters.number(PAGE_SIZE)?.filter(|size| *size > 0),
        cookie: cookie.map(str::to_owned),
        offset: offset.unwrap_or(0),
        total: parameters.single(TOTAL)?.map(total).transpose()?.unwrap_or_default(),
        parameters: parameters
            .beyond(Operation::Query.known_parameters())
            .cloned()
            .collect(),
        fields,
    })
}

/// The query behind an export: everything, or what a filter selects.
pub(crate) fn export(parameters: &Parameters, fields: Fields) -> Result<Query, Problem> {
    let filter = parameters.single(FILTER)?.map(parse_filter).transpose()?;
    Ok(Query {
        fields,
        ..Query::filter(Arc::new(filter.unwrap_or(Filter::Literal(true))))
    })
}

fn source(parameters: &Parameters) -> Result<QuerySource, Problem> {
    let expression = parameters.single(EXPRESSION)?;
    match (parameters.single(FILTER)?, parameters.single(QUERY_ID)?, expression) {
        (Some(filter), None, None) => Ok(QuerySource::Filter(Arc::new(parse_filter(filter)?))),
        (None, Some(id), None) => Ok(QuerySource::Id(id.to_owned())),
        (None, None, Some(_)) => Err(refuse(
            EXPRESSION,
            format!("The request parameter '{EXPRESSION}' is not supported: use '{FILTER}'"),
        )),
        _ => Err(refuse(
            FILTER,
            format!("The request parameters '{FILTER}', '{QUERY_ID}' and '{EXPRESSION}' are mutually exclusive"),
        )),
    }
}

fn parse_filter(text: &str) -> Result<Filter, Problem> {
    Filter::parse(text).map_err(|error| {
        unparsable(FILTER, text, "query filter", &error)
            .with_detail("position", error.position)
            .with_detail("found", error.found.as_str())
            .with_detail("expected", error.expected.as_str())
    })
}

fn sort_keys(text: &str) -> Result<Vec<SortKey>, Problem> {
    SortKey::parse_list(text).map_err(|error| unparsable(SORT_KEYS, text, "list of sort keys", &error))
}

fn total(text: &str) -> Result<TotalPolicy, Problem> {
    let policies = [TotalPolicy::None, TotalPolicy::Estimate, TotalPolicy::Exact];
    let found = policies
        .into_iter()
        .find(|policy| policy.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| unparsable(TOTAL, text, "policy", &"use NONE, ESTIMATE or EXACT"))
}

fn unparsable(name: &str, value: &str, what: &str, why: &dyn fmt::Display) -> Problem {
    refuse(
        name,
        format!("The value '{value}' for parameter '{name}' could not be parsed as a valid {what}: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Query, Problem> {
        query(&Parameters::parse(text).unwrap(), Fields::all())
    }

    #[test]
    fn a_query_has_what_its_parameters_say() {
        let query = parse(
            "_queryFilter=a+eq+1&_sortKeys=+name,-age&_pageSize=5&_pagedResultsOffset=1&_totalPagedResultsPolicy=exact&x=y",
        )
        .unwrap();
        assert!(matches!(query.source, QuerySource::Filter(_)));
        let sort: Vec<String> = query.sort.iter().map(ToString::to_string).collect();
        assert_eq!(sort, ["+/name", "-/age"]);
        assert_eq!((query.page_size, query.offset, query.cookie), (Some(5), 1, None));
        assert_eq!(query.total, TotalPolicy::Exact);
        assert_eq!(query.parameters, [("x".to_owned(), "y".to_owned())]);
    }

    #[test]
    fn an_empty_cookie_is_the_first_page_and_a_page_size_of_zero_is_none() {
        let query = parse("_queryId=all&_pageSize=0&_pagedResultsCookie=&_pagedResultsOffset=2").unwrap();
        assert!(matches!(query.source, QuerySource::Id(id) if id == "all"));
        assert_eq!((query.page_size, query.cookie, query.offset), (None, None, 2));
    }

    #[test]
    fn what_is_no_query_names_the_parameter() {
        let check = |text: &str, parameter: &str, words: &str| {
            let problem = parse(text).unwrap_err();
            assert_eq!(problem.code.number(), 400, "{text}");
            assert!(problem.message.contains(words), "{text}: {}", problem.message);
            assert_eq!(problem.to_json()["detail"]["parameter"], parameter, "{text}");
        };
        check("_queryFilter=true&_queryId=a", FILTER, "mutually exclusive");
        check("_queryFilter=true&_queryFilter=true", FILTER, "more than once");
        check("_queryExpression=select", EXPRESSION, "not supported");
        check(
            "_queryFilter=true&_pagedResultsCookie=x&_pagedResultsOffset=1",
            OFFSET,
            "mutually exclusive",
        );
        check("_queryFilter=true&_pageSize=ten", PAGE_SIZE, "'ten'");
        check("_queryFilter=true&_pageSize=-1", PAGE_SIZE, "'-1'");
        check("_queryFilter=true&_pagedResultsOffset=-1", OFFSET, "'-1'");
        check("_queryFilter=true&_sortKeys=a,,b", SORT_KEYS, "sort key 2 is empty");
        check("_queryFilter=true&_sortKeys=", SORT_KEYS, "sort key 1 is empty");
        check(
            "_queryFilter=true&_totalPagedResultsPolicy=some",
            TOTAL,
            "NONE, ESTIMATE or EXACT",
        );
    }

    #[test]
    fn a_malformed_filter_says_where_and_what_was_expected() {
        let problem = parse("_queryFilter=name+eq").unwrap_err();
        let start = "The value 'name eq' for parameter '_queryFilter' could not be parsed as a valid query filter";
        assert!(problem.message.starts_with(start), "{}", problem.message);
        let detail = &problem.to_json()["detail"];
        assert_eq!(detail["position"], 7);
        assert!(
            detail["expected"].as_str().is_some_and(|text| !text.is_empty()),
            "{detail}"
        );
    }
}
