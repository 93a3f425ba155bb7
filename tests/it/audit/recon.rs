//! Reconciliations and synchronizations in the audit.

use serde_json::{Value, json};

use super::{entries, entry};
use crate::harness::{Client, Server, assert_like, pause};

/// Users become roles of the same id.
fn configure(client: &Client, more: &Value) {
    let mut mapping = json!({
        "name": "users_roles", "source": "managed/user", "target": "managed/role", "enableSync": false,
        "properties": [{"source": "_id", "target": "_id"}, {"source": "name", "target": "name"}],
    });
    let members = mapping.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let answer = client.put("config/sync", &json!({"mappings": [mapping]}));
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
}

fn server(settings: &str, more: &Value) -> Server {
    let server = Server::with_files(&[("taskwarden.toml", settings.as_bytes())]);
    configure(&server.client, more);
    server
}

/// Runs to the end and answers the id of the run.
fn recon(client: &Client, parameters: &str) -> String {
    let path = format!("recon?_action=recon&mapping=users_roles&waitForCompletion=true{parameters}");
    client.post(&path, None).expect(200)["_id"].as_str().unwrap().to_owned()
}

fn of_run(client: &Client, run: &str, more: &str) -> Vec<Value> {
    entries(client, "recon", &format!("/reconId eq \"{run}\" {more}"))
}

fn script(source: &str) -> Value {
    json!({"type": "text/javascript", "source": source})
}

#[test]
fn a_run_tells_its_beginning_each_object_and_its_end() {
    let server = server(
        "",
        &json!({"policies": [{"situation": "UNASSIGNED", "action": "NOREPORT"}]}),
    );
    let client = &server.client;
    client.put("managed/user/ann", &json!({"name": "Ann"})).expect(201);
    client.put("managed/user/bob", &json!({"name": "Bob"})).expect(201);
    client.put("managed/role/other", &json!({"name": "Other"})).expect(201);
    let run = recon(client, "");

    let absent = of_run(
        client,
        &run,
        "and situation eq \"ABSENT\" and sourceObjectId eq \"managed/user/ann\"",
    );
    assert_eq!(absent.len(), 1, "{absent:?}");
    let expected = |id: &str| {
        json!({
            "_id": id,
            "timestamp": "<instant>",
            "eventName": "recon",
            "transactionId": run,
            "userId": "openidm-admin",
            "trackingIds": [],
            "action": "CREATE",
            "exception": null,
            "linkQualifier": "default",
            "mapping": "users_roles",
            "message": null,
            "messageDetail": null,
            "situation": "ABSENT",
            "sourceObjectId": "managed/user/ann",
            "status": "SUCCESS",
            "targetObjectId": "managed/role/ann",
            "reconciling": "source",
            "ambiguousTargetObjectIds": null,
            "reconAction": "recon",
            "entryType": "entry",
            "reconId": run,
        })
    };
    assert_like(&absent[0], &expected(absent[0]["_id"].as_str().unwrap()));

    let start = of_run(client, &run, "and entryType eq \"start\"");
    assert_eq!(start.len(), 1);
    assert_eq!(start[0]["message"], "Reconciliation initiated by openidm-admin");
    let summary = of_run(client, &run, "and entryType eq \"summary\"");
    assert_eq!((summary.len(), &summary[0]["status"]), (1, &json!("SUCCESS")));
    let message = summary[0]["message"].as_str().unwrap();
    assert!(
        message.contains("ABSENT: 2 ") && message.contains("UNASSIGNED: 1 "),
        "{message}"
    );
    let shown = client.get(&format!("recon/{run}")).expect(200);
    assert_eq!(
        summary[0]["messageDetail"]["situationSummary"],
        shown["situationSummary"]
    );
    assert_eq!(
        (
            &summary[0]["messageDetail"]["_id"],
            &summary[0]["messageDetail"]["stage"]
        ),
        (&json!(run), &json!("COMPLETED_SUCCESS"))
    );
    // NOREPORT is not told: two objects, the beginning, the end.
    assert_eq!(of_run(client, &run, "").len(), 4);
    assert!(
        shown["durationSummary"]["auditLog"]["count"].as_u64().unwrap() >= 2,
        "{shown:#}"
    );

    // What changes nothing is told as well; a plan is nothing that happened.
    let second = recon(client, "");
    assert_eq!(of_run(client, &second, "and situation eq \"CONFIRMED\"").len(), 2);
    let analysed = recon(client, "&analyze=true");
    assert_eq!(of_run(client, &analysed, "").len(), 2);
    assert!(entries(client, "sync", "true").is_empty());
}

