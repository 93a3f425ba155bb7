//! The configuration over a folder, with a consumer that can be told to fail: what cannot be put in force leaves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use host_model::audit::NoAudit;
use host_model::clock::{Clock, Timestamp};
use host_model::configured::{ConfigName, Configured};
use host_model::ids::Ids;
use host_resource::{Caller, Code, Context, Create, Delete, Problem, Read, Resource, ResourcePath, Update};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{ConfigResource, Configuration, Folder, Parts, Placeholders};

#[derive(Debug)]
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, _instant: Timestamp) {}
}

#[derive(Debug)]
struct Same;

impl Ids for Same {
    fn uuid(&self) -> String {
        "id".to_owned()
    }

    fn random(&self) -> u64 {
        7
    }
}

/// Notes what is put in force, unless it fails.
#[derive(Default)]
struct Probe {
    fails: AtomicBool,
    applied: Mutex<Vec<(String, Option<Value>)>>,
}

#[async_trait]
impl Configured for Probe {
    fn kind(&self) -> &'static str {
        "probe"
    }

    fn has_instances(&self) -> bool {
        true
    }

    async fn check(&self, _name: &ConfigName, object: &Value) -> Result<(), Problem> {
        if object["n"].is_number() {
            Ok(())
        } else {
            Err(Problem::invalid("/n", "a number is expected"))
        }
    }

    async fn apply(&self, name: &ConfigName, object: Option<&Value>) -> Result<(), Problem> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Problem::unavailable("not now"));
        }
        self.applied.lock().push((name.to_string(), object.cloned()));
        Ok(())
    }
}

struct House {
    folder: tempfile::TempDir,
    probe: Arc<Probe>,
    configuration: Arc<Configuration>,
    context: Context,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let probe = Arc::new(Probe::default());
        let configuration = Configuration::new(Parts {
            folder: Folder::new(folder.path().join("deep/conf")),
            placeholders: [("five".to_owned(), json!(5))].into_iter().collect::<Placeholders>(),
            consumers: vec![probe.clone()],
            is_read_only: false,
            audit: Arc::new(NoAudit),
            clock: Arc::new(Still),
            ids: Arc::new(Same),
        });
        configuration.load().await;
        Self {
            folder,
            probe,
            configuration: Arc::new(configuration),
            context: Context::new(Arc::new(Caller::internal("default", "tester")), "request"),
        }
    }

    fn resource(&self) -> ConfigResource {
        ConfigResource(self.configuration.clone())
    }

    async fn create(&self, name: &str, content: Value) -> Result<Value, Problem> {
        let create = Create {
            id: Some(name.to_owned()),
            content,
            ..Create::default()
        };
        let container = ResourcePath::parse("probe").unwrap();
        let made = self.resource().create(&self.context, &container, create).await?;
        Ok(made.into_value().unwrap())
    }

    async fn update(&self, name: &str, content: Value) -> Result<Value, Problem> {
        let update = Update {
            content,
            ..Update::default()
        };
        let made = self.resource().update(&self.context, &path(name), update).await?;
        Ok(made.into_value().unwrap())
    }

    async fn delete(&self, name: &str) -> Result<(), Problem> {
        let resource = self.resource();
        resource.delete(&self.context, &path(name), Delete::default()).await?;
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Value, Problem> {
        let found = self
            .resource()
            .read(&self.context, &path(name), Read::default())
            .await?;
        Ok(found.into_value().unwrap())
    }

    fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join("deep/conf").join(name)).ok()
    }

    fn fail(&self, fails: bool) {
        self.probe.fails.store(fails, Ordering::Relaxed);
    }

    fn applied(&self) -> Vec<(String, Option<Value>)> {
        std::mem::take(&mut self.probe.applied.lock())
    }
}

fn path(name: &str) -> ResourcePath {
    ResourcePath::from_elements(["probe", name])
}

#[tokio::test]
async fn what_cannot_be_put_in_force_leaves_the_file_as_it_was() {
    let house = House::new().await;
    house.fail(true);
    assert_eq!(
        house.create("a", json!({"n": 1})).await.unwrap_err().code,
        Code::UNAVAILABLE
    );
    assert_eq!(house.file("probe-a.json"), None);
    house.fail(false);
    let made = house.create("a", json!({"n": 1})).await.unwrap();
    let text = house.file("probe-a.json");

    house.fail(true);
    assert_eq!(
        house.update("a", json!({"n": 2})).await.unwrap_err().code,
        Code::UNAVAILABLE
    );
    assert_eq!(house.delete("a").await.unwrap_err().code, Code::UNAVAILABLE);
    assert_eq!(
        (house.file("probe-a.json"), house.read("a").await.unwrap()),
        (text, made.clone())
    );

    // The file that was put back is no news.
    house.fail(false);
    house.applied();
    house.configuration.look().await;
    assert_eq!(house.applied(), []);
    assert_eq!(house.read("a").await.unwrap(), made);
}

#[tokio::test]
async fn placeholders_are_replaced_for_who_consumes_and_for_nobody_else() {
    let house = House::new().await;
    let made = house.create("a", json!({"n": "&{five}"})).await.unwrap();
    assert_eq!(made["n"], "&{five}");
    assert_eq!(house.applied(), [("probe/a".to_owned(), Some(json!({"n": 5})))]);
    assert_eq!(house.file("probe-a.json").unwrap(), "{\n  \"n\": \"&{five}\"\n}\n");
    assert_eq!(
        house.create("b", json!({"n": "&{six}"})).await.unwrap_err().code,
        Code::BAD_REQUEST
    );
}

/// A file that says the same in another layout is no change, nor is a write of the same content.
#[tokio::test]
async fn the_same_content_is_applied_once() {
    let house = House::new().await;
    let made = house.create("a", json!({"n": 1})).await.unwrap();
    assert_eq!(house.update("a", made.clone()).await.unwrap(), made);
    let file = house.folder.path().join("deep/conf/probe-a.json");
    std::fs::write(&file, r#"{"n":1}"#).unwrap();
    house.configuration.look().await;
    assert_eq!(house.read("a").await.unwrap(), made);
    assert_eq!(house.applied().len(), 1);
}

/// What a host that was killed had begun to write is swept away, and was never taken for an object.
#[tokio::test]
async fn what_was_begun_and_not_finished_is_no_object() {
    let house = House::new().await;
    house.create("a", json!({"n": 1})).await.unwrap();
    let folder = house.folder.path().join("deep/conf");
    std::fs::write(folder.join(".taskwarden-x.json"), "{\"n\": 1}").unwrap();
    house.configuration.look().await;
    assert_eq!(house.configuration.refusals(), []);
    house.create("b", json!({"n": 1})).await.unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["probe-a.json", "probe-b.json"]);
}

#[tokio::test]
async fn files_that_are_too_large_are_refused() {
    let house = House::new().await;
    house.create("a", json!({"n": 1})).await.unwrap();
    let large = json!({"n": 1, "x": "y".repeat(crate::MAX_OBJECT)});
    assert_eq!(
        house.update("a", large.clone()).await.unwrap_err().code,
        Code::TOO_LARGE
    );
    let file = house.folder.path().join("deep/conf/probe-a.json");
    std::fs::write(&file, large.to_string()).unwrap();
    house.configuration.look().await;
    let refusals = house.configuration.refusals();
    assert!(refusals[0].message.contains("larger than"), "{refusals:?}");
    assert_eq!(house.read("a").await.unwrap()["n"], 1);
    // What was refused can be replaced over REST.
    house.update("a", json!({"n": 2})).await.unwrap();
    assert_eq!(house.configuration.refusals(), []);
}
