//! Batches: what becomes of each line, and of the batch. The resource is the smallest that keeps anything, and one of its
//! objects writes before it refuses.

use async_trait::async_trait;
use bytes::Bytes;
use host_model::clock::{Clock, Timestamp};
use host_model::tenant::TenantName;
use host_resource::{Caller, Content, Object, Rights};
use host_store::redb::RedbStore;
use host_store::{Collection, Key};
use serde_json::json;

use super::*;

#[derive(Debug)]
struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, _instant: Timestamp) {}
}

struct Things;

fn key(id: &str) -> Key {
    Collection::new("things").key(id)
}

async fn put(context: &Context, id: &str, content: &Value) -> Result<Object, Problem> {
    let unit = UnitOfWork::of(context).unwrap();
    unit.put(key(id), Bytes::from(json!({"name": content["name"]}).to_string()))
        .await?;
    if content["name"] == "half" {
        return Err(Problem::forbidden("Policy validation failed"));
    }
    if content["name"] == "broken" {
        return Err(Problem::internal("the disk is full"));
    }
    Ok(Object {
        id: id.to_owned(),
        rev: None,
        content: Content::Json(content.clone()),
    })
}

#[async_trait]
impl Resource for Things {
    async fn create(&self, context: &Context, _: &ResourcePath, create: Create) -> Result<Object, Problem> {
        let id = match create.content.get("_id") {
            None => "made",
            Some(Value::String(id)) => id,
            Some(_) => return Err(Problem::invalid("/_id", "`_id` is a text")),
        };
        if UnitOfWork::of(context).unwrap().get(&key(id)).await?.is_some() {
            return Err(Problem::precondition_failed("exists already"));
        }
        put(context, id, &create.content).await
    }

    async fn update(&self, context: &Context, path: &ResourcePath, update: Update) -> Result<Object, Problem> {
        put(context, path.last().unwrap(), &update.content).await
    }
}

async fn store() -> TenantStore {
    let tenant = TenantName::default_tenant();
    let store = RedbStore::in_memory(Arc::new(StoppedClock));
    store.open_tenant(&tenant).await.unwrap();
    TenantStore::new(store, tenant)
}

fn context() -> Context {
    Context::new(Arc::new(Caller::internal("default", "tests")), "r")
}

async fn run(store: &TenantStore, context: &Context, if_exists: &str, batch: Value) -> Result<Value, Problem> {
    let action = Action {
        name: "import".to_owned(),
        parameters: vec![("ifExists".to_owned(), if_exists.to_owned())],
        content: Some(batch),
        ..Action::default()
    };
    import(store, &Things, context, &ResourcePath::parse("things").unwrap(), action).await
}

async fn name(store: &TenantStore, id: &str) -> Option<Value> {
    let document = store.get(&key(id)).await.unwrap()?;
    Some(serde_json::from_slice::<Value>(&document.body).unwrap()["name"].clone())
}

fn line(number: u64, id: &str, name: &str) -> Value {
    json!({"line": number, "object": {"_id": id, "name": name}})
}

#[tokio::test]
async fn a_line_that_is_refused_leaves_nothing_and_the_others_go_on() {
    let store = store().await;
    let batch = json!([
        line(3, "a", "one"),
        {"line": 4, "object": {"_id": 7}},
        {"line": 5, "object": [1]},
        line(6, "a", "again"),
        line(7, "h", "half"),
        line(8, "b", "two"),
        {"line": 9, "object": {"name": "without an id"}},
    ]);
    let report = run(&store, &context(), "fail", batch).await.unwrap();
    assert_eq!([&report["created"], &report["updated"], &report["skipped"]], [3, 0, 0]);
    let errors = report["errors"].as_array().unwrap().iter();
    let errors: Vec<_> = errors
        .map(|error| (error["line"].as_u64().unwrap(), error["code"].as_u64().unwrap()))
        .collect();
    assert_eq!(errors, [(4, 400), (5, 400), (6, 412), (7, 403)]);
    assert_eq!(
        (&report["errors"][0]["pointer"], &report["errors"][3]["message"]),
        (&json!("/_id"), &json!("Policy validation failed"))
    );
    assert_eq!(name(&store, "a").await, Some(json!("one")));
    assert_eq!(name(&store, "b").await, Some(json!("two")));
    assert_eq!(name(&store, "h").await, None);
}

#[tokio::test]
async fn what_exists_is_refused_skipped_or_updated() {
    let store = store().await;
    let check = async |if_exists: &str, counts: [usize; 4], expected: &str| {
        let report = run(&store, &context(), if_exists, json!([line(1, "a", if_exists)]))
            .await
            .unwrap();
        let failed = report["errors"].as_array().unwrap().len();
        let [created, updated, skipped] =
            ["created", "updated", "skipped"].map(|name| report[name].as_u64().unwrap() as usize);
        assert_eq!([created, updated, skipped, failed], counts, "{if_exists}: {report}");
        assert_eq!(name(&store, "a").await, Some(json!(expected)), "{if_exists}");
    };
    check("skip", [1, 0, 0, 0], "skip").await;
    check("fail", [0, 0, 0, 1], "skip").await;
    check("SKIP", [0, 0, 1, 0], "skip").await;
    check("update", [0, 1, 0, 0], "update").await;
}

#[tokio::test]
async fn a_batch_that_the_server_could_not_take_changes_nothing() {
    let store = store().await;
    let failed = run(
        &store,
        &context(),
        "fail",
        json!([line(1, "a", "one"), line(2, "b", "broken")]),
    )
    .await;
    assert_eq!(failed.unwrap_err().code, Code::INTERNAL);
    assert_eq!(name(&store, "a").await, None);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_and_changes_nothing() {
    let store = store().await;
    let check = async |if_exists: &str, batch: Value, words: &str| {
        let problem = run(&store, &context(), if_exists, batch).await.unwrap_err();
        assert!(problem.message.contains(words), "{problem}");
    };
    check("fail", json!({}), "application/x-ndjson").await;
    check("fail", json!([line(1, "a", "x"), {"object": {}}]), "/1: an item is").await;
    check("fail", json!([{"line": 1, "object": {}, "more": 1}]), "/0: an item is").await;
    check("perhaps", json!([line(1, "a", "x")]), "none of fail, skip and update").await;
    check(
        "fail",
        vec![line(1, "a", "x"); MAX_LINES + 1].into(),
        "at most 1000 lines",
    )
    .await;
    assert_eq!(name(&store, "a").await, None);
}

#[tokio::test]
async fn who_may_act_but_not_create_or_update_imports_nothing() {
    let store = store().await;
    let check = async |grant: &str, if_exists: &str, expected: Option<Code>| {
        let mut caller = Caller::internal("default", "tests");
        caller.rights = Rights::parse([grant]).unwrap().into();
        let context = Context::new(Arc::new(caller), "r");
        let refused = run(&store, &context, if_exists, json!([line(1, "a", "x")])).await.err();
        assert_eq!(refused.map(|problem| problem.code), expected, "{grant} {if_exists}");
    };
    check("managed/*: action", "fail", Some(Code::FORBIDDEN)).await;
    check("managed/*: action, create", "update", Some(Code::FORBIDDEN)).await;
    assert_eq!(name(&store, "a").await, None);
    check("managed/*: action, create", "skip", None).await;
    check("managed/*: action, create, update", "update", None).await;
}
