//! A CSV file as a connected system.

use serde_json::{Value, json};

use super::{ids, people, with_people};
use crate::harness::encode;

const PEOPLE: &str = "uid,name,age,pw\na,Ann,30,secret\nb,\"Bob, the second\",,\nc,Carl,7,\n";

#[test]
fn objects_are_read_made_replaced_patched_and_deleted() {
    let server = with_people(PEOPLE);
    let client = &server.client;
    let ann = json!({"_id": "a", "uid": "a", "name": "Ann", "age": 30});
    assert_eq!(client.get("system/hr/account/a").expect(200), ann);
    assert_eq!(
        client.get("system/hr/__ACCOUNT__/a?_fields=age").expect(200),
        json!({"_id": "a", "age": 30})
    );

    let made = client.post(
        "system/hr/account?_action=create",
        Some(&json!({"uid": "d", "name": "Dan"})),
    );
    assert_eq!(made.expect(201), json!({"_id": "d", "uid": "d", "name": "Dan"}));
    // Put makes what is not there, and replaces what is.
    client.put("system/hr/account/e", &json!({"name": "Eve"})).expect(201);
    client
        .put("system/hr/account/a", &json!({"uid": "a", "name": "Anna"}))
        .expect(200);
    let patch = json!([{"operation": "replace", "field": "/age", "value": 8},
        {"operation": "add", "field": "/password", "value": "new, \"one\""}]);
    assert_eq!(client.patch("system/hr/account/c", &patch).expect(200)["age"], 8);
    assert_eq!(
        client.delete("system/hr/account/b").expect(200)["name"],
        "Bob, the second"
    );
    // The password of a is not shown, so leaving it out does not remove it.
    let expected = "uid,name,age,pw\na,Anna,,secret\nc,Carl,8,\"new, \"\"one\"\"\"\nd,Dan,,\ne,Eve,,\n";
    assert_eq!(people(&server), expected);
}

#[test]
fn queries_filter_sort_page_and_count() {
    let server = with_people(PEOPLE);
    let client = &server.client;
    let check = |filter: &str, expected: &[&str]| {
        let found = client.query("system/hr/account", filter);
        assert_eq!(ids(&found), expected, "{filter}");
    };
    check("true", &["a", "b", "c"]);
    check("false", &[]);
    check("name co 'A'", &["a", "c"]);
    check("name ew 'SECOND'", &["b"]);
    check("age ge 30", &["a"]);
    check("!(age pr)", &["b"]);
    check("age eq '30'", &[]);
    check("_id eq 'C'", &["c"]);
    // What is not readable cannot be guessed.
    check("password pr", &[]);
    check("password eq 'secret'", &[]);

    let get = |query: &str| client.get(&format!("system/hr/account?{query}"));
    let list = |answer: &Value| ids(answer["result"].as_array().unwrap()).concat();
    assert_eq!(list(&get("_queryFilter=true&_sortKeys=-name").expect(200)), "cba");
    assert_eq!(
        get("_queryId=query-all-ids").expect(200)["result"],
        json!([{"_id": "a"}, {"_id": "b"}, {"_id": "c"}])
    );
    let first = get("_queryFilter=true&_pageSize=2&_totalPagedResultsPolicy=EXACT").expect(200);
    assert_eq!((list(&first).as_str(), &first["totalPagedResults"]), ("ab", &json!(3)));
    let cookie = encode(first["pagedResultsCookie"].as_str().unwrap());
    let second = get(&format!("_queryFilter=true&_pageSize=2&_pagedResultsCookie={cookie}")).expect(200);
    assert_eq!(
        (list(&second).as_str(), &second["pagedResultsCookie"]),
        ("c", &Value::Null)
    );
    assert_eq!(
        list(&get("_queryFilter=true&_pageSize=5&_pagedResultsOffset=1").expect(200)),
        "bc"
    );
    // A cookie belongs to its query.
    get(&format!("_queryFilter=age+pr&_pageSize=2&_pagedResultsCookie={cookie}")).expect(400);
    get("_queryFilter=true&_pageSize=2&_pagedResultsCookie=abc").expect(400);
    get("_queryId=all").expect(400);
}

