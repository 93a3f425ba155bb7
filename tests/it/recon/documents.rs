//! The calls that the platform's documents show, with the answers' shape, member by member.

use serde_json::{Value, json};

use super::{ended, fill, mapping, recon, server};
use crate::harness::{Server, assert_like};

/// A run as the documents show it, but for what was counted.
fn run(id: &str) -> Value {
    json!({
        "_id": id,
        "mapping": "users_roles",
        "state": "SUCCESS",
        "stage": "COMPLETED_SUCCESS",
        "stageDescription": "reconciliation completed.",
        "progress": {
            "source": {"existing": {"processed": 2, "total": "2"}},
            "target": {"existing": {"processed": 0, "total": "0"}, "created": 2, "unchanged": 0, "updated": 0, "deleted": 0},
            "links": {"existing": {"processed": 0, "total": "0"}, "created": 2},
        },
        "situationSummary": {
            "SOURCE_IGNORED": 0, "FOUND_ALREADY_LINKED": 0, "UNQUALIFIED": 0, "ABSENT": 2, "TARGET_IGNORED": 0,
            "MISSING": 0, "ALL_GONE": 0, "UNASSIGNED": 0, "AMBIGUOUS": 0, "CONFIRMED": 0, "LINK_ONLY": 0,
            "SOURCE_MISSING": 0, "FOUND": 0,
        },
        "statusSummary": {"SUCCESS": 2, "FAILURE": 0},
        "durationSummary": "<any>",
        "parameters": {
            "sourceQuery": {"resourceName": "managed/user", "queryFilter": "true", "_fields": "_id"},
            "targetQuery": {"resourceName": "managed/role", "queryFilter": "true", "_fields": "_id"},
        },
        "started": "<instant>",
        "ended": "<instant>",
        "duration": 0,
        "sourceProcessedByNode": {},
    })
}

fn two(server: &Server) {
    fill(
        &server.client,
        "managed/user",
        &json!({"ann": {"name": "Ann"}, "bob": {"name": "Bob"}}),
    );
}

#[test]
fn a_run_is_started_listed_read_and_forgotten() {
    let server = server(&json!({}));
    two(&server);
    let client = &server.client;
    let started = client.post("recon?_action=recon&mapping=users_roles", None).expect(200);
    assert_like(&started, &json!({"_id": "<run>", "state": "ACTIVE"}));
    let id = started["_id"].as_str().unwrap();
    let shown = ended(client, id);
    assert_like(&shown, &run(id));
    let list = client.get("recon").expect(200);
    assert_eq!(list["reconciliations"], json!([shown]));
    for metric in [
        "sourceQuery",
        "targetQuery",
        "sourcePhase",
        "targetPhase",
        "sourceObjectQuery",
    ] {
        let spread = &shown["durationSummary"][metric];
        let names: Vec<&String> = spread.as_object().unwrap().keys().collect();
        assert_eq!(names, ["min", "max", "mean", "count", "sum", "stdDev"], "{metric}");
    }
    let waited = client.post("recon?_action=recon&mapping=users_roles&waitForCompletion=true", None);
    assert_like(&waited.expect(200), &json!({"_id": "<run>", "state": "SUCCESS"}));
    assert_eq!(client.delete(&format!("recon/{id}")).expect(200), shown);
    let missing = client.get(&format!("recon/{id}")).expect(404);
    assert_eq!(missing["message"], format!("Reconciliation with id {id} not found."));
}

/// What runs once in a run is told as well: the questions at its beginning, and its scripts at both ends.
#[test]
fn the_durations_of_a_run_have_its_beginning_and_its_end() {
    let slow = super::script("for (var i = 0, sum = 0; i < 100000; i++) sum += i; true");
    let server = server(&json!({"onRecon": slow, "result": slow}));
    two(&server);
    let run = recon(&server.client, "");
    let durations = &run["durationSummary"];
    for (metric, count) in [
        ("onReconScript", 1),
        ("resultScript", 1),
        ("sourcePhase", 1),
        ("targetPhase", 1),
        // One that counts, and one for the page.
        ("sourceQuery", 2),
        ("targetQuery", 2),
    ] {
        assert_eq!(durations[metric]["count"], count, "{metric}: {durations:#}");
    }
}

#[test]
fn a_run_that_is_over_cannot_be_cancelled() {
    let server = server(&json!({}));
    two(&server);
    let run = recon(&server.client, "");
    let id = run["_id"].as_str().unwrap();
    let answer = server
        .client
        .post(&format!("recon/{id}?_action=cancel"), None)
        .expect(200);
    assert_like(&answer, &json!({"status": "FAILURE", "action": "cancel", "_id": id}));
    server.client.post("recon/nothing?_action=cancel", None).expect(404);
}

#[test]
fn a_run_that_goes_on_is_cancelled() {
    let slow = super::script("for (var i = 0, sum = 0; i < 300000; i++) sum += i; true");
    let server = server(&json!({"validSource": slow, "taskThreads": 1}));
    let client = &server.client;
    let many: serde_json::Map<String, Value> = (0..400)
        .map(|number| (format!("u{number:03}"), json!({"name": "x"})))
        .collect();
    fill(client, "managed/user", &many.into());
    let started = client.post("recon?_action=recon&mapping=users_roles", None).expect(200);
    let id = started["_id"].as_str().unwrap();
    let listed = client.get("recon").expect(200);
    assert_eq!(listed["reconciliations"][0]["state"], "ACTIVE");
    let answer = client.post(&format!("recon/{id}?_action=cancel"), None).expect(200);
    assert_like(&answer, &json!({"status": "INITIATED", "action": "cancel", "_id": id}));
    let run = ended(client, id);
    assert_eq!(
        (&run["state"], &run["stage"]),
        (&json!("CANCELED"), &json!("COMPLETED_CANCELED"))
    );
    // What was done before counts, and no more was done than is counted.
    let created = client.query("managed/role", "true").len();
    assert_eq!(run["progress"]["target"]["created"], created);
    assert!(created < 400);
}

