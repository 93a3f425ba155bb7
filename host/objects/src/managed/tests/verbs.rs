//! The verbs on single objects: what they answer, and what they refuse.

use host_resource::{Content, Router};

use super::*;

#[tokio::test]
async fn an_object_lives_from_create_to_delete() {
    let house = House::new().await;
    let created = house
        .create("user", Some("joe"), json!({"userName": "joe", "number": 1}))
        .await
        .unwrap();
    assert_eq!((created.id.as_str(), rev(&created).len()), ("joe", 16));
    let read = house.read("user/joe").await.unwrap();
    assert_eq!(read.to_json().unwrap(), created.to_json().unwrap());
    let updated = house
        .update("user/joe", Some(rev(&created)), json!({"number": 2}))
        .await
        .unwrap();
    assert_ne!(rev(&updated), rev(&created));
    assert_eq!(rev(&house.read("user/joe").await.unwrap()), rev(&updated));
    let patched = house.patch("user/joe", Some(rev(&updated)), increment()).await.unwrap();
    assert_ne!(rev(&patched), rev(&updated));
    assert_eq!(content(house.read("user/joe").await), r#"{"number":3}"#);
    let deleted = house.delete("user/joe", Some(rev(&patched))).await.unwrap();
    assert_eq!(deleted.to_json().unwrap(), patched.to_json().unwrap());
    assert_eq!(
        refusal(house.read("user/joe").await),
        "404: Resource 'managed/user/joe' not found"
    );
    let again = house.create("user", Some("joe"), json!({"number": 3})).await.unwrap();
    assert_ne!(rev(&again), rev(&patched));
}

#[tokio::test]
async fn the_id_comes_from_the_path_the_content_or_the_server() {
    let house = House::new().await;
    let check = async |id: Option<&str>, content: Value, expected: &str| {
        let created = house.create("user", id, content).await.unwrap();
        assert_eq!(
            created.to_json().unwrap(),
            format!(r#"{{"_id":"{expected}","_rev":"{}","a":1}}"#, rev(&created))
        );
    };
    check(Some("joe"), json!({"a": 1}), "joe").await;
    check(Some("jim"), json!({"_id": "jim", "_rev": "old", "a": 1}), "jim").await;
    check(None, json!({"_id": "ann", "a": 1}), "ann").await;
    check(
        None,
        json!({"_rev": "old", "a": 1}),
        "00000000-0000-4000-8000-000000000000",
    )
    .await;
    check(None, json!({"a": 1}), "00000000-0000-4000-8000-000000000001").await;
}

#[tokio::test]
async fn a_type_has_no_case_and_an_id_has_and_may_hold_a_slash() {
    let house = House::new().await;
    house.create("User", Some("Joe"), json!({"a": 1})).await.unwrap();
    house.create("user", Some("joe"), json!({"a": 2})).await.unwrap();
    house.create("user", Some("ou=a/b"), json!({"a": 3})).await.unwrap();
    assert_eq!(content(house.read("USER/Joe").await), r#"{"a":1}"#);
    assert_eq!(content(house.read("user/joe").await), r#"{"a":2}"#);
    assert_eq!(content(house.read("user/ou=a%2Fb").await), r#"{"a":3}"#);
    assert_eq!(
        refusal(house.read("user/JOE%2F").await),
        "404: Resource 'managed/user/JOE%2F' not found"
    );
    assert_eq!(
        refusal(house.read("role/joe").await),
        "404: Resource 'managed/role/joe' not found"
    );
}

#[tokio::test]
async fn a_read_answers_the_stored_bytes() {
    let house = House::with_users([json!({"z": 1, "a": {"_id": "inner"}})]).await;
    let Content::Raw(bytes) = house.read("user/u000").await.unwrap().content else {
        panic!("it was parsed")
    };
    assert_eq!(bytes, r#"{"z":1,"a":{"_id":"inner"}}"#);
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let house = House::with_users([json!({"a": 1, "b": {"c": 2}})]).await;
    let before = house.read("user/u000").await.unwrap();
    let same = [
        house.update("user/u000", None, json!({"b": {"c": 2}, "a": 1})).await,
        house
            .update("user/u000", Some(rev(&before)), before.clone().into_value().unwrap())
            .await,
        house.patch("user/u000", None, json!([])).await,
        house
            .patch(
                "user/u000",
                None,
                json!([{"operation": "replace", "field": "/a", "value": 1}]),
            )
            .await,
        house
            .patch(
                "user/u000",
                Some(rev(&before)),
                json!([{"operation": "remove", "field": "/x"}]),
            )
            .await,
    ];
    for answer in same {
        assert_eq!(answer.unwrap().to_json().unwrap(), before.to_json().unwrap());
    }
    assert_eq!(
        house.read("user/u000").await.unwrap().to_json().unwrap(),
        before.to_json().unwrap()
    );
}

#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let house = House::with_users([json!({"number": 1})]).await;
    let before = house.read("user/u000").await.unwrap().to_json().unwrap();
    let stale = "412: 'managed/user/u000' is not at revision '7' any more: read it again";
    let exists = "412: 'managed/user/u000' exists already";
    let missing = "404: Resource 'managed/user/nobody' not found";
    let other_id = "400: /_id: `_id` is 'jim', but the object is 'u000': an id cannot be changed";
    let no_object = "400: a managed object is a JSON object";
    let large = json!({"a": "x".repeat(1024 * 1024)});
    let too_large = "413: the object is larger than 1048576 bytes";
    let checks = [
        (refusal(house.create("user", Some("u000"), json!({})).await), exists),
        (
            refusal(house.create("user", None, json!({"_id": "u000"})).await),
            exists,
        ),
        (
            refusal(house.create("user", Some("u000"), json!({"_id": "jim"})).await),
            other_id,
        ),
        (refusal(house.create("user", Some("ann"), json!([])).await), no_object),
        (refusal(house.create("user", None, json!("x")).await), no_object),
        (
            refusal(house.create("user", None, json!({"_id": 7})).await),
            "400: /_id: `_id` is a text",
        ),
        (
            refusal(house.create("user", Some(""), json!({})).await),
            "400: an object's id has at least one character",
        ),
        (
            refusal(house.create("user", Some("a\0"), json!({})).await),
            "400: an object's id has no control characters",
        ),
        (
            refusal(house.create("user", Some("ann"), large.clone()).await),
            too_large,
        ),
        (refusal(house.update("user/u000", Some("7"), json!({})).await), stale),
        (
            refusal(house.update("user/u000", None, json!({"_id": "jim"})).await),
            other_id,
        ),
        (refusal(house.update("user/u000", None, json!(null)).await), no_object),
        (refusal(house.update("user/u000", None, large).await), too_large),
        (refusal(house.update("user/nobody", None, json!({})).await), missing),
        (
            refusal(house.update("user/nobody", Some("7"), json!({})).await),
            missing,
        ),
        (refusal(house.patch("user/u000", Some("7"), increment()).await), stale),
        (refusal(house.patch("user/nobody", None, increment()).await), missing),
        (
            refusal(
                house
                    .patch(
                        "user/u000",
                        None,
                        json!([
                            {"operation": "replace", "field": "/number", "value": 9},
                            {"operation": "increment", "field": "/nothing", "value": 1},
                        ]),
                    )
                    .await,
            ),
            "400: The field '/nothing' does not exist",
        ),
        (refusal(house.delete("user/u000", Some("7")).await), stale),
        (refusal(house.delete("user/nobody", None).await), missing),
        (refusal(house.action("user/nobody", "patch", json!([])).await), missing),
        (
            refusal(house.action("user/u000", "patch", json!({})).await),
            "400: /: a patch is an array of operations",
        ),
    ];
    for (answer, expected) in checks {
        assert_eq!(answer, expected);
    }
    let left = house.query("user", query("true")).await.unwrap();
    assert_eq!(
        left.result
            .iter()
            .map(|object| object.to_json().unwrap())
            .collect::<Vec<_>>(),
        [before]
    );
}

#[tokio::test]
async fn a_path_leads_to_a_type_or_an_object() {
    let house = House::with_users([json!({})]).await;
    let no_type = "404: Resource 'managed/group' not found";
    let no_path = "404: Resource 'managed/user/u000/manager' not found";
    let is_object = "400: 'managed/user/u000' is an object: this is asked of a type, such as 'managed/user'";
    let is_type = "400: 'managed/user' is a type: this is asked of an object, such as 'managed/user/id'";
    let checks = [
        (refusal(house.create("group", Some("a"), json!({})).await), no_type),
        (
            refusal(house.create("user/u000", Some("a"), json!({})).await),
            is_object,
        ),
        (
            refusal(house.create("user/u000/manager", Some("a"), json!({})).await),
            no_path,
        ),
        (refusal(house.read("").await), "404: Resource 'managed' not found"),
        (refusal(house.read("user").await), is_type),
        (refusal(house.read("group").await), no_type),
        (refusal(house.read("group/a").await), no_type),
        (refusal(house.read("user/u000/manager").await), no_path),
        (refusal(house.update("user", None, json!({})).await), is_type),
        (refusal(house.patch("user", None, json!([])).await), is_type),
        (refusal(house.delete("user", None).await), is_type),
        (refusal(house.delete("group/a", None).await), no_type),
        (refusal(house.query("user/u000", query("true")).await), is_object),
        (refusal(house.query("group", query("true")).await), no_type),
        (
            refusal(house.query("", query("true")).await),
            "404: Resource 'managed' not found",
        ),
        (
            refusal(house.action("user", "patch", json!([])).await),
            "400: a patch on a type needs exactly one of _queryFilter and _queryId",
        ),
        (refusal(house.action("group/a", "patch", json!([])).await), no_type),
        (refusal(house.action("group", "dance", json!([])).await), no_type),
        (
            refusal(house.action("user/u000/manager", "dance", json!([])).await),
            no_path,
        ),
    ];
    for (answer, expected) in checks {
        assert_eq!(answer, expected);
    }
    for at in ["user", "user/u000"] {
        let expected = format!(
            "501: the action 'dance' is not supported by 'managed/{at}': there are patch, import, triggerSyncCheck, rotateKeys, reencrypt"
        );
        assert_eq!(refusal(house.action(at, "dance", json!({})).await), expected);
    }
}

#[tokio::test]
async fn the_action_patch_is_the_patch_verb() {
    let house = House::with_users([json!({"number": 1})]).await;
    let answer = house.action("user/u000", "patch", increment()).await.unwrap().unwrap();
    let read = house.read("user/u000").await.unwrap().into_value().unwrap();
    assert_eq!((&answer, &answer["number"]), (&read, &json!(2)));
}

#[tokio::test]
async fn a_type_is_a_collection_and_joins_units_of_work() {
    let house = House::new().await;
    assert!(house.managed.joins_unit_of_work());
    let router = Router::new().mount(&["managed"], &[], house.managed);
    assert_eq!(
        router.collection(&path("managed/USER")).as_deref(),
        Some("managed/user")
    );
    assert_eq!(
        router.collection(&path("managed/role")).as_deref(),
        Some("managed/role")
    );
    for other in ["managed", "managed/group", "managed/user/u000"] {
        assert_eq!(router.collection(&path(other)), None, "{other}");
    }
}
