//! Requests and configurations that are refused: what is wrong, where, and that nothing happened.

use serde_json::{Value, json};

use super::{configure, fill, mapping, server};

#[test]
fn a_request_that_is_not_understood_starts_nothing() {
    let server = server(&json!({}));
    let client = &server.client;
    fill(client, "managed/user", &json!({"a": {"name": "A"}}));
    let check = |path: &str, body: Option<Value>, status: u16, words: &str| {
        let answer = client.post(path, body.as_ref()).expect(status);
        // The port escapes what HTML could misread.
        let message = answer["message"].as_str().unwrap().replace("&#39;", "'");
        assert!(message.contains(words), "{path}: {message}");
    };
    check("recon?_action=recon", None, 400, "'mapping' is missing");
    check(
        "recon?_action=recon&mapping=other",
        None,
        409,
        "there is no mapping 'other'",
    );
    check(
        "recon?_action=wreck&mapping=users_roles",
        None,
        400,
        "Action wreck on reconciliation not supported",
    );
    check(
        "recon?_action=recon&mapping=users_roles&analyse=true",
        None,
        400,
        "unknown parameter 'analyse'",
    );
    check(
        "recon?_action=recon&mapping=users_roles&analyze=maybe",
        None,
        400,
        "true or false, not 'maybe'",
    );
    check("recon?_action=recon&mapping=users_roles&ids=a", None, 400, "reconById");
    check(
        "recon?_action=recon&mapping=users_roles",
        Some(json!({"sourceQuerry": {}})),
        400,
        "did you mean 'sourceQuery'?",
    );
    check(
        "recon?_action=recon&mapping=users_roles",
        Some(json!({"sourceQuery": {"_queryFilter": "a eq"}})),
        400,
        "/sourceQuery/_queryFilter",
    );
    check("recon/none?_action=apply", None, 404, "not found");
    assert_eq!(client.get("recon").expect(200)["reconciliations"], json!([]));
    client.put("recon/none", &json!({})).expect(501);
    assert!(client.query("managed/role", "true").is_empty());
}

#[test]
fn a_bad_mapping_is_refused_with_its_place() {
    let server = server(&json!({}));
    let client = &server.client;
    let before = client.get("config/sync").expect(200);
    let check = |more: Value, pointer: &str| {
        let answer = client
            .put("config/sync", &json!({"mappings": [mapping(&more)]}))
            .expect(400);
        assert_eq!(answer["detail"]["pointer"], pointer, "{answer}");
    };
    check(json!({"sauce": 1}), "/mappings/0/sauce");
    check(
        json!({"onCreate": {"type": "text/javascript", "source": "var a = ;"}}),
        "/mappings/0/onCreate/source",
    );
    check(
        json!({"properties": [{"target": "a", "condition": "b eq"}]}),
        "/mappings/0/properties/0/condition",
    );
    check(
        json!({"policies": [{"situation": "LOST"}]}),
        "/mappings/0/policies/0/situation",
    );
    assert_eq!(client.get("config/sync").expect(200), before);
}

#[test]
fn links_are_made_once_and_lead_both_ways() {
    let server = server(&json!({}));
    let client = &server.client;
    let link = |first: &str, second: &str| {
        let link = json!({"linkType": "users_roles", "firstId": first, "secondId": second});
        client.post("repo/link?_action=create", Some(&link)).status
    };
    assert_eq!(link("a", "x"), 201);
    assert_eq!((link("a", "y"), link("b", "x"), link("b", "y")), (409, 409, 201));
    let found = client.query("repo/link", "firstId eq \"a\"");
    let path = format!("repo/link/{}", found[0]["_id"].as_str().unwrap());
    assert_eq!(client.get(&path).expect(200), found[0]);
    client.delete(&path).expect(200);
    assert_eq!(link("a", "x"), 201);
    let bad = json!({"linkType": "users_roles", "firstId": "c"});
    let answer = client.post("repo/link?_action=create", Some(&bad)).expect(400);
    assert_eq!(answer["detail"]["pointer"], "/secondId");
}

#[test]
fn the_configuration_survives_and_the_mappings_are_listed() {
    let server = server(&json!({}));
    let client = &server.client;
    configure(
        client,
        &[
            mapping(&json!({"displayName": "One"})),
            mapping(&json!({"name": "two"})),
        ],
    );
    let stored = std::fs::read_to_string(server.conf().join("sync.json")).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored["mappings"].as_array().unwrap().len(), 2);
}
