//! Relationships: both ends always say the same.

use std::sync::Arc;

use host_resource::project::Fields;
use host_resource::{Caller, Context, Query, Read, Resource, Rights};
use host_store::{Collection, Scan};
use serde_json::{Value, json};

use super::{House, path, query, refusal};
use crate::managed::MAX_GIVEN;

mod many;

/// Users with a manager and reports, roles that only the members know of, badges that only one has at a time.
fn types() -> Value {
    let to = |name: &str| json!([{"path": format!("managed/{name}"), "label": name}]);
    let both = |property: &str, reverse: &str, name: &str, more: Value| {
        let mut one = json!({"type": "relationship", "reverseRelationship": true, "reversePropertyName": reverse,
            "resourceCollection": to(name)});
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (property.to_owned(), one)
    };
    let list = |(name, items): (String, Value)| (name, json!({"type": "array", "items": items}));
    let said = json!({"_refProperties": {"type": "object", "properties": {
        "_id": {"type": "string"}, "since": {"type": "string", "maxLength": 10}}}});
    let user: serde_json::Map<String, Value> = [
        ("name".to_owned(), json!({"type": "string"})),
        ("secret".to_owned(), json!({"type": "string", "scope": "private"})),
        both(
            "manager",
            "reports",
            "user",
            json!({"validate": true, "properties": said}),
        ),
        list(both("reports", "manager", "user", json!({"validate": true}))),
        (
            "roles".to_owned(),
            json!({"type": "array", "items": {"type": "relationship", "resourceCollection": to("role")}}),
        ),
        both("badge", "owner", "badge", json!({})),
        (
            "hidden".to_owned(),
            json!({"type": "relationship", "scope": "private", "resourceCollection": to("role")}),
        ),
        (
            "best".to_owned(),
            json!({"type": "relationship", "returnByDefault": true, "resourceCollection": to("user")}),
        ),
    ]
    .into_iter()
    .collect();
    let badge: serde_json::Map<String, Value> = [both("owner", "badge", "user", json!({}))].into_iter().collect();
    json!({"objects": [
        {"name": "user", "schema": {"properties": user}},
        {"name": "badge", "schema": {"properties": badge}},
        {"name": "role"},
    ]})
}

async fn house() -> House {
    let house = House::of(types()).await;
    for (id, name) in [("ann", "Ann"), ("bob", "Bob"), ("joe", "Joe")] {
        house
            .create("user", Some(id), json!({"name": name, "secret": "s"}))
            .await
            .unwrap();
    }
    house
        .create("role", Some("cook"), json!({"title": "Cook"}))
        .await
        .unwrap();
    for id in ["b1", "b2"] {
        house.create("badge", Some(id), json!({})).await.unwrap();
    }
    house
}

fn to(at: &str) -> Value {
    json!({"_ref": format!("managed/{at}")})
}

async fn shown(house: &House, at: &str, fields: &str) -> Value {
    let fields = Fields::parse([fields]).unwrap();
    let read = Read { fields: fields.clone() };
    let object = house.managed.read(&house.context, &path(at), read).await.unwrap();
    let mut value = object.project(&fields).unwrap();
    let members = value.as_object_mut().unwrap();
    members.shift_remove("_rev");
    members.shift_remove("_id");
    value
}

/// The paths of what a property refers to.
async fn refs(house: &House, at: &str, property: &str) -> Vec<String> {
    let value = shown(house, at, property).await;
    let mut found: Vec<String> = match &value[property] {
        Value::Array(items) => items
            .iter()
            .map(|item| item["_ref"].as_str().unwrap().to_owned())
            .collect(),
        Value::Null => Vec::new(),
        one => vec![one["_ref"].as_str().unwrap().to_owned()],
    };
    found.sort();
    found
}

async fn stored(house: &House) -> usize {
    let mut count = 0;
    for name in ["relationship", "relationship/count"] {
        let scan = Scan::all(Collection::new(name), 100_000);
        count += house.store.scan(&scan).await.unwrap().documents.len();
    }
    count
}

