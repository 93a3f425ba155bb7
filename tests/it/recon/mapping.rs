//! What the scripts of a mapping do in a run.

use serde_json::{Map, Value, json};

use super::{configure, entries, fill, links, mapping, objects, recon, script, server};

/// Writes down that a script ran, and what it saw.
fn note(what: &str) -> Value {
    script(&format!(
        "openidm.create('managed/realm-name_user', null, {{what: '{what}', source: source && source.name, target: target && target.name, \
         situation: typeof situation === 'undefined' ? null : situation, sourceId: typeof sourceId === 'undefined' ? null : sourceId}});"
    ))
}

fn notes(server: &crate::harness::Server) -> Vec<String> {
    let client = &server.client;
    let mut notes: Vec<String> = Vec::new();
    for note in client.query("managed/realm-name_user", "true") {
        notes.push(format!(
            "{} {} {} {}",
            note["what"], note["source"], note["target"], note["situation"]
        ));
        client
            .delete(&format!("managed/realm-name_user/{}", note["_id"].as_str().unwrap()))
            .expect(200);
    }
    notes.sort();
    notes.iter().map(|note| note.replace('"', "")).collect()
}

#[test]
fn hooks_run_at_their_moments() {
    let hooks = json!({
        "onCreate": note("onCreate"), "onUpdate": note("onUpdate"), "onDelete": note("onDelete"),
        "onLink": note("onLink"), "onUnlink": note("onUnlink"), "postMapping": note("postMapping"),
        "policies": [
            {"situation": "SOURCE_MISSING", "action": "DELETE", "postAction": note("postAction")},
            {"situation": "CONFIRMED", "action": script("sourceAction ? 'UPDATE' : 'IGNORE'"), "postAction": note("postAction")},
        ],
    });
    let server = server(&hooks);
    let client = &server.client;
    fill(
        client,
        "managed/user",
        &json!({"a": {"name": "Ann"}, "b": {"name": "Bob"}}),
    );
    recon(client, "");
    let of = |what: &str, name: &str, target: &str, situation: &str| format!("{what} {name} {target} {situation}");
    assert_eq!(
        notes(&server),
        [
            of("onCreate", "Ann", "Ann", "ABSENT"),
            of("onCreate", "Bob", "Bob", "ABSENT"),
            of("onLink", "Ann", "Ann", "ABSENT"),
            of("onLink", "Bob", "Bob", "ABSENT"),
            of("postMapping", "Ann", "Ann", "ABSENT"),
            of("postMapping", "Bob", "Bob", "ABSENT"),
        ]
    );
    client.delete("managed/user/b").expect(200);
    let analysed = recon(client, "&analyze=true");
    assert_eq!(analysed["statusSummary"]["FAILURE"], 0);
    assert!(notes(&server).is_empty(), "an analysis drops what scripts write");
    let run = recon(client, "");
    assert_eq!(
        run["statusSummary"],
        json!({"SUCCESS": 2, "FAILURE": 0}),
        "{:#?}",
        entries(client, &run)
    );
    assert_eq!(
        notes(&server),
        [
            of("onDelete", "null", "Bob", "SOURCE_MISSING"),
            of("onUnlink", "null", "Bob", "SOURCE_MISSING"),
            of("onUpdate", "Ann", "Ann", "CONFIRMED"),
            of("postAction", "Ann", "Ann", "CONFIRMED"),
            of("postAction", "null", "Bob", "SOURCE_MISSING"),
            of("postMapping", "Ann", "Ann", "CONFIRMED"),
        ]
    );
    assert_eq!(
        (objects(client, "managed/role"), links(client)),
        (json!({"a": {"name": "Ann"}}), json!([["a", "a"]]))
    );
}

#[test]
fn what_a_hook_makes_of_the_target_is_written() {
    let server = server(&json!({
        "properties": [
            {"source": "name", "target": "/a/b"},
            {"source": "name", "target": "initial", "transform": script("source.charAt(0)")},
            {"source": "flag", "target": "flag", "condition": "/object/flag eq true"},
            {"source": "none", "target": "filled", "default": 7},
            {"source": "name", "target": "late", "condition": script("target.initial === 'A'")},
        ],
        "defaultMapping": script("target.size = Object.keys(target).length;"),
        "onCreate": script("target._id = 'id-' + sourceId; target.by = linkQualifier;"),
    }));
    let client = &server.client;
    fill(
        client,
        "managed/user",
        &json!({"a": {"name": "Ann", "flag": true}, "b": {"name": "Bob", "flag": false}}),
    );
    let run = recon(client, "");
    assert_eq!(run["state"], "SUCCESS", "{run:#}");
    assert_eq!(
        objects(client, "managed/role"),
        json!({
            "id-a": {"a": {"b": "Ann"}, "initial": "A", "flag": true, "filled": 7, "late": "Ann", "size": 5, "by": "default"},
            "id-b": {"a": {"b": "Bob"}, "initial": "B", "filled": 7, "size": 3, "by": "default"},
        })
    );
}

