//! The actions on systems.

use std::sync::Arc;

use futures::future::join_all;
use host_model::members::Members;
use host_resource::{Action, Context, Pointer, Problem, ResourcePath};
use serde_json::{Map, Value, json};

use super::{Container, SystemResource, not_found};
use crate::connector::Connector;
use crate::definition::{self, CONNECTORS, Operation};
use crate::live_sync::Source;
use crate::system::System;

impl SystemResource {
    pub(super) async fn act(&self, context: &Context, path: &ResourcePath, action: Action) -> Result<Value, Problem> {
        let elements: Vec<&str> = path.elements().collect();
        match (elements.as_slice(), action.name.as_str()) {
            ([], "test") => {
                let all = self.0.all();
                Ok(join_all(all.iter().map(|(instance, system)| tested(instance, system)))
                    .await
                    .into())
            }
            ([], "availableConnectors") => Ok(available()),
            ([], "testConfig") => self.test_config(body(&action)?).await,
            ([], "createCoreConfig") => core_config(body(&action)?),
            ([], "createFullConfig") => self.full_config(body(&action)?).await,
            ([], "liveSync" | "activeSync") => {
                let source = action.parameter("source").ok_or_else(|| {
                    Problem::bad_request("the parameter 'source' is required, such as system/ldap/account")
                        .with_detail("parameter", "source")
                })?;
                let source = Source::parse(source)
                    .map_err(|message| Problem::bad_request(message).with_detail("parameter", "source"))?;
                self.live_sync(context, &source, &action).await
            }
            ([name], "test") => {
                let (instance, system) = self.0.require(name)?;
                Ok(tested(&instance, &system).await)
            }
            ([name], "liveSync" | "activeSync") => self.live_sync(context, &Source::new(name, None), &action).await,
            ([name, kind], "liveSync" | "activeSync") => {
                self.live_sync(context, &Source::new(name, Some(kind)), &action).await
            }
            ([name, kind], "authenticate") => self.container_of(name, kind)?.authenticate(&action).await,
            ([] | [_] | [_, _] | [_, _, _], other) => {
                if let [name, ..] = elements.as_slice() {
                    self.0.require(name)?;
                }
                Err(Problem::bad_request(format!(
                    "'{}' has no action '{other}': there are test, availableConnectors, testConfig, createCoreConfig, \
                     createFullConfig and liveSync on 'system', test and liveSync on a system, liveSync and \
                     authenticate on a type",
                    ResourcePath::from_elements(std::iter::once("system").chain(path.elements()))
                )))
            }
            _ => Err(not_found(path)),
        }
    }

    async fn live_sync(&self, context: &Context, source: &Source, action: &Action) -> Result<Value, Problem> {
        let is_detailed = action.parameter("detailedFailure").is_some_and(|value| value == "true");
        Ok(self.0.live_sync(context, source, is_detailed).await?.answer())
    }

    async fn test_config(&self, object: &Value) -> Result<Value, Problem> {
        let system = self.0.build("test", object)?;
        let mut answer = tested("", &system).await;
        if let Value::Object(members) = &mut answer {
            members.shift_remove("config");
        }
        Ok(answer)
    }