fn patch(operation: &str, field: &str, value: Value) -> Value {
    let mut one = json!({"operation": operation, "field": field});
    if !value.is_null() {
        one["value"] = value;
    }
    json!([one])
}

/// Sets a relationship, or adds one to a list.
async fn relate(house: &House, at: &str, field: &str, other: &str) {
    let patch = patch("add", field, to(other));
    house.patch(at, None, patch).await.unwrap();
}

#[tokio::test]
async fn a_relationship_is_seen_from_both_ends_and_in_no_object_that_is_not_asked_for_it() {
    let house = house().await;
    let mut manager = to("user/ann");
    manager["_refProperties"] = json!({"since": "2020"});
    let before = house.read("user/joe").await.unwrap();
    house
        .update(
            "user/joe",
            None,
            json!({"name": "Joe", "secret": "s", "manager": manager}),
        )
        .await
        .unwrap();
    assert_eq!(
        house.read("user/joe").await.unwrap().rev,
        before.rev,
        "the object itself is what it was"
    );
    assert_eq!(
        shown(&house, "user/joe", "*").await,
        json!({"name": "Joe", "secret": "s", "best": null})
    );
    let joe = shown(&house, "user/joe", "name,manager").await;
    let reference = &joe["manager"];
    assert_eq!(
        (
            &reference["_ref"],
            &reference["_refResourceCollection"],
            &reference["_refResourceId"],
            &reference["_refProperties"]["since"]
        ),
        (
            &json!("managed/user/ann"),
            &json!("managed/user"),
            &json!("ann"),
            &json!("2020")
        )
    );
    assert!(reference["_refProperties"]["_id"].is_string() && reference["_refProperties"]["_rev"].is_string());
    assert_eq!(joe.as_object().unwrap().len(), 2);
    let ann = shown(&house, "user/ann", "reports").await;
    assert_eq!(
        (&ann["reports"][0]["_ref"], &ann["reports"][0]["_refProperties"]),
        (&json!("managed/user/joe"), &reference["_refProperties"])
    );
    let all = shown(&house, "user/joe", "*,*_ref").await;
    assert_eq!(
        (&all["name"], &all["manager"], &all["reports"], &all["badge"]),
        (&json!("Joe"), reference, &json!([]), &json!(null))
    );
    assert!(all.get("*_ref").is_none());
    // What is read can be sent back, and then nothing has changed.
    house.update("user/joe", None, all).await.unwrap();
    assert_eq!(shown(&house, "user/joe", "manager").await["manager"], *reference);
}

#[tokio::test]
async fn fields_of_the_other_object_come_with_a_relationship_if_they_are_asked_for() {
    let house = house().await;
    relate(&house, "user/joe", "/manager", "user/ann").await;
    relate(&house, "user/ann", "/roles/-", "role/cook").await;
    let joe = shown(&house, "user/joe", "manager/name").await;
    assert_eq!(
        (&joe["manager"]["name"], &joe["manager"]["_ref"]),
        (&json!("Ann"), &json!("managed/user/ann"))
    );
    assert!(joe["manager"].get("secret").is_none() && joe.get("name").is_none());
    let all = shown(&house, "user/joe", "*,manager/*").await;
    assert_eq!(
        (&all["manager"]["name"], &all["name"], &all["manager"]["_id"]),
        (&json!("Ann"), &json!("Joe"), &json!("ann"))
    );
    assert!(
        all["manager"].get("roles").is_none(),
        "relationships are not followed further"
    );
    assert_eq!(
        shown(&house, "user/ann", "*_ref/name").await["reports"][0]["name"],
        "Joe"
    );
    let page = house
        .query(
            "user",
            Query {
                fields: Fields::parse(["manager/name"]).unwrap(),
                ..query("name eq \"Joe\"")
            },
        )
        .await
        .unwrap();
    let found = page.into_value(&Fields::parse(["manager/name"]).unwrap()).unwrap();
    assert_eq!(found["result"][0]["manager"]["name"], "Ann");
}