#[test]
fn associations_are_kept_when_they_are_asked_for() {
    let server =
        server(&json!({"reconAssociation": {"maxAnalysisRunsPerMapping": 1, "maxNonAnalysisRunsPerMapping": 3}}));
    two(&server);
    let client = &server.client;
    recon(client, "");
    assert!(client.query("recon/assoc", "true").is_empty());
    let run = recon(client, "&persistAssociations=true");
    let analysed = recon(client, "&analyze=true");
    let (run, analysed) = (run["_id"].as_str().unwrap(), analysed["_id"].as_str().unwrap());
    let summary = |id: &str, is_analysis: &str| {
        json!({
            "_id": id,
            "_rev": "1",
            "mapping": "users_roles",
            "sourceResourceCollection": "managed/user",
            "targetResourceCollection": "managed/role",
            "isAnalysis": is_analysis,
            "finishTime": "<any>",
        })
    };
    let page = client.get("recon/assoc?_queryFilter=true").expect(200);
    assert_like(
        &page,
        &json!({
            "result": [summary(run, "false"), summary(analysed, "true")],
            "resultCount": 2,
            "pagedResultsCookie": null,
            "totalPagedResultsPolicy": "NONE",
            "totalPagedResults": -1,
            "remainingPagedResults": -1,
        }),
    );
    let one = client.get(&format!("recon/assoc/{run}")).expect(200);
    assert_like(&one, &summary(run, "false"));
    assert_eq!(one["finishTime"], "2026-06-01T12:00:00.000000Z");
    let page = client
        .get(&format!(
            "recon/assoc/{run}/entry?_queryFilter=sourceObjectId+eq+%22ann%22"
        ))
        .expect(200);
    assert_like(
        &page,
        &json!({
            "result": [{
                "_id": "<any>",
                "_rev": "0",
                "mapping": "users_roles",
                "reconId": run,
                "situation": "CONFIRMED",
                "action": "UPDATE",
                "linkQualifier": "default",
                "sourceObjectId": "ann",
                "targetObjectId": "ann",
                "sourceResourceCollection": "managed/user",
                "targetResourceCollection": "managed/role",
                "status": "SUCCESS",
                "exception": null,
                "message": null,
                "messageDetail": "null",
                "ambiguousTargetObjectIds": null,
            }],
            "resultCount": 1,
            "pagedResultsCookie": null,
            "totalPagedResultsPolicy": "NONE",
            "totalPagedResults": -1,
            "remainingPagedResults": -1,
        }),
    );
    let first = client
        .get(&format!("recon/assoc/{run}/entry?_queryFilter=true&_pageSize=1"))
        .expect(200);
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let path = format!("recon/assoc/{run}/entry?_queryFilter=true&_pageSize=1&_pagedResultsCookie={cookie}");
    let second = client.get(&path).expect(200);
    assert_ne!(first["result"], second["result"]);
    assert_eq!(
        (
            second["result"].as_array().unwrap().len(),
            &second["pagedResultsCookie"]
        ),
        (1, &Value::Null)
    );
}

#[test]
fn old_runs_are_forgotten_with_their_associations() {
    let server =
        server(&json!({"reconAssociation": {"maxAnalysisRunsPerMapping": 1, "maxNonAnalysisRunsPerMapping": 2}}));
    two(&server);
    let client = &server.client;
    let mut ids = Vec::new();
    for parameters in [
        "&analyze=true",
        "",
        "&persistAssociations=true",
        "&analyze=true",
        "",
        "",
    ] {
        ids.push(recon(client, parameters)["_id"].clone());
        server.clock.advance(chrono::Duration::seconds(1));
    }
    // The last run is forgotten about when it has answered.
    let kept = || -> Vec<Value> {
        let list = client.get("recon").expect(200);
        list["reconciliations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["_id"].clone())
            .collect()
    };
    for _ in 0..500 {
        if kept().len() == 3 {
            break;
        }
        crate::harness::pause();
    }
    assert_eq!(kept(), [ids[3].clone(), ids[4].clone(), ids[5].clone()]);
    assert!(client.query("recon/assoc", "isAnalysis eq \"false\"").is_empty());
}

#[test]
fn objects_are_reconciled_by_their_ids() {
    let server = server(&json!({}));
    two(&server);
    let client = &server.client;
    let path = "recon?_action=reconById&mapping=users_roles&ids=ann&waitForCompletion=true";
    let answer = client.post(path, None).expect(200);
    assert_eq!(answer["state"], "SUCCESS");
    assert_eq!(super::objects(client, "managed/role"), json!({"ann": {"name": "Ann"}}));
    let none = client
        .post("recon?_action=reconById&mapping=users_roles", None)
        .expect(400);
    // The port escapes what HTML could misread.
    let expected = "Action reconById requires a parameter &#39;ids&#39; with the identifier(s) to reconcile";
    assert_eq!(none["message"], expected);
    let run = client
        .get(&format!("recon/{}", answer["_id"].as_str().unwrap()))
        .expect(200);
    assert_eq!(
        run["parameters"]["sourceQuery"],
        json!({"resourceName": "managed/user", "ids": ["ann"]})
    );
    assert_eq!(mapping(&json!({}))["name"], run["mapping"]);
}