#[test]
fn an_object_whose_script_fails_fails_alone_and_leaves_nothing_behind() {
    let server = server(&json!({
        "properties": [
            {"source": "name", "target": "name", "transform": script("if (source === 'trap') { for (;;) {} } if (source === 'throw') throw {code: 400, message: 'no'}; source")},
        ],
        "onCreate": script("openidm.create('managed/realm-name_user', null, {}); if (source.name === 'late') throw 'late';"),
    }));
    let client = &server.client;
    let users: Map<String, Value> = ["fine", "trap", "throw", "late", "good"]
        .into_iter()
        .map(|name| (name.to_owned(), json!({"name": name})))
        .collect();
    fill(client, "managed/user", &users.into());
    let run = recon(client, "");
    assert_eq!(
        (&run["state"], &run["statusSummary"]),
        (&json!("SUCCESS"), &json!({"SUCCESS": 2, "FAILURE": 3}))
    );
    assert_eq!(client.query("managed/role", "true").len(), 2);
    assert_eq!(
        client.query("managed/realm-name_user", "true").len(),
        2,
        "what a failed object wrote is gone"
    );
    assert_eq!(client.query("repo/link", "true").len(), 2);
    // Failures are kept although nobody asked for associations.
    let failed = entries(client, &run);
    assert_eq!(failed.len(), 3, "{failed:#?}");
    let of = |id: &str| failed.iter().find(|entry| entry["sourceObjectId"] == id).unwrap()["message"].to_string();
    assert!(
        of("throw").contains("Transformation script error : no"),
        "{}",
        of("throw")
    );
    assert!(of("trap").contains("fuel"), "{}", of("trap"));
}

#[test]
fn two_objects_that_belong_to_one_target_do_not_both_get_it() {
    let server = server(&json!({"correlationQuery": script("({_queryFilter: 'true'})")}));
    let client = &server.client;
    fill(client, "managed/user", &json!({"a": {"name": "A"}, "b": {"name": "B"}}));
    fill(client, "managed/role", &json!({"t": {"name": "old"}}));
    let run = recon(client, "");
    let situations = &run["situationSummary"];
    assert_eq!(
        (&situations["FOUND"], &situations["FOUND_ALREADY_LINKED"]),
        (&json!(1), &json!(1)),
        "{run:#}"
    );
    assert_eq!(client.query("repo/link", "true").len(), 1);
}

#[test]
fn one_object_is_linked_under_several_qualifiers() {
    let server = server(&json!({
        "linkQualifiers": ["user", "admin"],
        "properties": [{"source": "name", "target": "name"}],
        "onCreate": script("target._id = sourceId + '-' + linkQualifier;"),
        "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}],
    }));
    let client = &server.client;
    fill(client, "managed/user", &json!({"a": {"name": "A"}, "b": {"name": "B"}}));
    recon(client, "");
    assert_eq!(
        links(client),
        json!([["a", "a-admin"], ["a", "a-user"], ["b", "b-admin"], ["b", "b-user"]])
    );
    client.delete("managed/user/a").expect(200);
    let run = recon(client, "");
    assert_eq!(
        (
            &run["situationSummary"]["CONFIRMED"],
            &run["situationSummary"]["SOURCE_MISSING"]
        ),
        (&json!(2), &json!(2))
    );
    assert_eq!(links(client), json!([["b", "b-admin"], ["b", "b-user"]]));
}

#[test]
fn the_mapping_back_uses_the_same_links() {
    let server = server(&json!({}));
    let client = &server.client;
    let back = json!({
        "name": "roles_users", "source": "managed/role", "target": "managed/user", "links": "users_roles",
        "properties": [{"source": "name", "target": "name"}],
    });
    configure(client, &[mapping(&json!({})), back]);
    fill(client, "managed/user", &json!({"a": {"name": "A"}}));
    recon(client, "");
    let renamed = json!([{"operation": "replace", "field": "/name", "value": "B"}]);
    client.patch("managed/role/a", &renamed).expect(200);
    let answer = client
        .post("recon?_action=recon&mapping=roles_users&waitForCompletion=true", None)
        .expect(200);
    let run = client
        .get(&format!("recon/{}", answer["_id"].as_str().unwrap()))
        .expect(200);
    assert_eq!(run["situationSummary"]["CONFIRMED"], 1, "{run:#}");
    assert_eq!(objects(client, "managed/user"), json!({"a": {"name": "B"}}));
}

#[test]
fn queries_narrow_a_run() {
    let server = server(&json!({
        "sourceQuery": {"_queryFilter": "name eq \"in\""},
        "targetQuery": {"_queryFilter": "kind eq \"mine\""},
        "policies": [{"situation": "UNASSIGNED", "action": "DELETE"}],
    }));
    let client = &server.client;
    fill(
        client,
        "managed/user",
        &json!({"a": {"name": "in"}, "b": {"name": "out"}}),
    );
    fill(
        client,
        "managed/role",
        &json!({"x": {"kind": "mine"}, "y": {"kind": "other"}}),
    );
    let run = recon(client, "");
    assert_eq!(run["parameters"]["sourceQuery"]["queryFilter"], "/name eq \"in\"");
    assert_eq!(
        objects(client, "managed/role"),
        json!({"a": {"name": "in"}, "y": {"kind": "other"}})
    );
    assert_eq!(
        run["progress"]["source"]["existing"],
        json!({"processed": 1, "total": "1"})
    );
}