#[tokio::test]
async fn a_caller_from_outside_sees_nothing_private_by_way_of_a_relationship() {
    let house = house().await;
    relate(&house, "user/joe", "/manager", "user/ann").await;
    relate(&house, "user/joe", "/hidden", "role/cook").await;
    let outside = |rights: &[&str]| {
        let caller = Caller {
            is_external: true,
            rights: Arc::new(Rights::parse(rights.iter().copied()).unwrap()),
            ..(*house.context.caller).clone()
        };
        House {
            context: Context::new(Arc::new(caller), "outside"),
            ..house.clone()
        }
    };
    let person = outside(&["managed/*: *"]);
    let joe = shown(
        &person,
        "user/joe",
        "*,*_ref,manager/*,manager/secret,hidden,hidden/title",
    )
    .await;
    assert_eq!(joe["manager"]["name"], "Ann");
    assert!(joe["manager"].get("secret").is_none(), "{joe}");
    assert!(
        joe.get("hidden").is_none() && joe.get("secret").is_none() && joe.get("title").is_none(),
        "{joe}"
    );
    assert!(
        refusal(
            person
                .patch("user/joe", None, patch("remove", "/hidden", Value::Null))
                .await
        )
        .starts_with("403")
    );
    assert!(refusal(person.query("user/joe/hidden", query("true")).await).starts_with("404"));
    assert_eq!(refs(&house, "user/joe", "hidden").await, ["managed/role/cook"]);
    // Who may not read an object neither sees it by a relationship nor refers to it.
    let narrow = outside(&["managed/user/joe: read, patch"]);
    let joe = shown(&narrow, "user/joe", "manager/*").await;
    assert_eq!(
        (&joe["manager"]["_ref"], joe["manager"].get("name")),
        (&json!("managed/user/ann"), None)
    );
    let refused = refusal(
        narrow
            .patch("user/joe", None, patch("add", "/roles/-", to("role/cook")))
            .await,
    );
    assert_eq!(
        refused,
        "403: 'managed/role/cook' cannot be referred to by who may not read it"
    );
    let probing = refusal(
        narrow
            .patch("user/joe", None, patch("add", "/manager", to("user/nobody")))
            .await,
    );
    assert!(
        probing.starts_with("403"),
        "it does not tell either whether the object exists: {probing}"
    );
}

#[tokio::test]
async fn what_cannot_be_referred_to_is_refused_and_nothing_has_changed() {
    let house = house().await;
    let before = stored(&house).await;
    let check = async |value: Value, expected: &str| {
        let refused = refusal(
            house
                .update("user/joe", None, json!({"name": "Other", "manager": value.clone()}))
                .await,
        );
        assert!(refused.contains(expected), "{value}: {refused}");
        assert_eq!(
            house.read("user/joe").await.unwrap().into_value().unwrap()["name"],
            "Joe"
        );
    };
    check(
        to("user/nobody"),
        "/manager/_ref: there is no object 'managed/user/nobody'",
    )
    .await;
    check(
        to("role/cook"),
        "'managed/role/cook' cannot be referred to here: managed/user/ID can",
    )
    .await;
    check(to("nothing/x"), "cannot be referred to here").await;
    check(
        json!({"_ref": "system/ldap/account/x"}),
        "is not the path of a managed object",
    )
    .await;
    check(json!({"_ref": "managed/user"}), "is not the path of a managed object").await;
    check(json!({"_ref": 7}), "/manager/_ref: a text is expected").await;
    check(json!({}), "'_ref' is required").await;
    check(json!("managed/user/ann"), "a relationship is an object").await;
    check(json!([to("user/ann")]), "a relationship is an object").await;
    check(
        json!({"_ref": "managed/user/ann", "ref": 1}),
        "/manager/ref: a relationship has no 'ref'",
    )
    .await;
    check(
        json!({"_ref": "managed/user/ann", "_refResourceId": "bob"}),
        "another object",
    )
    .await;
    check(
        json!({"_ref": "managed/user/ann", "_refProperties": {"x": 1}}),
        "does not know the property 'x'",
    )
    .await;
    check(
        json!({"_ref": "managed/user/ann", "_refProperties": {"since": "a long time ago"}}),
        "403",
    )
    .await;
    let many = vec![to("role/cook"); MAX_GIVEN + 1];
    let refused = refusal(house.update("user/joe", None, json!({"roles": many})).await);
    assert!(refused.contains("at most 1000 relationships"), "{refused}");
    let twice = refusal(
        house
            .update("user/joe", None, json!({"roles": [to("role/cook"), to("role/cook")]}))
            .await,
    );
    assert!(
        twice.contains("/roles/1: this object is in the list already"),
        "{twice}"
    );
    for (operation, field, value) in [
        ("increment", "/manager", json!(1)),
        ("replace", "/manager/_ref", json!("managed/user/ann")),
        ("add", "/manager/-", to("user/ann")),
        ("replace", "/roles/0", to("role/cook")),
    ] {
        let refused = refusal(house.patch("user/joe", None, patch(operation, field, value)).await);
        assert!(refused.contains("patched as a whole"), "{operation} {field}: {refused}");
    }
    let moved = json!([{"operation": "move", "from": "/manager", "field": "/name"}]);
    assert!(refusal(house.patch("user/joe", None, moved).await).contains("neither copied nor moved"));
    assert!(refusal(house.query("user", query("manager pr")).await).contains("filtered or sorted by a relationship"));
    assert_eq!(stored(&house).await, before);
}

