//! Types that are replaced while requests go on.

use super::*;

fn types(user: Value) -> ManagedTypes {
    ManagedTypes::parse(&json!({"objects": [user, {"name": "role"}]})).unwrap()
}

fn unique() -> ManagedTypes {
    types(json!({
        "name": "user",
        "schema": {"properties": {"userName": {"unique": true}, "number": {}}},
    }))
}

#[tokio::test]
async fn a_request_finds_the_types_of_its_time() {
    let house = House::with_users([json!({"userName": "joe", "other": 1})]).await;
    house.create("role", Some("r"), json!({})).await.unwrap();
    house
        .managed
        .replace_types(ManagedTypes::parse(&json!({"objects": [{"name": "user", "indexes": ["/other"]}]})).unwrap())
        .await
        .unwrap();
    assert_eq!(
        refusal(house.read("role/r").await),
        "404: Resource 'managed/role' not found"
    );
    // Built or not yet built, an index gives the same answers.
    for _ in 0..50 {
        assert_eq!(ids(&house.query("user", query("other eq 1")).await.unwrap()), ["u000"]);
        assert_eq!(
            ids(&house.query("user", query("userName eq \"JOE\"")).await.unwrap()),
            ["u000"]
        );
        tokio::task::yield_now().await;
    }
    house
        .managed
        .replace_types(types(json!({"name": "user"})))
        .await
        .unwrap();
    assert!(house.read("role/r").await.is_ok(), "what is not served is not lost");
}

#[tokio::test]
async fn duplicates_keep_the_types_as_they_are_and_are_named() {
    let users = (0..60).map(|number| json!({"userName": format!("n{}", number % 30), "x": 1}));
    let house = House::with_users(users).await;
    let problem = house.managed.replace_types(unique()).await.unwrap_err();
    assert!(
        problem.message.starts_with("/objects/0/schema: 30 objects"),
        "{problem}"
    );
    let duplicates = &problem.detail.unwrap()["duplicates"];
    assert_eq!(duplicates.as_array().unwrap().len(), 20, "only so many are named");
    assert_eq!(
        duplicates[0],
        json!({"property": "/userName", "objects": ["u000", "u030"]})
    );
    // Nothing has changed: no schema, nothing reserved.
    house
        .create("user", Some("a"), json!({"userName": "n1", "anything": 1}))
        .await
        .unwrap();
    for number in 30..60 {
        house.delete(&format!("user/u{number:03}"), None).await.unwrap();
    }
    house.delete("user/a", None).await.unwrap();
    house.managed.replace_types(unique()).await.unwrap();
    assert_eq!(
        refusal(house.create("user", None, json!({"userName": "N7"})).await),
        "403: Policy validation failed"
    );
}

/// A guest that began when nothing was unique may commit only what it would have been allowed later.
#[tokio::test]
async fn who_did_not_know_of_a_unique_property_is_not_committed() {
    let house = House::with_users([json!({"userName": "joe"})]).await;
    let early = house.within(WriteLimits::NONE).await;
    early
        .create("user", Some("second"), json!({"userName": "joe"}))
        .await
        .unwrap();
    let other = house.within(WriteLimits::NONE).await;
    other
        .create("role", Some("r"), json!({"userName": "joe"}))
        .await
        .unwrap();
    house.managed.replace_types(unique()).await.unwrap();
    let changes = |house: &House| {
        UnitOfWork::of(&house.context)
            .unwrap()
            .end()
            .unwrap()
            .keep()
            .to_changes()
    };
    assert!(house.store.commit(changes(&early)).await.is_err());
    assert!(
        house.store.commit(changes(&other)).await.is_ok(),
        "other types are not concerned"
    );
    let late = house.within(WriteLimits::NONE).await;
    assert!(
        late.create("user", Some("second"), json!({"userName": "joe"}))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_unique_no_more_may_be_there_twice_and_become_unique_again() {
    let house = House::with_users([json!({"userName": "joe"})]).await;
    house.managed.replace_types(unique()).await.unwrap();
    assert!(
        house
            .create("user", Some("b"), json!({"userName": "joe"}))
            .await
            .is_err()
    );
    house
        .managed
        .replace_types(types(json!({"name": "user"})))
        .await
        .unwrap();
    house
        .create("user", Some("b"), json!({"userName": "joe"}))
        .await
        .unwrap();
    assert!(house.managed.replace_types(unique()).await.is_err());
    house
        .update("user/u000", None, json!({"userName": "jim"}))
        .await
        .unwrap();
    house.managed.replace_types(unique()).await.unwrap();
    assert!(house.create("user", None, json!({"userName": "JIM"})).await.is_err());
    house
        .update("user/u000", None, json!({"userName": "ann"}))
        .await
        .unwrap();
    house.create("user", None, json!({"userName": "JIM"})).await.unwrap();
}

#[tokio::test]
async fn a_script_that_cannot_be_prepared_keeps_the_types_as_they_are() {
    let house = House::new().await;
    let scripted = json!({"name": "user", "onCreate": {"type": "text/javascript", "source": "1"}});
    let problem = house.managed.replace_types(types(scripted)).await.unwrap_err();
    assert_eq!(problem.message, "/objects/0/onCreate: no scripts here");
    house.create("user", Some("a"), json!({})).await.unwrap();
}
