//! Plan, review, apply: an analysis, applied, does what a run would have done; what has changed since is left alone.

use serde_json::{Value, json};

use super::{clear, entries, fill, link, links, objects, recon, script, server};
use crate::harness::Client;

fn policies() -> Value {
    json!({
        "validSource": script("source.name !== 'unfit'"),
        "correlationQuery": script("({_queryFilter: 'mail eq \"' + source.mail + '\"'})"),
        "properties": [
            {"source": "_id", "target": "_id"},
            {"source": "name", "target": "name"},
            {"source": "mail", "target": "mail", "default": "none"},
            {"target": "upper", "source": "name", "transform": script("source.toUpperCase()")},
        ],
        "policies": [
            {"situation": "SOURCE_MISSING", "action": "DELETE"},
            {"situation": "UNASSIGNED", "action": "REPORT"},
            {"situation": "MISSING", "action": "CREATE"},
        ],
    })
}

/// Objects of all kinds, made of a number: the same number makes the same objects.
fn populate(client: &Client, mut dice: u64) {
    clear(client);
    let mut roll = |sides: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for number in 0..12 {
        let id = format!("o{number:02}");
        let mail = format!("{id}@example.com");
        let name = if roll(5) == 0 { "unfit" } else { "fit" };
        let (has_source, has_target, is_linked) = (roll(4) > 0, roll(3) > 0, roll(2) > 0);
        if has_source {
            client
                .put(&format!("managed/user/{id}"), &json!({"name": name, "mail": mail}))
                .expect(201);
        }
        if has_target {
            let role = json!({"name": "old", "mail": mail, "kept": number});
            client.put(&format!("managed/role/t{id}"), &role).expect(201);
        }
        if is_linked {
            link(client, &id, &format!("t{id}"));
        }
    }
}

fn state(client: &Client) -> Value {
    json!([
        objects(client, "managed/user"),
        objects(client, "managed/role"),
        links(client)
    ])
}

fn apply(client: &Client, analysed: &Value) -> Value {
    let path = format!(
        "recon/{}?_action=apply&waitForCompletion=true",
        analysed["_id"].as_str().unwrap()
    );
    let answer = client.post(&path, None).expect(200);
    client
        .get(&format!("recon/{}", answer["_id"].as_str().unwrap()))
        .expect(200)
}

#[test]
fn an_analysis_that_is_applied_does_what_a_run_does() {
    let server = server(&policies());
    let client = &server.client;
    for dice in 1..=8 {
        populate(client, dice);
        let begin = state(client);
        let run = recon(client, "");
        assert_eq!(run["statusSummary"]["FAILURE"], 0, "{run:#}");
        let by_run = state(client);

        populate(client, dice);
        assert_eq!(state(client), begin);
        let analysed = recon(client, "&analyze=true");
        assert_eq!(state(client), begin, "an analysis changes nothing");
        assert_eq!(analysed["situationSummary"], run["situationSummary"], "{dice}");
        let applied = apply(client, &analysed);
        assert_eq!(
            applied["statusSummary"]["FAILURE"],
            0,
            "{applied:#} {:#?}",
            entries(client, &applied)
        );
        assert_eq!(state(client), by_run, "{dice}");

        // What is done is done: a second run changes nothing.
        let second = recon(client, "");
        assert_eq!(state(client), by_run, "{dice}");
        let target = &second["progress"]["target"];
        assert_eq!(
            (&target["created"], &target["updated"], &target["deleted"]),
            (&json!(0), &json!(0), &json!(0))
        );
        assert_eq!(second["progress"]["links"]["created"], 0);
    }
}

#[test]
fn a_plan_says_what_would_change_in_each_object() {
    let server = server(&policies());
    let client = &server.client;
    fill(
        client,
        "managed/user",
        &json!({"a": {"name": "fit", "mail": "a"}, "b": {"name": "fit", "mail": "b"}}),
    );
    fill(
        client,
        "managed/role",
        &json!({"tb": {"name": "old", "mail": "b", "kept": 1}}),
    );
    let analysed = recon(client, "&analyze=true");
    let mut plan = entries(client, &analysed);
    plan.sort_by_key(|entry| entry["sourceObjectId"].to_string());
    assert_eq!(
        (&plan[0]["situation"], &plan[0]["targetChange"]),
        (&json!("ABSENT"), &json!("CREATE"))
    );
    assert_eq!(
        (&plan[1]["situation"], &plan[1]["targetChange"]),
        (&json!("FOUND"), &json!("UPDATE"))
    );
    assert_eq!(
        plan[1]["change"],
        json!([
            {"operation": "replace", "field": "/name", "value": "fit"},
            {"operation": "add", "field": "/upper", "value": "FIT"},
        ])
    );
    assert_eq!(
        (&plan[1]["linkChange"], &plan[1]["targetObjectId"]),
        (&json!(true), &json!("tb"))
    );
    assert!(plan[1]["sourceRev"].is_string() && plan[1]["targetRev"].is_string());
}

#[test]
fn what_has_changed_since_the_analysis_is_left_alone_and_listed() {
    let server = server(&policies());
    let client = &server.client;
    let users = json!({"a": {"name": "fit", "mail": "a"}, "b": {"name": "fit", "mail": "b"}, "c": {"name": "fit", "mail": "c"}});
    fill(client, "managed/user", &users);
    fill(
        client,
        "managed/role",
        &json!({"tb": {"name": "old", "mail": "b"}, "tc": {"name": "old", "mail": "c"}}),
    );
    let analysed = recon(client, "&analyze=true");
    let other = json!([{"operation": "replace", "field": "/name", "value": "other"}]);
    client.patch("managed/user/a", &other).expect(200);
    client.patch("managed/role/tb", &other).expect(200);
    let applied = apply(client, &analysed);
    assert_eq!(applied["statusSummary"], json!({"SUCCESS": 1, "FAILURE": 2}));
    let roles = objects(client, "managed/role");
    assert_eq!(
        (&roles["tb"]["name"], &roles["tc"]["name"]),
        (&json!("other"), &json!("fit"))
    );
    assert!(roles.get("a").is_none());
    assert_eq!(links(client), json!([["c", "tc"]]));
    let mut rest: Vec<String> = entries(client, &applied)
        .iter()
        .filter(|entry| entry["status"] == "FAILURE")
        .map(|entry| entry["message"].as_str().unwrap().to_owned())
        .collect();
    rest.sort();
    assert_eq!(
        rest,
        [
            "the source object was changed after the analysis: nothing was done",
            "the target object was changed after the analysis: nothing was done",
        ]
    );
    // A second time there is nothing left of the plan.
    assert_eq!(
        apply(client, &analysed)["statusSummary"],
        json!({"SUCCESS": 0, "FAILURE": 3})
    );
    let run = recon(client, "");
    let path = format!("recon/{}?_action=apply", run["_id"].as_str().unwrap());
    client.post(&path, None).expect(409);
}