#[tokio::test]
async fn items_come_and_go_by_patches_and_by_whole_lists() {
    let house = house().await;
    relate(&house, "user/ann", "/reports/-", "user/joe").await;
    relate(&house, "user/ann", "/reports/-", "user/bob").await;
    relate(&house, "user/ann", "/reports/-", "user/bob").await;
    assert_eq!(
        refs(&house, "user/ann", "reports").await,
        ["managed/user/bob", "managed/user/joe"],
        "once each"
    );
    assert_eq!(refs(&house, "user/joe", "manager").await, ["managed/user/ann"]);
    house
        .patch("user/ann", None, patch("remove", "/reports", to("user/joe")))
        .await
        .unwrap();
    house
        .patch("user/ann", None, patch("remove", "/reports", to("user/joe")))
        .await
        .unwrap();
    assert_eq!(refs(&house, "user/joe", "manager").await, [""; 0]);
    house
        .update("user/ann", None, json!({"name": "Ann", "reports": [to("user/joe")]}))
        .await
        .unwrap();
    assert_eq!(refs(&house, "user/ann", "reports").await, ["managed/user/joe"]);
    assert_eq!(refs(&house, "user/bob", "manager").await, [""; 0]);
    // Who says nothing of a relationship changes nothing of it.
    house.update("user/ann", None, json!({"name": "Anna"})).await.unwrap();
    assert_eq!(refs(&house, "user/ann", "reports").await, ["managed/user/joe"]);
    house
        .patch("user/ann", None, patch("remove", "/reports", Value::Null))
        .await
        .unwrap();
    assert_eq!(
        (refs(&house, "user/ann", "reports").await.len(), stored(&house).await),
        (0, 0)
    );
}

#[tokio::test]
async fn an_object_that_is_deleted_takes_its_relationships_along() {
    let house = house().await;
    house
        .create(
            "user",
            Some("new"),
            json!({"manager": to("user/ann"), "roles": [to("role/cook")]}),
        )
        .await
        .unwrap();
    relate(&house, "user/joe", "/roles/-", "role/cook").await;
    house.delete("role/cook", None).await.unwrap();
    assert_eq!(
        refs(&house, "user/new", "roles").await,
        [""; 0],
        "also where the type knows of no relationships"
    );
    assert_eq!(refs(&house, "user/joe", "roles").await, [""; 0]);
    house.delete("user/new", None).await.unwrap();
    assert_eq!(
        (refs(&house, "user/ann", "reports").await.len(), stored(&house).await),
        (0, 0)
    );
    // The same id later is another object.
    house.create("role", Some("cook"), json!({})).await.unwrap();
    assert_eq!(refs(&house, "user/joe", "roles").await, [""; 0]);
}
