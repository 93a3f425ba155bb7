//! `system/…`: connected systems over REST, with files, a real directory, and servers that do not answer.

mod configuration;
mod csv;
mod example;
mod hanging;
mod ldap;
mod live_sync;
mod postgres;
mod program;
mod scim;
mod slapd;
mod table;

use serde_json::{Value, json};

use crate::harness::Server;

/// A system of a CSV file `people.csv`.
fn csv_system() -> Value {
    json!({
        "name": "hr",
        "connectorRef": {
            "connectorName": "org.forgerock.openicf.csvfile.CSVFileConnector",
            "bundleName": "org.forgerock.openicf.connectors.csvfile-connector",
            "bundleVersion": "[1.5.0.0,1.6.0.0)"
        },
        "configurationProperties": {"csvFile": "people.csv", "headerUid": "uid", "headerPassword": "pw"},
        "objectTypes": {"account": {
            "$schema": "http://json-schema.org/draft-03/schema", "id": "__ACCOUNT__", "type": "object",
            "nativeType": "__ACCOUNT__",
            "properties": {
                "uid": {"type": "string", "nativeName": "uid", "nativeType": "string", "required": true},
                "name": {"type": "string", "nativeName": "name", "nativeType": "string"},
                "age": {"type": "integer", "nativeName": "age", "nativeType": "integer"},
                "password": {"type": "string", "nativeName": "__PASSWORD__",
                    "flags": ["NOT_READABLE", "NOT_RETURNED_BY_DEFAULT"]}
            }
        }}
    })
}

/// A server with that system, and this file.
fn with_people(content: &str) -> Server {
    Server::with_files(&[
        ("people.csv", content.as_bytes()),
        ("provisioner.openicf-hr.json", csv_system().to_string().as_bytes()),
    ])
}

/// The file as it is now.
fn people(server: &Server) -> String {
    std::fs::read_to_string(server.conf().join("people.csv")).unwrap()
}

/// The ids that a query finds, in its order.
fn ids(found: &[Value]) -> Vec<&str> {
    found.iter().map(|object| object["_id"].as_str().unwrap()).collect()
}