    /// A configuration with the objects that the system itself describes.
    async fn full_config(&self, object: &Value) -> Result<Value, Problem> {
        let mut whole = object.clone();
        if whole.get("objectTypes").is_none() {
            let unknown = json!({"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {}}});
            if let Value::Object(members) = &mut whole {
                members.insert("objectTypes".to_owned(), unknown);
            }
        }
        let system = self.0.build("test", &whole)?;
        let call = |connector: Arc<dyn Connector>| async move { connector.schema().await };
        let described = system.read(Operation::Schema, call).await;
        let types = described.map_err(|error| error.problem(system.name()))?;
        let mut answer = object.clone();
        if let Value::Object(members) = &mut answer {
            members.insert("objectTypes".to_owned(), Value::Object(types));
        }
        // What was sent is sent back, and secrets are not.
        host_model::secrets::mask(&mut answer);
        Ok(answer)
    }
}

impl Container {
    async fn authenticate(&self, action: &Action) -> Result<Value, Problem> {
        let given = |name: &str| {
            let in_body = action.content.as_ref().and_then(|content| content[name].as_str());
            action.parameter(name).or(in_body).map(str::to_owned).ok_or_else(|| {
                Problem::bad_request(format!("the parameter '{name}' is required")).with_detail("parameter", name)
            })
        };
        let (name, password) = (given("username")?, given("password")?);
        let call = |connector: Arc<dyn Connector>| {
            let (kind, name, password) = (Arc::clone(&self.kind), name.clone(), password.clone());
            async move { connector.authenticate(&kind, &name, &password).await }
        };
        let known = self.system.read(Operation::Authenticate, call).await;
        Ok(json!({"_id": known.map_err(|error| self.problem(&error))?}))
    }
}

fn body(action: &Action) -> Result<&Value, Problem> {
    let is_object = |content: &&Value| content.is_object();
    action
        .content
        .as_ref()
        .filter(is_object)
        .ok_or_else(|| Problem::bad_request("a configuration object is expected in the body"))
}

async fn tested(instance: &str, system: &System) -> Value {
    let call = |connector: Arc<dyn Connector>| async move { connector.test().await };
    let definition = &system.definition;
    let outcome = system.read(Operation::Test, call).await;
    let mut answer = Map::new();
    answer.insert("name".to_owned(), json!(definition.name));
    answer.insert("enabled".to_owned(), json!(definition.is_enabled));
    answer.insert(
        "config".to_owned(),
        json!(format!("config/provisioner.openicf/{instance}")),
    );
    answer.insert("objectTypes".to_owned(), definition.types.keys().cloned().collect());
    answer.insert("connectorRef".to_owned(), definition.connector_ref.clone());
    if let Some(name) = &definition.display_name {
        answer.insert("displayName".to_owned(), json!(name));
    }
    answer.insert("ok".to_owned(), json!(outcome.is_ok()));
    if let Err(error) = outcome {
        answer.insert("error".to_owned(), json!(error.problem(&definition.name).message));
    }
    Value::Object(answer)
}

fn available() -> Value {
    let connectors = CONNECTORS.iter().map(|known| {
        json!({
            "connectorName": known.class,
            "bundleName": known.bundle,
            "bundleVersion": env!("CARGO_PKG_VERSION"),
            "connectorHostRef": "#LOCAL",
            "displayName": known.display_name,
            "systemType": "provisioner.openicf",
        })
    });
    json!({"connectorRef": connectors.collect::<Value>()})
}

/// The beginning of a configuration for a connector.
fn core_config(object: &Value) -> Result<Value, Problem> {
    let members = Members::of(object, Pointer::root())?;
    let (which, reference) = definition::connector(&members)?;
    let properties = match which {
        definition::ConnectorName::Ldap => json!({
            "host": null, "port": 389, "ssl": false, "startTLS": false, "principal": null, "credentials": null,
            "baseContexts": [], "uidAttribute": "entryUUID", "accountObjectClasses": ["top", "person",
            "organizationalPerson", "inetOrgPerson"], "accountUserNameAttributes": ["uid", "cn"], "blockSize": 100
        }),
        definition::ConnectorName::Csv => json!({
            "csvFile": null, "headerUid": "uid", "headerPassword": null, "quoteCharacter": "\"",
            "fieldDelimiter": ",", "newlineString": "\n"
        }),
        definition::ConnectorName::Scim => json!({
            "SCIMEndpoint": null, "SCIMVersion": 2, "authenticationMethod": "OAUTH", "user": null, "password": null,
            "authToken": null, "tokenEndpoint": null, "clientId": null, "clientSecret": null, "scope": null,
            "grantType": "client_credentials", "trustedCertificates": []
        }),
        definition::ConnectorName::Table => json!({
            "jdbcDriver": "org.postgresql.Driver", "jdbcUrlTemplate": "jdbc:postgresql://%h:%p/%d", "host": null,
            "port": 5432, "database": null, "user": null, "password": null, "table": null, "keyColumn": null,
            "passwordColumn": null, "changeLogColumn": null, "quoting": "NONE", "enableEmptyString": false
        }),
    };
    Ok(json!({
        "connectorRef": reference,
        "poolConfigOption": {"maxObjects": 10, "maxWait": 30_000},
        "operationTimeout": {"CREATE": -1, "UPDATE": -1, "DELETE": -1, "GET": -1, "SEARCH": -1, "SYNC": -1, "TEST": -1,
            "AUTHENTICATE": -1, "SCHEMA": -1},
        "configurationProperties": properties,
    }))
}