#[test]
fn what_fails_is_told_with_its_reason_and_without_secrets() {
    let fails = "throw {code: 409, message: 'not this one', detail: {password: 'hunter2', of: source.name}}";
    let server = server("", &json!({"onCreate": script(fails)}));
    let client = &server.client;
    client.put("managed/user/ann", &json!({"name": "Ann"})).expect(201);
    let run = recon(client, "");
    let told = entry(client, "recon", "/status eq \"FAILURE\"");
    assert_eq!(
        (&told["reconId"], &told["exception"], &told["action"]),
        (&json!(run), &json!("409 Conflict"), &json!("CREATE"))
    );
    assert!(told["message"].as_str().unwrap().contains("not this one"), "{told:#}");
    assert!(!told.to_string().contains("hunter2"), "{told:#}");

    // A run that cannot go on says so at its end.
    client.delete("managed/user/ann").expect(200);
    let run = recon(client, "");
    let told = of_run(client, &run, "and entryType eq \"summary\"");
    assert_eq!((told.len(), &told[0]["status"]), (1, &json!("FAILURE")));
    assert!(
        told[0]["exception"].as_str().unwrap().contains("allowEmptySourceSet"),
        "{told:?}"
    );
}

#[test]
fn an_operator_says_what_is_kept_of_runs() {
    for (setting, first, second) in [("all", 4, 4), ("changes", 4, 2), ("off", 0, 0)] {
        let server = server(&format!("[audit]\nrecon = \"{setting}\"\n"), &json!({}));
        let client = &server.client;
        client.put("managed/user/ann", &json!({"name": "Ann"})).expect(201);
        client.put("managed/user/bob", &json!({"name": "Bob"})).expect(201);
        for expected in [first, second] {
            let run = recon(client, "");
            assert_eq!(of_run(client, &run, "").len(), expected, "{setting}");
        }
    }
}

#[test]
fn entries_of_runs_are_trimmed_like_all_others() {
    let server = server("[audit]\nmax-entries = 10\n", &json!({}));
    let client = &server.client;
    for number in 0..40 {
        client
            .put(&format!("managed/user/u{number}"), &json!({"name": "x"}))
            .expect(201);
    }
    let run = recon(client, "");
    for _ in 0..1_000 {
        server.advance(chrono::Duration::seconds(31));
        if entries(client, "recon", "true").len() <= 10 {
            break;
        }
        pause();
    }
    let kept = of_run(client, &run, "");
    assert_eq!(
        (kept.len(), &kept[0]["entryType"]),
        (10, &json!("summary")),
        "the newest are kept"
    );
}

#[test]
fn a_change_that_is_carried_over_tells_it_in_its_own_commit() {
    let refuses = script("if (source.name === 'Bob') throw {code: 409, message: 'no Bob'}");
    let policies =
        json!([{"situation": "ALL_GONE", "action": "NOREPORT"}, {"situation": "SOURCE_MISSING", "action": "DELETE"}]);
    let server = server(
        "",
        &json!({"enableSync": true, "onCreate": refuses, "policies": policies}),
    );
    let client = &server.client;
    let header = [("X-Request-Id", "tx")];
    client
        .request("PUT", "managed/user/ann", &header, Some(&json!({"name": "Ann"})))
        .expect(201);
    let told = entry(client, "sync", "/transactionId eq \"tx\"");
    assert_like(
        &told,
        &json!({
            "_id": told["_id"],
            "timestamp": "<instant>",
            "eventName": "sync",
            "transactionId": "tx",
            "userId": "openidm-admin",
            "trackingIds": [],
            "action": "CREATE",
            "exception": null,
            "linkQualifier": "default",
            "mapping": "users_roles",
            "message": null,
            "messageDetail": null,
            "situation": "ABSENT",
            "sourceObjectId": "managed/user/ann",
            "status": "SUCCESS",
            "targetObjectId": "managed/role/ann",
        }),
    );
    // What could not be carried over is told as such, beside the change that stays.
    client.put("managed/user/bob", &json!({"name": "Bob"})).expect(201);
    let told = entry(client, "sync", "/sourceObjectId eq \"managed/user/bob\"");
    assert_eq!(
        (&told["status"], &told["situation"], &told["exception"]),
        (&json!("FAILURE"), &json!("ABSENT"), &json!("409 Conflict"))
    );
    assert!(told["message"].as_str().unwrap().contains("no Bob"), "{told:#}");
    // What is refused leaves no entry, what is not to be reported neither.
    let before = entries(client, "sync", "true").len();
    client
        .request("PUT", "managed/user/ann", &[("If-Match", "\"7\"")], Some(&json!({})))
        .expect(412);
    client.delete("managed/user/bob").expect(200);
    assert_eq!(entries(client, "sync", "true").len(), before);
    client.delete("managed/user/ann").expect(200);
    assert_eq!(
        entry(client, "sync", "/situation eq \"SOURCE_MISSING\"")["action"],
        "DELETE"
    );
    assert!(entries(client, "recon", "true").is_empty());
}
