//! Relationships of many: of several writers, read page by page, bounded, and as a resource of their own.

use host_resource::project::Fields;
use host_resource::{Query, Read, Resource, TotalPolicy, Update};
use host_store::UnitOfWork;
use host_store::unit_of_work::WriteLimits;
use serde_json::{Value, json};

use super::super::{House, ids, path, query, refusal, sorted};
use super::{house, patch, refs, relate, shown, stored, to};
use crate::managed::{MAX_RELATIONSHIPS, MAX_SHOWN};

#[tokio::test]
async fn of_two_commits_that_concern_one_end_one_wins() {
    let house = house().await;
    let commit = async |one: House| {
        let ended = UnitOfWork::of(&one.context).unwrap().end().unwrap();
        one.store.commit(ended.keep().to_changes()).await.is_ok()
    };
    let check = async |first: (&str, Value), second: (&str, Option<Value>)| {
        let (one, other) = (
            house.within(WriteLimits::NONE).await,
            house.within(WriteLimits::NONE).await,
        );
        one.patch(first.0, None, first.1).await.unwrap();
        match second.1 {
            Some(operations) => drop(other.patch(second.0, None, operations).await.unwrap()),
            None => drop(other.delete(second.0, None).await.unwrap()),
        }
        (commit(one).await, commit(other).await)
    };
    let manager = |at: &str| patch("add", "/manager", to(at));
    assert_eq!(
        check(
            ("user/joe", manager("user/ann")),
            ("user/joe", Some(manager("user/bob")))
        )
        .await,
        (true, false)
    );
    assert_eq!(refs(&house, "user/bob", "reports").await, [""; 0]);
    // The object at the other end is deleted meanwhile, or deletes what it does not know of yet.
    assert_eq!(
        check(("user/bob", manager("user/ann")), ("user/ann", None)).await,
        (true, false)
    );
    assert_eq!(refs(&house, "user/bob", "manager").await, ["managed/user/ann"]);
    let (one, other) = (
        house.within(WriteLimits::NONE).await,
        house.within(WriteLimits::NONE).await,
    );
    other.delete("user/ann", None).await.unwrap();
    one.create("user", Some("new"), json!({"manager": to("user/ann")}))
        .await
        .unwrap();
    assert_eq!((commit(other).await, commit(one).await), (true, false));
    assert!(house.read("user/new").await.is_err());
    assert_eq!(stored(&house).await, 0);
}

#[tokio::test]
async fn relationships_are_a_resource_of_their_own() {
    let house = house().await;
    let made = house.create("user/ann/reports", None, to("user/joe")).await.unwrap();
    assert_eq!(refs(&house, "user/joe", "manager").await, ["managed/user/ann"]);
    let at = format!("user/ann/reports/{}", made.id);
    let read = house.read(&at).await.unwrap();
    assert_eq!((&read.id, &read.rev), (&made.id, &made.rev));
    assert_eq!(read.into_value().unwrap()["_ref"], "managed/user/joe");
    assert!(refusal(house.create("user/ann/reports", None, to("user/joe")).await).starts_with("412"));
    assert!(
        refusal(house.create("user/ann/reports", Some("mine"), to("user/bob")).await)
            .contains("the id of a relationship")
    );
    house
        .update(
            &at,
            None,
            json!({"_ref": "managed/user/joe", "_refProperties": {"weight": 2}}),
        )
        .await
        .unwrap();
    assert_eq!(
        shown(&house, "user/joe", "manager").await["manager"]["_refProperties"]["weight"],
        2
    );
    assert!(refusal(house.update(&at, made.rev.as_deref(), to("user/joe")).await).starts_with("412"));
    assert!(refusal(house.update(&at, None, to("user/bob")).await).contains("stays with its objects"));
    assert!(refusal(house.patch(&at, None, json!([])).await).starts_with("501"));
    // The same one seen from its other end, and from none of the others.
    house.read(&format!("user/joe/manager/{}", made.id)).await.unwrap();
    for other in ["user/bob/reports", "user/ann/manager", "user/ann/roles"] {
        assert!(
            refusal(house.read(&format!("{other}/{}", made.id)).await).starts_with("404"),
            "{other}"
        );
        assert!(
            refusal(house.delete(&format!("{other}/{}", made.id), None).await).starts_with("404"),
            "{other}"
        );
    }
    for missing in ["user/nobody/reports", "user/ann/name", "user/ann/nothing"] {
        assert!(
            refusal(house.query(missing, query("true")).await).starts_with("40"),
            "{missing}"
        );
        assert!(house.create(missing, None, to("user/bob")).await.is_err(), "{missing}");
    }
    let deleted = house.delete(&at, None).await.unwrap();
    assert_eq!(deleted.into_value().unwrap()["_ref"], "managed/user/joe");
    assert_eq!(
        (refs(&house, "user/joe", "manager").await.len(), stored(&house).await),
        (0, 0)
    );
}

