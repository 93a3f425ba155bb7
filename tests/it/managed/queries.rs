//! Queries: filters, orders, pages.

use serde_json::{Value, json};

use crate::harness::{Client, Server, encode};

/// Users of every kind; those of type `user` have an index on `userName` and `/sunset/date`, those of type `role` none.
fn people() -> Server {
    let server = Server::start();
    let users = [
        json!({"_id": "ann", "userName": "Ann", "age": 31, "active": true, "tags": ["a", "b"], "sunset": {"date": "2026-01-01T00:00:00.000Z"}}),
        json!({"_id": "bob", "userName": "bob", "age": 20.0, "active": false, "tags": [], "manager": {"name": "Ann"}}),
        json!({"_id": "cem", "userName": "Cem", "age": "31", "tags": "a", "nothing": null}),
        json!({"_id": "dan", "userName": "ANNA", "age": -5, "active": "true", "sunset": {"date": "2027-01-01T00:00:00.000Z"}}),
        json!({"_id": "eve", "userName": "évé \"E\"", "tags": [1, true, "B"], "x/y": 1}),
    ];
    for kind in ["user", "role"] {
        for user in &users {
            server
                .client
                .post(&format!("managed/{kind}?_action=create"), Some(user))
                .expect(201);
        }
    }
    server
}

