//! liveSync of a CSV file, with a `sync` that can be made to fail.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use host_model::clock::{Clock, Timestamp, parse_wire_time};
use host_model::configured::{ConfigName, Configured as _};
use host_model::ids::Ids;
use host_model::tenant::TenantName;
use host_resource::{ApiVersion, LateRouter, Resource, Verb};
use host_secrets::Keystore;
use host_store::redb::RedbStore;
use host_store::{Store, TenantStore};
use parking_lot::Mutex;

use super::*;
use crate::paths::AllowedFolders;
use crate::stages::SynchronisationResource;
use crate::systems::{ConfiguredSystems, Parts};

#[derive(Debug)]
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        parse_wire_time("2026-01-01T00:00:00Z").unwrap()
    }

    async fn sleep_until(&self, _instant: Timestamp) {
        std::future::pending().await
    }
}

#[derive(Debug)]
struct Same;

impl Ids for Same {
    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }

    fn random(&self) -> u64 {
        7
    }
}

/// Takes changes, except those of the objects that it dislikes.
#[derive(Default)]
struct Sync {
    taken: Mutex<Vec<String>>,
    disliked: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Resource for Sync {
    async fn action(
        &self,
        _context: &Context,
        _path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        let id = action.parameter("resourceId").unwrap().to_owned();
        if self.disliked.lock().contains(&id.as_str()) {
            return Ok(Some(
                json!([{"result": "SUCCESSFUL"}, {"result": "FAILED", "cause": "no"}]),
            ));
        }
        let name = action.content.as_ref().unwrap()["newValue"]["name"].clone();
        self.taken.lock().push(format!("{} {id} {name}", action.name));
        Ok(Some(json!([{"result": "SUCCESSFUL"}])))
    }
}

struct House {
    folder: tempfile::TempDir,
    systems: Arc<Systems>,
    sync: Arc<Sync>,
    router: Arc<Router>,
}

impl House {
    async fn new(handler: Value, has_sync: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("people.csv"), "uid,name\na,Ann\n").unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Still);
        let redb = RedbStore::in_memory(Arc::clone(&clock));
        let tenant = TenantName::default_tenant();
        redb.open_tenant(&tenant).await.unwrap();
        let store = TenantStore::new(redb as Arc<dyn Store>, tenant);
        let late = LateRouter::default();
        let systems = Systems::new(Parts {
            store: store.clone(),
            clock,
            ids: Arc::new(Same),
            router: late.clone(),
            folders: AllowedFolders::new(folder.path().to_owned(), []),
            keystore: Arc::new(Keystore::in_memory(Arc::new(Same))),
        });
        let sync = Arc::new(Sync::default());
        let mut router = Router::new().mount(
            &["repo", "synchronisation"],
            &[],
            Arc::new(SynchronisationResource(store)),
        );
        if has_sync {
            router = router.mount(&["sync"], &[], Arc::clone(&sync) as _);
        }
        let router = Arc::new(router);
        late.bind(&router);
        let object = json!({
            "connectorRef": {"connectorName": "org.forgerock.openicf.csvfile.CSVFileConnector"},
            "configurationProperties": {"csvFile": "people.csv", "headerUid": "uid"},
            "syncFailureHandler": handler,
            "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {
                "uid": {"type": "string"}, "name": {"type": "string"}}}},
        });
        let name = ConfigName::new("provisioner.openicf", Some("hr")).unwrap();
        let configured = ConfiguredSystems(Arc::clone(&systems));
        configured.apply(&name, Some(&object)).await.unwrap();
        Self {
            folder,
            systems,
            sync,
            router,
        }
    }

    fn context() -> Context {
        Context::new(Arc::new(Caller::internal("default", "test")), "test")
    }

    fn write(&self, people: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("uid,name\n{people}")).unwrap();
        fs::rename(new, self.folder.path().join("people.csv")).unwrap();
    }

    async fn run(&self) -> TypeOutcome {
        let outcome = self
            .systems
            .live_sync(&Self::context(), &Source::new("hr", Some("account")), true)
            .await;
        outcome.unwrap().types.remove(0)
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.sync.taken.lock())
    }

    async fn letters(&self) -> Vec<Value> {
        let query = host_resource::Query::filter(Arc::new(host_resource::Filter::Literal(true)));
        let request = Request {
            path: ResourcePath::parse("repo/synchronisation/deadLetterQueue/hr").unwrap(),
            verb: Verb::Query(query),
            version: None,
        };
        match self.router.handle(&Self::context(), request).await {
            Ok(Response::Page(page)) => page
                .result
                .into_iter()
                .map(|letter| letter.into_value().unwrap())
                .collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_first_run_stores_the_token_only_and_later_ones_hand_over_what_changed() {
    let house = House::new(Value::Null, true).await;
    let first = house.run().await;
    assert_eq!(first.stage["_id"], "SYSTEMHRACCOUNT");
    assert!(first.stage["connectorData"]["syncToken"].is_string());
    assert_eq!(house.taken(), Vec::<String>::new());
    house.write("b,Bob\nc,Cid\n");
    assert_eq!(house.run().await.handed_over, 3);
    let taken = house.taken();
    assert_eq!(
        taken,
        [
            "notifyCreate b \"Bob\"",
            "notifyCreate c \"Cid\"",
            "notifyDelete a null"
        ]
    );
    assert_eq!(house.run().await.handed_over, 0);
    house.write("b,Bert\nc,Cid\n");
    house.run().await;
    assert_eq!(house.taken(), ["notifyUpdate b \"Bert\""]);
}

#[tokio::test]
async fn without_a_limit_a_change_that_fails_is_tried_for_ever_and_nothing_overtakes_it() {
    let house = House::new(json!({}), true).await;
    house.run().await;
    house.write("a,Ann\nb,Bob\nc,Cid\nd,Dan\n");
    house.sync.disliked.lock().push("c");
    for turn in 0..5 {
        let stopped = house.run().await;
        assert!(stopped.trouble.unwrap().contains("a mapping failed"));
        assert_eq!(stopped.stage["lastException"]["syncDelta"]["uid"], "c");
        assert_eq!(stopped.stage["lastException"]["tried"], turn + 1);
        assert_eq!(
            house.taken(),
            if turn == 0 {
                vec!["notifyCreate b \"Bob\""]
            } else {
                vec![]
            }
        );
    }
    house.sync.disliked.lock().clear();
    let done = house.run().await;
    assert_eq!((done.handed_over, done.stage.get("lastException")), (2, None));
    assert_eq!(house.taken(), ["notifyCreate c \"Cid\"", "notifyCreate d \"Dan\""]);
}

#[tokio::test]
async fn after_its_retries_a_change_is_set_aside_where_it_can_be_seen() {
    let house = House::new(json!({"maxRetries": 1, "postRetryAction": "dead-letter-queue"}), true).await;
    house.run().await;
    house.write("a,Ann\nb,Bob\nc,Cid\n");
    house.sync.disliked.lock().push("b");
    assert!(house.run().await.trouble.is_some());
    assert!(house.letters().await.is_empty());
    let done = house.run().await;
    assert_eq!((done.handed_over, done.left_out, done.trouble), (1, 1, None));
    let letters = house.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["uid"], "b");
    assert_eq!(letters[0]["failedRecord"]["object"]["name"], "Bob");
    assert_eq!(house.run().await.handed_over, 0);
}

#[tokio::test]
async fn no_retries_means_none() {
    let house = House::new(json!({"maxRetries": 0, "postRetryAction": "logged-ignore"}), true).await;
    house.run().await;
    house.write("b,Bob\n");
    house.sync.disliked.lock().push("b");
    assert_eq!(house.run().await.left_out, 1);
    assert!(house.letters().await.is_empty());
}

#[tokio::test]
async fn where_nobody_takes_changes_the_token_stays() {
    let house = House::new(Value::Null, false).await;
    let source = Source::new("hr", Some("account"));
    let refused = house
        .systems
        .live_sync(&House::context(), &source, false)
        .await
        .unwrap_err();
    assert_eq!(refused.code.number(), 503);
    assert!(refused.message.contains("no 'sync'"), "{refused}");
}

#[tokio::test]
async fn a_source_is_read_by_one_at_a_time() {
    let house = House::new(Value::Null, true).await;
    house.systems.syncing.lock().insert("system/hr/account".to_owned());
    let source = Source::new("hr", Some("account"));
    let refused = house
        .systems
        .live_sync(&House::context(), &source, false)
        .await
        .unwrap_err();
    assert_eq!(refused.code.number(), 409);
    house.systems.syncing.lock().clear();
    house.run().await;
    assert!(house.systems.syncing.lock().is_empty());
}

#[test]
fn a_source_is_a_type_or_a_system() {
    assert_eq!(
        Source::parse("system/ldap/account"),
        Ok(Source::new("ldap", Some("account")))
    );
    assert_eq!(Source::parse("system/ldap"), Ok(Source::new("ldap", None)));
    for wrong in ["", "system", "managed/user", "system/ldap/account/x", "system//x"] {
        assert!(Source::parse(wrong).is_err(), "{wrong}");
    }
}
