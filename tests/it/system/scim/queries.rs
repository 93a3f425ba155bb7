//! Queries over a SCIM service: what it is asked, and that nothing is left out.

use serde_json::json;

use super::rules::EXTRA;
use super::service::{Abilities, Service, Trouble, decoded};
use super::start;
use crate::harness::encode;
use crate::system::ids;

/// The filters that the service was asked with since the last time.
fn filters(service: &Service) -> Vec<Option<String>> {
    let asked = service.seen().into_iter().filter(|seen| seen.path.contains("count="));
    let filter = |path: &str| {
        let mut parts = path.split(['?', '&']);
        parts.find_map(|part| part.strip_prefix("filter=")).map(decoded)
    };
    asked.map(|seen| filter(&seen.path)).collect()
}

#[test]
fn a_filter_finds_what_it_would_find_here_and_the_service_is_asked_what_it_can_tell() {
    let services = [
        Service::start(Abilities::default()),
        Service::start(Abilities {
            filter: false,
            ..Abilities::default()
        }),
        Service::start(Abilities {
            is_described: false,
            ..Abilities::default()
        }),
    ];
    for (number, service) in services.iter().enumerate() {
        service.add_user(
            json!({"userName": "Ann", "name": {"givenName": "Anna"}, "level": 1, "active": true,
            "nickName": "Annie", EXTRA: {"employeeNumber": "A1", "division": "x"}}),
        );
        service.add_user(json!({"userName": "b\" or userName sw \"", "title": "x", "level": 2, "externalId": "AB"}));
        service.add_user(json!({"userName": "Jürgen", "emails": [{"value": "J@x"}, {"value": "k@y"}], "level": 3}));
        let server = start(service, json!({}));
        let check = |filter: &str, expected: &[&str], asked: Option<&str>| {
            service.seen();
            let found = server.client.query("system/scim/account", filter);
            assert_eq!(ids(&found), expected, "{number}: {filter}");
            let asked_for = filters(service);
            let asked = asked.filter(|_| number == 0);
            assert!(
                asked_for.iter().all(|filter| filter.as_deref() == asked),
                "{number}: {filter}: {asked_for:?}"
            );
        };
        check("userName eq 'ANN'", &["id-001"], Some("userName eq \"ANN\""));
        check(
            "givenName sw 'an' and level lt 2",
            &["id-001"],
            Some("(name.givenName sw \"an\" and level lt 2)"),
        );
        check("name/givenName co 'NN'", &["id-001"], Some("name.givenName co \"NN\""));
        check(
            "active eq true or level eq 3",
            &["id-001", "id-003"],
            Some("(active eq true or level eq 3)"),
        );
        // What a value says stays a value.
        check(
            "userName eq 'b\" or userName sw \"'",
            &["id-002"],
            Some("userName eq \"b\\\" or userName sw \\\"\""),
        );
        check(
            "userName eq 'x\" or id sw \"id'",
            &[],
            Some("userName eq \"x\\\" or id sw \\\"id\""),
        );
        check(
            "number eq 'a1'",
            &["id-001"],
            Some(&format!("{EXTRA}:employeeNumber eq \"a1\"")),
        );
        check("mail eq 'j@X'", &["id-003"], Some("emails.value eq \"j@X\""));
        check(
            "mail ew 'y' and mail ca '[\"J@x\"]'",
            &["id-003"],
            Some("emails.value ew \"y\""),
        );
        // What the service compares otherwise is not asked.
        check("external eq 'ab'", &["id-002"], None);
        check("userName eq 'jürgen'", &["id-003"], None);
        check("!(level eq 1)", &["id-002", "id-003"], None);
        check("title pr", &["id-002"], None);
        check("false", &[], None);
        // What is not shown is not asked for.
        let shown = server.client.query("system/scim/account", "userName eq 'ann'");
        assert_eq!(shown[0]["number"], "A1");
        let asked = service.seen().pop().unwrap().path;
        assert!(
            asked.contains("employeeNumber") && !asked.contains("nickName"),
            "{asked}"
        );
        // One object is read.
        check("_id eq 'id-002'", &["id-002"], None);
        check("_id eq 'id-002' and level eq 1", &[], None);
        check("_id eq '../Groups'", &[], None);
    }
}

#[test]
fn a_service_that_refuses_a_filter_after_all_is_read_as_a_whole() {
    let service = Service::start(Abilities::default()).with_users(120);
    let server = start(&service, json!({}));
    let refusal = json!({"detail": "not this one", "scimType": "invalidFilter"}).to_string();
    service.trouble(Trouble::Answer(400, "", refusal.clone()));
    let found = server.client.query("system/scim/account", "userName ew '7'");
    assert_eq!(found.len(), 12);
    // Also where an answer has pages.
    service.trouble(Trouble::Answer(400, "", refusal));
    let page = server
        .client
        .get(&format!(
            "system/scim/account?_pageSize=5&_queryFilter={}",
            encode("userName ew '7'")
        ))
        .expect(200);
    let cookie = encode(page["pagedResultsCookie"].as_str().unwrap());
    let next = server
        .client
        .get(&format!(
            "system/scim/account?_pageSize=50&_pagedResultsCookie={cookie}&_queryFilter={}",
            encode("userName ew '7'")
        ))
        .expect(200);
    assert_eq!(next["resultCount"], 7);
}

#[test]
fn pages_go_on_where_the_last_one_ended_also_when_others_remove_objects() {
    let service = Service::start(Abilities {
        most: 10,
        ..Abilities::default()
    })
    .with_users(45);
    let server = start(&service, json!({}));
    let all = server.client.query("system/scim/account", "true");
    assert_eq!(all.len(), 45);
    assert!(service.calls().iter().all(|call| call.contains("count=10")));
    // The first three and the last one that was read go while the rest is read: nobody else is left out.
    service.state.lock().removed_later = ["id-001", "id-002", "id-003", "id-010"].map(str::to_owned).to_vec();
    let rest = server.client.query("system/scim/account", "true");
    let rest = ids(&rest);
    assert_eq!(rest.len(), 45);
    let mut once = rest.clone();
    once.dedup();
    assert_eq!(once, rest);
    // Between the pages of an answer, too.
    let page = server
        .client
        .get("system/scim/account?_queryFilter=true&_pageSize=12")
        .expect(200);
    assert_eq!(page["result"][11]["_id"], "id-016");
    service.state.lock().users.drain(..5);
    let cookie = encode(page["pagedResultsCookie"].as_str().unwrap());
    let next = format!("system/scim/account?_queryFilter=true&_pageSize=100&_pagedResultsCookie={cookie}");
    let next_page = server.client.get(&next).expect(200);
    assert_eq!(
        (&next_page["result"][0]["_id"], &next_page["resultCount"]),
        (&json!("id-017"), &json!(29))
    );
    assert_eq!(next_page["pagedResultsCookie"], json!(null));
    // Where the place cannot be found again, this is said, and nothing is left out in silence.
    service.state.lock().users.drain(..20);
    let lost = server.client.get(&next).expect(409);
    assert!(
        lost["message"].as_str().unwrap().contains("the place is lost"),
        "{lost}"
    );
    let counted = server
        .client
        .get("system/scim/account?_queryFilter=true&_pageSize=2&_totalPagedResultsPolicy=EXACT")
        .expect(200);
    assert_eq!(counted["totalPagedResults"], 16);
}