fn ids(answer: &Value) -> String {
    let ids = answer["result"].as_array().unwrap().iter();
    ids.map(|user| user["_id"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_filter_finds_what_it_says_with_an_index_and_without() {
    let server = people();
    let check = |filter: &str, expected: &str| {
        for kind in ["user", "role"] {
            let path = format!("managed/{kind}?_queryFilter={}&_sortKeys=_id", encode(filter));
            assert_eq!(ids(&server.client.get(&path).expect(200)), expected, "{kind}: {filter}");
        }
    };
    check("true", "ann bob cem dan eve");
    check("false", "");
    // Texts are compared without regard to case.
    check("userName eq \"ann\"", "ann");
    check("userName sw 'AN'", "ann dan");
    check("/userName co \"n\"", "ann dan");
    check("userName lt \"bob\"", "ann dan");
    check("userName le \"BOB\"", "ann bob dan");
    check("userName gt \"bob\"", "cem eve");
    check("userName ge \"bob\"", "bob cem eve");
    check("userName eq \"\u{c9}V\u{c9} \\\"e\\\"\"", "eve");
    // Numbers by their value, and never against a text.
    check("age eq 31", "ann");
    check("age eq 20", "bob");
    check("age lt 31", "bob dan");
    check("age ge -5.0", "ann bob dan");
    check("age eq \"31\"", "cem");
    check("age co 31", "ann");
    // Booleans.
    check("active eq true", "ann");
    check("active ge false", "ann bob");
    check("active eq \"true\"", "dan");
    // Any item of an array.
    check("tags eq \"a\"", "ann cem");
    check("tags eq \"b\"", "ann eve");
    check("tags eq 1", "eve");
    check("tags/0 eq \"a\"", "ann");
    check("!(tags eq \"a\")", "bob dan eve");
    // Presence.
    check("tags pr", "ann bob cem eve");
    check("nothing pr", "");
    check("manager pr", "bob");
    check("!(sunset/date pr)", "bob cem eve");
    check("manager/name eq \"ann\"", "bob");
    check("x%2Fy eq 1", "eve");
    // Together.
    check("sunset/date lt \"2026-06-01\" or age lt 0", "ann dan");
    check("userName sw \"a\" and !(age lt 0)", "ann");
    check("age eq 31 or active eq false and userName eq \"bob\"", "ann bob");
    check("(age eq 31 or active eq false) and userName eq \"bob\"", "bob");
    check("!(!(age eq 31))", "ann");
    check("TRUE AND age PR And !(active EQ false)", "ann cem dan");
    // What is not known never matches.
    check("userName ne \"ann\"", "");
    check("!(userName ne \"ann\")", "ann bob cem dan eve");
    check("userName in '[\"ann\",\"BOB\"]'", "ann bob");
    check("_id eq \"cem\"", "cem");
    check("_id ge \"cem\" and _rev pr", "cem dan eve");
}

#[test]
fn a_filter_may_be_written_with_plus_signs() {
    let server = people();
    let answer = server
        .client
        .get("managed/user?_queryFilter=%21(age+pr)+or+age+eq+%2231%22")
        .expect(200);
    assert_eq!(ids(&answer), "cem eve");
}

#[test]
fn an_order_has_several_keys_and_ends_with_the_id() {
    let server = people();
    let check = |keys: &str, expected: &str| {
        for kind in ["user", "role"] {
            let path = format!("managed/{kind}?_queryFilter=true&_sortKeys={keys}");
            assert_eq!(ids(&server.client.get(&path).expect(200)), expected, "{kind}: {keys}");
            assert_eq!(by_pages(&server.client, &path, 2), expected, "{kind}: {keys}");
        }
    };
    check("userName", "ann dan bob cem eve");
    check("-userName", "eve cem bob dan ann");
    check("%2B_id", "ann bob cem dan eve");
    check("sunset/date", "ann dan bob cem eve");
    check("manager/name,-_id", "bob eve dan cem ann");
}

/// The ids of all pages, one after the other.
fn by_pages(client: &Client, path: &str, size: usize) -> String {
    let mut found = Vec::new();
    let mut cookie = String::new();
    loop {
        let page = client
            .get(&format!(
                "{path}&_pageSize={size}&_pagedResultsCookie={}",
                encode(&cookie)
            ))
            .expect(200);
        found.push(ids(&page));
        match page["pagedResultsCookie"].as_str() {
            Some(next) => next.clone_into(&mut cookie),
            None => return found.join(" "),
        }
        assert_eq!(page["resultCount"], size);
    }
}

#[test]
fn all_pages_together_are_the_whole_result() {
    let server = Server::start();
    for number in 0..23 {
        let user = json!({"userName": format!("u{}", number % 4), "n": number});
        server
            .client
            .put(&format!("managed/user/{number:02}"), &user)
            .expect(201);
    }
    for query in ["true", "userName+eq+%22u2%22", "n+ge+4", "n+lt+0"] {
        for sort in ["", "&_sortKeys=-n", "&_sortKeys=userName,-_id"] {
            let path = format!("managed/user?_queryFilter={query}{sort}");
            let whole = ids(&server.client.get(&path).expect(200));
            for size in [1, 4, 23, 100] {
                assert_eq!(by_pages(&server.client, &path, size), whole, "{path} {size}");
            }
        }
    }
}

#[test]
fn a_page_says_how_many_there_are_if_it_is_asked() {
    let server = people();
    let page = |query: &str| {
        let page = server
            .client
            .get(&format!("managed/user?_queryFilter=age+pr&{query}"))
            .expect(200);
        let members: Vec<&String> = page.as_object().unwrap().keys().collect();
        let envelope = [
            "result",
            "resultCount",
            "pagedResultsCookie",
            "totalPagedResultsPolicy",
            "totalPagedResults",
            "remainingPagedResults",
        ];
        assert_eq!(members, envelope);
        assert_eq!(page["remainingPagedResults"], -1);
        page
    };
    let check = |query: &str, count: u64, policy: &str, total: i64| {
        let page = page(query);
        let found = (
            &page["resultCount"],
            &page["totalPagedResultsPolicy"],
            &page["totalPagedResults"],
        );
        assert_eq!(found, (&json!(count), &json!(policy), &json!(total)), "{query}");
    };
    check("", 4, "NONE", -1);
    check("_totalPagedResultsPolicy=EXACT", 4, "NONE", -1);
    check("_pageSize=3", 3, "NONE", -1);
    check("_pageSize=3&_totalPagedResultsPolicy=exact", 3, "EXACT", 4);
    check(
        "_pageSize=3&_totalPagedResultsPolicy=ESTIMATE&_sortKeys=age",
        3,
        "EXACT",
        4,
    );
    check(
        "_pageSize=3&_pagedResultsOffset=3&_totalPagedResultsPolicy=EXACT",
        1,
        "EXACT",
        4,
    );
    check("_pageSize=0&_pagedResultsOffset=1", 3, "NONE", -1);
    check("_pageSize=3&_pagedResultsOffset=99", 0, "NONE", -1);
    assert_eq!(ids(&page("_pageSize=2&_pagedResultsOffset=1")), "bob cem");
    assert_eq!(
        ids(&page("_pageSize=2&_pagedResultsOffset=1&_sortKeys=-_id")),
        "cem bob"
    );
}

#[test]
fn queries_by_name_give_everything() {
    let server = people();
    let whole = server.client.get("managed/user?_queryId=query-all").expect(200);
    assert_eq!(
        whole["result"],
        server.client.get("managed/user?_queryFilter=true").expect(200)["result"]
    );
    let ids = server.client.get("managed/user?_queryId=query-all-ids").expect(200);
    let first = &ids["result"][0];
    assert_eq!(*first, json!({"_id": "ann", "_rev": first["_rev"]}));
    assert_eq!(ids["resultCount"], 5);
}

#[test]
fn an_index_follows_every_change() {
    let server = Server::start();
    let client = &server.client;
    let found = |name: &str| client.query("managed/user", &format!("userName eq \"{name}\"")).len();
    client.put("managed/user/joe", &json!({"userName": "joe"})).expect(201);
    assert_eq!((found("joe"), found("jim")), (1, 0));
    client.put("managed/user/joe", &json!({"userName": "jim"})).expect(200);
    assert_eq!((found("joe"), found("jim")), (0, 1));
    let patch = json!([{"operation": "replace", "field": "/userName", "value": ["joe", "jim"]}]);
    client.patch("managed/user/joe", &patch).expect(200);
    assert_eq!((found("joe"), found("jim")), (1, 1));
    let patch = json!([{"operation": "remove", "field": "/userName"}]);
    client.patch("managed/user/joe", &patch).expect(200);
    assert_eq!((found("joe"), found("jim")), (0, 0));
    client.put("managed/user/joe", &json!({"userName": "joe"})).expect(200);
    client.delete("managed/user/joe").expect(200);
    assert_eq!(found("joe"), 0);
}

#[test]
fn a_result_of_many_pages_comes_whole_when_no_page_is_asked_for() {
    let server = Server::start();
    // Three rounds of the server's own paging, made quickly by a scan of its own.
    let source = "for (var i = 0; i < 900; i++) openidm.create('managed/role', input.name + i, {n: i % 7}); true;";
    for name in ["a", "b"] {
        let job = json!({
            "type": "simple", "repeatCount": 0, "invokeService": "script",
            "invokeContext": {"script": {"type": "text/javascript", "source": source}, "input": {"name": name}},
        });
        server.client.put(&format!("scheduler/job/{name}"), &job).expect(201);
    }
    server.settle();
    let all = server.client.get("managed/role?_queryFilter=true").expect(200);
    assert_eq!(
        (all["result"].as_array().unwrap().len(), &all["resultCount"]),
        (1800, &json!(1800))
    );
    let some = server
        .client
        .get("managed/role?_queryFilter=n+eq+3&_sortKeys=-_id&_fields=n")
        .expect(200);
    let found: Vec<&str> = some["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["_id"].as_str().unwrap())
        .collect();
    assert_eq!(found.len(), 2 * 129);
    assert!(found.is_sorted_by(|one, other| one > other));
}