#[test]
fn what_is_refused_changes_nothing_and_says_why() {
    let server = with_people(PEOPLE);
    let client = &server.client;
    let post = |body: Value| client.post("system/hr/account?_action=create", Some(&body));
    let check = |answer: Value, pointer: &str, message: &str| {
        assert_eq!(answer["detail"]["pointer"], pointer, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
    };
    check(post(json!({"name": "x"})).expect(400), "/uid", "required");
    check(
        post(json!({"uid": "x", "phone": "1"})).expect(400),
        "/phone",
        "no property",
    );
    check(
        post(json!({"uid": "x", "age": "1"})).expect(400),
        "/age",
        "whole number",
    );
    post(json!({"uid": "a"})).expect(412);
    client.get("system/hr/account/x").expect(404);
    client.delete("system/hr/account/x").expect(404);
    client.patch("system/hr/account/x", &json!([])).expect(404);
    client.get("system/hr/group/a").expect(404);
    client.get("system/hr/account/a/b").expect(404);
    client.get("system/hr").expect(400);
    let missing = client.get("system/other/account/a").expect(503);
    assert_eq!(missing["message"], "System: other is not available.");
    let stale = client.request(
        "PUT",
        "system/hr/account/a",
        &[("If-Match", "1")],
        Some(&json!({"uid": "a"})),
    );
    stale.expect(412);
    let other = client.put("system/hr/account/x", &json!({"uid": "y"})).expect(400);
    assert!(other["message"].as_str().unwrap().contains("the path says"), "{other}");
    assert_eq!(people(&server), PEOPLE);
}

#[test]
fn what_others_write_is_seen_and_kept() {
    let server = with_people(PEOPLE);
    let client = &server.client;
    client.get("system/hr/account/a").expect(200);
    std::fs::write(server.conf().join("people.csv"), "name,uid,extra\nZoe,z,1\n").unwrap();
    client.get("system/hr/account/a").expect(404);
    client.put("system/hr/account/y", &json!({"name": "Yves"})).expect(201);
    assert_eq!(people(&server), "name,uid,extra\nZoe,z,1\nYves,y,\n");
    // A file that became nonsense is an error with its line, and is left alone.
    std::fs::write(server.conf().join("people.csv"), "uid,name\na\n").unwrap();
    let broken = client.put("system/hr/account/x", &json!({"name": "X"})).expect(500);
    assert!(
        broken["message"].as_str().unwrap().contains("line 2: 1 columns"),
        "{broken}"
    );
    assert_eq!(people(&server), "uid,name\na\n");
    std::fs::remove_file(server.conf().join("people.csv")).unwrap();
    client.get("system/hr/account/a").expect(503);
}

#[test]
fn a_password_is_checked() {
    let server = with_people(PEOPLE);
    let client = &server.client;
    let check = |user: &str, password: &str, status: u16| {
        let body = json!({"username": user, "password": password});
        client
            .post("system/hr/account?_action=authenticate", Some(&body))
            .expect(status)
    };
    assert_eq!(check("a", "secret", 200), json!({"_id": "a"}));
    check("a", "wrong", 401);
    check("b", "", 401);
    client.post("system/hr/account?_action=authenticate", None).expect(400);
}

#[test]
fn a_guest_reads_a_system_and_cannot_write_to_it() {
    let server = with_people(PEOPLE);
    let script = |source: &str| {
        json!({
            "type": "simple", "repeatInterval": 1, "enabled": true, "persisted": true, "invokeService": "script",
            "repeatCount": 0,
            "invokeContext": {"script": {"type": "text/javascript", "source": source}}
        })
    };
    let client = &server.client;
    let reads = script("openidm.create('managed/role', 'seen', {name: openidm.read('system/hr/account/a').name}); 1;");
    client.put("scheduler/job/reads", &reads).expect(201);
    server.settle();
    assert_eq!(client.get("managed/role/seen").expect(200)["name"], "Ann");
    let writes = script(
        "try { openidm.delete('system/hr/account/a', null); } \
         catch (e) { openidm.create('managed/role', 'refused', {code: e.code}); } 1;",
    );
    client.put("scheduler/job/writes", &writes).expect(201);
    server.settle();
    assert_eq!(client.get("managed/role/refused").expect(200)["code"], 403);
    assert_eq!(people(&server), PEOPLE);
}