#[tokio::test]
async fn many_relationships_are_read_page_by_page_and_not_at_once() {
    const MANY: usize = MAX_SHOWN + 200;
    let house = house().await;
    for part in 0..4 {
        let unit = house.within(WriteLimits::NONE).await;
        for number in (part * MANY / 4)..((part + 1) * MANY / 4) {
            let content = json!({"name": format!("n{number}"), "manager": {"_ref": "managed/user/ann", "_refProperties": {"since": format!("{number:04}")}}});
            unit.create("user", Some(&format!("r{number:04}")), content)
                .await
                .unwrap();
        }
        unit.commit().await;
    }
    let fields = Fields::parse(["reports"]).unwrap();
    let refused = house
        .managed
        .read(&house.context, &path("user/ann"), Read { fields })
        .await;
    let refused = refusal(refused);
    assert!(
        refused.contains("has 1200 relationships") && refused.contains("query 'managed/user/ann/reports'"),
        "{refused}"
    );
    house.read("user/ann").await.unwrap();
    let (mut cookie, mut seen) = (None, Vec::new());
    loop {
        let page = house
            .query(
                "user/ann/reports",
                Query {
                    page_size: Some(500),
                    cookie,
                    total: TotalPolicy::Exact,
                    ..query("true")
                },
            )
            .await
            .unwrap();
        assert!(page.result.len() <= 500);
        assert_eq!(page.total, Some(MANY as u64));
        seen.extend(ids(&page));
        cookie = page.cookie;
        if cookie.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), MANY);
    let few = Query {
        fields: Fields::parse(["name"]).unwrap(),
        ..sorted("_refProperties/since ge \"1198\"", "-_refProperties/since")
    };
    let page = house.query("user/ann/reports", few.clone()).await.unwrap();
    let found = page.into_value(&few.fields).unwrap();
    assert_eq!(
        (&found["result"][0]["name"], &found["resultCount"]),
        (&json!("n1199"), &json!(2))
    );
    assert!(refusal(house.query("user/ann/reports", query("_ref pr")).await).contains("below '/_refProperties'"));
    // All of them end with the object.
    house.delete("user/ann", None).await.unwrap();
    assert_eq!(
        (refs(&house, "user/r0000", "manager").await.len(), stored(&house).await),
        (0, 0)
    );
}

#[tokio::test]
async fn an_object_has_no_more_relationships_than_end_with_it_in_one_commit() {
    let house = house().await;
    let make = async |one: &House, id: &str| {
        let content = json!({"roles": [to("role/cook")]});
        one.create("user", Some(id), content).await
    };
    for part in 0..(MAX_RELATIONSHIPS / 100) {
        let unit = house.within(WriteLimits::NONE).await;
        for number in 0..100 {
            make(&unit, &format!("r{part:03}{number:02}")).await.unwrap();
        }
        unit.commit().await;
    }
    assert_eq!(
        refusal(make(&house, "more").await),
        "413: 'managed/role/cook' would have more than 10000 relationships"
    );
    house.delete("role/cook", None).await.unwrap();
    assert_eq!(stored(&house).await, 0);
}

#[tokio::test]
async fn an_update_that_is_refused_makes_no_relationship() {
    let house = house().await;
    let content = json!({"name": 7, "manager": to("user/ann")});
    assert!(
        refusal(
            house
                .managed
                .update(
                    &house.context,
                    &path("user/joe"),
                    Update {
                        content,
                        ..Update::default()
                    }
                )
                .await
        )
        .starts_with("403")
    );
    let content = json!({"name": "x", "roles": [to("role/cook")], "manager": to("user/nobody")});
    assert!(house.create("user", Some("new"), content).await.is_err());
    assert!(house.read("user/new").await.is_err());
    assert_eq!(stored(&house).await, 0);
}

#[tokio::test]
async fn an_end_with_room_for_one_has_one() {
    let house = house().await;
    // Without `validate` the last one wins, at both ends.
    relate(&house, "user/ann", "/badge", "badge/b1").await;
    relate(&house, "user/bob", "/badge", "badge/b1").await;
    assert_eq!(refs(&house, "badge/b1", "owner").await, ["managed/user/bob"]);
    assert_eq!(refs(&house, "user/ann", "badge").await, [""; 0]);
    relate(&house, "badge/b2", "/owner", "user/bob").await;
    assert_eq!(refs(&house, "user/bob", "badge").await, ["managed/badge/b2"]);
    assert_eq!(refs(&house, "badge/b1", "owner").await, [""; 0]);
    // With it, what is taken is refused.
    relate(&house, "user/joe", "/manager", "user/ann").await;
    let refused = refusal(
        house
            .patch("user/bob", None, patch("add", "/reports/-", to("user/joe")))
            .await,
    );
    assert_eq!(
        refused,
        "409: 'managed/user/joe' has another relationship as its 'manager' already: end that first"
    );
    assert_eq!(refs(&house, "user/joe", "manager").await, ["managed/user/ann"]);
    assert_eq!(refs(&house, "user/bob", "reports").await, [""; 0]);
    // Its own end gives up what it had.
    house
        .patch("user/joe", None, patch("replace", "/manager", to("user/bob")))
        .await
        .unwrap();
    assert_eq!(
        (
            refs(&house, "user/ann", "reports").await.len(),
            refs(&house, "user/bob", "reports").await.len()
        ),
        (0, 1)
    );
    // An object may refer to itself.
    relate(&house, "user/bob", "/manager", "user/bob").await;
    assert_eq!(refs(&house, "user/bob", "manager").await, ["managed/user/bob"]);
    assert_eq!(
        refs(&house, "user/bob", "reports").await,
        ["managed/user/bob", "managed/user/joe"]
    );
    house.delete("user/bob", None).await.unwrap();
    assert_eq!(refs(&house, "user/joe", "manager").await, [""; 0]);
}
