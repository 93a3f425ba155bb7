//! Queries: pages for those who ask for them, a stream for those who want everything.

use serde_json::{Value, json};

use super::house::{House, MANY};

fn ids(envelope: &Value) -> Vec<&str> {
    envelope["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn everything_comes_in_one_envelope_however_many_pages_it_takes() {
    let house = House::open().await;
    let answer = house.call("GET", "many?_queryFilter=true&_fields=_id", &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let envelope = answer.json();
    let expected: Vec<String> = (0..MANY).map(|number| format!("{number:05}")).collect();
    assert_eq!(ids(&envelope), expected);
    assert_eq!(envelope["result"][7], json!({"_id": "00007", "_rev": "0"}));
    assert_eq!(
        (&envelope["resultCount"], &envelope["pagedResultsCookie"]),
        (&json!(MANY), &Value::Null)
    );
    let names: Vec<&str> = envelope.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "result",
        "resultCount",
        "pagedResultsCookie",
        "totalPagedResultsPolicy",
        "totalPagedResults",
        "remainingPagedResults",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn everything_starts_at_the_offset_once() {
    let house = House::open().await;
    let answer = house
        .call(
            "GET",
            "many?_queryFilter=true&_pagedResultsOffset=3&_prettyPrint=true",
            &[],
            "",
        )
        .await;
    let envelope = answer.json();
    assert_eq!((ids(&envelope).len(), ids(&envelope)[0]), (MANY - 3, "00003"));
    assert!(answer.body.starts_with("{\n  \"result\": [\n    {\n      \"_id\""));
}

#[tokio::test]
async fn what_fits_into_a_page_is_an_ordinary_answer() {
    let house = House::open().await;
    let answer = house
        .call(
            "GET",
            "things?_queryFilter=true&_totalPagedResultsPolicy=EXACT",
            &[],
            "",
        )
        .await;
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    assert_eq!(
        answer.body,
        "{\"result\":[],\"resultCount\":0,\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"NONE\",\
         \"totalPagedResults\":-1,\"remainingPagedResults\":-1}"
    );
}

#[tokio::test]
async fn a_page_has_the_size_that_was_asked_for_and_a_cookie() {
    let house = House::open().await;
    let mut cookie = String::new();
    let mut seen = Vec::new();
    for expected in [500, 500, 200] {
        let url = format!("many?_queryFilter=true&_pageSize=500&_pagedResultsCookie={cookie}");
        let envelope = house.call("GET", &url, &[], "").await.json();
        assert_eq!(ids(&envelope).len(), expected);
        seen.extend(ids(&envelope).into_iter().map(str::to_owned));
        cookie = envelope["pagedResultsCookie"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((seen.len(), cookie.as_str()), (MANY, ""));
}

#[tokio::test]
async fn only_the_number_of_results_can_be_asked_for() {
    let house = House::open().await;
    for (url, expected) in [
        ("many?_queryFilter=true&_countOnly=true", MANY),
        (
            "many?_queryFilter=true&_COUNTONLY=True&_pageSize=7&_sortKeys=-number&_pagedResultsOffset=5",
            MANY,
        ),
        ("things?_queryFilter=true&_countOnly=true", 0),
    ] {
        let answer = house.call("GET", url, &[], "").await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"resultCount": expected})),
            "{url}"
        );
    }
    let whole = house
        .call("GET", "things?_queryFilter=true&_countOnly=false", &[], "")
        .await;
    assert_eq!(whole.json()["result"], json!([]));
    for url in ["many?_queryFilter=true&_countOnly=maybe", "many/00001?_countOnly=true"] {
        assert_eq!(house.call("GET", url, &[], "").await.status, 400, "{url}");
    }
}

#[tokio::test]
async fn the_head_of_everything_costs_one_page() {
    let house = House::open().await;
    let head = house.call("HEAD", "many?_queryFilter=true", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_failure_behind_the_first_page_breaks_the_connection() {
    let house = House::open().await;
    for place in ["fail", "repeat"] {
        let request = format!(
            "GET /openidm/endless/{place}?_queryFilter=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            house.token.expose()
        );
        // How much of it has been sent by then is the machine's business.
        let answer = house.raw(request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(
            !answer.contains("resultCount") && !answer.ends_with("0\r\n\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_malformed_query_is_refused_with_the_products_words() {
    let house = House::open().await;
    let refused = house.call("GET", "many?_queryFilter=number+eq", &[], "").await;
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    let start = "The value &#39;number eq&#39; for parameter &#39;_queryFilter&#39; could not be parsed as a valid query filter";
    assert!(refused.status == 400 && message.starts_with(start), "{message}");
    let refused = house
        .call("GET", "many?_queryFilter=true&_pagesize=1&_pageSize=2", &[], "")
        .await;
    assert_eq!(refused.status, 400);
    let refused = house.call("GET", "many?_queryFilter=true&_limit=1", &[], "").await;
    assert_eq!(
        refused.json()["message"],
        "Unrecognized request parameter &#39;_limit&#39;"
    );
}
