//! Every situation with every action: what is there before, and what is there behind it. The files say what behaviour
//! 5.3 and 5.5 say.

use serde_json::{Value, json};

use super::{SOURCE, TARGET, clear, configure, entries, fill, link, links, mapping, objects, recon};
use crate::harness::{Client, Server};

const ACTIONS: usize = 10;

fn set_up(client: &Client, case: &Value) {
    clear(client);
    fill(client, SOURCE, &case["source"]);
    fill(client, TARGET, &case["target"]);
    for pair in case["links"].as_array().unwrap() {
        link(client, pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    }
}

/// The same for a source object that was deleted, of which nobody knows what it was: no run meets one.
fn check_deleted(file: &str) {
    let case: Value = serde_json::from_str(file).unwrap();
    let situation = case["situation"].as_str().unwrap();
    let actions = case["actions"].as_object().unwrap();
    assert_eq!(actions.len(), ACTIONS, "{situation}");
    let server = Server::start();
    let client = &server.client;
    for (action, expected) in actions {
        let policies = json!([{"situation": situation, "action": action}]);
        configure(client, &[mapping(&json!({"enableSync": false, "policies": policies}))]);
        set_up(client, &case);
        configure(client, &[mapping(&json!({"enableSync": true, "policies": policies}))]);
        let path = "sync?_action=notifyDelete&resourceContainer=managed/user&resourceId=s";
        let results = client.post(path, Some(&json!({}))).expect(200);
        let what = format!("{situation} {action}: {results:#}");
        let result = &results[0];
        assert_eq!(
            (results.as_array().unwrap().len(), &result["mapping"]),
            (1, &json!("users_roles")),
            "{what}"
        );
        let words = expected["message"].as_str().unwrap_or_default();
        if words.is_empty() {
            assert_eq!(result["result"], "SUCCESSFUL", "{what}");
            let details = &result["details"][0];
            assert_eq!(
                (&details["situation"], &details["action"]),
                (&json!(situation), &json!(action)),
                "{what}"
            );
        } else {
            assert_eq!(result["result"], "FAILED", "{what}");
            assert!(result["cause"]["message"].as_str().unwrap().contains(words), "{what}");
        }
        let after = json!({"source": case["source"], "target": expected["target"], "links": expected["links"]});
        assert_eq!(state(client), after, "{what}");
    }
}

#[test]
fn link_only() {
    check_deleted(include_str!("cases/link_only.json"));
}

#[test]
fn all_gone() {
    check_deleted(include_str!("cases/all_gone.json"));
}

fn state(client: &Client) -> Value {
    json!({"source": objects(client, SOURCE), "target": objects(client, TARGET), "links": links(client)})
}

fn check(file: &str) {
    let case: Value = serde_json::from_str(file).unwrap();
    let situation = case["situation"].as_str().unwrap();
    let actions = case["actions"].as_object().unwrap();
    assert_eq!(actions.len(), ACTIONS, "{situation}");
    let server = Server::start();
    let client = &server.client;
    for (action, expected) in actions {
        let mut more = case["mapping"].clone();
        more["policies"] = json!([{"situation": situation, "action": action}]);
        configure(client, &[mapping(&more)]);
        set_up(client, &case);
        let before = state(client);

        let analysed = recon(client, "&analyze=true");
        assert_eq!(
            state(client),
            before,
            "{situation} {action}: an analysis changed something"
        );
        let run = recon(client, "&persistAssociations=true");
        let what = format!("{situation} {action}: {run:#}");
        assert_eq!(run["state"], "SUCCESS", "{what}");
        for run in [&analysed, &run] {
            let counted: Vec<(&String, &Value)> = run["situationSummary"]
                .as_object()
                .unwrap()
                .iter()
                .filter(|(_, count)| **count != 0)
                .collect();
            assert_eq!(counted, [(&situation.to_owned(), &json!(1))], "{what}");
        }
        let after = json!({"source": case["source"], "target": expected["target"], "links": expected["links"]});
        assert_eq!(state(client), after, "{what}");

        let (planned, done) = (entries(client, &analysed), entries(client, &run));
        if expected["status"].is_null() {
            assert!(done.is_empty(), "{what}");
            continue;
        }
        assert_eq!((planned.len(), done.len()), (1, 1), "{what}");
        for entry in [&planned[0], &done[0]] {
            assert_eq!(entry["situation"], situation, "{what}");
            assert_eq!(entry["action"], *action, "{what}");
            assert_eq!(entry["status"], expected["status"], "{what} {entry}");
            let message = entry["message"].as_str().unwrap_or_default();
            let words = expected["message"].as_str().unwrap_or_default();
            assert!(message.contains(words), "{what}: {message}");
            assert_eq!(message.is_empty(), words.is_empty(), "{what}: {message}");
        }
        let failures = u64::from(expected["status"] == "FAILURE");
        assert_eq!(
            run["statusSummary"],
            json!({"SUCCESS": 1 - failures, "FAILURE": failures}),
            "{what}"
        );
    }
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {$(
        #[test]
        fn $name() {
            check(include_str!(concat!("cases/", stringify!($name), ".json")));
        }
    )*};
}

cases!(
    confirmed,
    found,
    found_already_linked,
    absent,
    ambiguous,
    missing,
    unqualified,
    source_ignored,
    target_ignored,
    unassigned,
    source_missing,
);
