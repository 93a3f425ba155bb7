//! Policies: the answer to what breaks them, and the service that tells before.

use serde_json::{Value, json};

use super::{failed, server, user};
use crate::harness::Server;

fn strict() -> Value {
    user(
        json!({
            "userName": {"type": "string", "policies": [
                {"policyId": "minimum-length", "params": {"minLength": 3}},
                {"policyId": "cannot-contain-characters", "params": {"forbiddenChars": ["/"]}},
            ]},
            "mail": {"type": "string", "policies": [{"policyId": "valid-email-address-format"}]},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "kind": {"enum": ["a", "b"]},
            "address": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "uniqueItems": true},
        }),
        json!({"schema": {"required": ["userName"]}}),
    )
}

#[test]
fn an_object_that_breaks_policies_is_refused_in_the_platforms_words() {
    let server = server(&[strict()]);
    let client = &server.client;
    let problem = client.put("managed/user/joe", &json!({"mail": "x"})).expect(403);
    let expected = json!({
        "code": 403, "reason": "Forbidden", "message": "Policy validation failed",
        "detail": {"result": false, "failedPolicyRequirements": [
            {"policyRequirements": [{"policyRequirement": "REQUIRED"}], "property": "userName"},
            {"policyRequirements": [{"policyRequirement": "VALID_EMAIL_ADDRESS_FORMAT"}], "property": "mail"},
        ]},
    });
    assert_eq!(problem, expected);
    client.get("managed/user/joe").expect(404);
    let check = |body: Value, expected: &[(&str, &[&str])]| {
        let problem = client.post("managed/user?_action=create", Some(&body)).expect(403);
        let failed = failed(&problem);
        let failed: Vec<(&str, Vec<&str>)> = failed
            .iter()
            .map(|(name, all)| (name.as_str(), all.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> = expected.iter().map(|(name, all)| (*name, all.to_vec())).collect();
        assert_eq!(failed, expected, "{body}");
    };
    check(
        json!({"userName": "a/"}),
        &[("userName", &["MIN_LENGTH", "CANNOT_CONTAIN_CHARACTERS"])],
    );
    check(json!({"userName": 1}), &[("userName", &["VALID_TYPE"])]);
    check(json!({"userName": "joe", "age": -1}), &[("age", &["MIN_NUMBER_VALUE"])]);
    check(json!({"userName": "joe", "age": 1.5}), &[("age", &["VALID_TYPE"])]);
    check(json!({"userName": "joe", "code": "ab"}), &[("code", &["MATCH_REGEXP"])]);
    check(
        json!({"userName": "joe", "kind": "c"}),
        &[("kind", &["VALID_ENUM_VALUE"])],
    );
    check(
        json!({"userName": "joe", "address": {}}),
        &[("address/city", &["REQUIRED"])],
    );
    check(
        json!({"userName": "joe", "tags": ["abcd", "x", "x"]}),
        &[("tags", &["CANNOT_CONTAIN_DUPLICATES"]), ("tags/0", &["MAX_LENGTH"])],
    );
    assert!(client.query("managed/user", "true").is_empty());
    let good = json!({"userName": "joe", "mail": "j@example.com", "age": 0, "code": "DE", "kind": "a", "address": {"city": "x"}, "tags": ["a"]});
    let stored = client.put("managed/user/joe", &good).expect(201);
    let problem = client.put("managed/user/joe", &json!({})).expect(403);
    assert_eq!(problem["message"], "Policy validation failed");
    let patch = json!([{"operation": "remove", "field": "/userName"}]);
    let problem = client.patch("managed/user/joe", &patch).expect(403);
    assert_eq!(problem["message"], "Failed policy validation");
    assert_eq!(failed(&problem), [("userName".to_owned(), vec!["REQUIRED".to_owned()])]);
    assert_eq!(client.get("managed/user/joe").expect(200), stored);
}

#[test]
fn the_service_judges_without_writing() {
    let server = server(&[strict()]);
    let client = &server.client;
    let ask = |action: &str, body: Value| {
        let path = format!("policy/managed/user/*?_action={action}");
        client.post(&path, Some(&body)).expect(200)
    };
    assert_eq!(
        ask("validateObject", json!({"userName": "joe"})),
        json!({"result": true, "failedPolicyRequirements": []})
    );
    let verdict = ask("validateObject", json!({"userName": "j"}));
    let expected = json!({"result": false, "failedPolicyRequirements": [{
        "policyRequirements": [{"policyRequirement": "MIN_LENGTH", "params": {"minLength": 3}}],
        "property": "userName",
    }]});
    assert_eq!(verdict, expected);
    assert_eq!(ask("validateProperty", json!({"mail": "a@b.c"}))["result"], true);
    assert_eq!(ask("validateProperty", json!({"mail": "a"}))["result"], false);
    client
        .post(
            "policy/managed/user/*?_action=validateProperty",
            Some(&json!({"nope": 1})),
        )
        .expect(400);
    client
        .post("policy/managed/nobody/*?_action=validateObject", Some(&json!({})))
        .expect(404);
    client
        .post("policy/managed/user/*?_action=dance", Some(&json!({})))
        .expect(501);
    client
        .post("policy/managed/user/*?_action=validateObject", Some(&json!([])))
        .expect(400);
    assert!(client.query("managed/user", "true").is_empty());
    let listed = client.get("policy/managed/user/*").expect(200);
    let first = &listed["properties"][0];
    assert_eq!(
        (&first["name"], &first["policyRequirements"][0]),
        (&json!("userName"), &json!("REQUIRED"))
    );
}

#[test]
fn policies_can_be_switched_off_but_a_type_stays_a_type() {
    let types = json!({"objects": [strict()]}).to_string();
    let off = "[properties]\n\"openidm.policy.enforcement.enabled\" = \"false\"\n";
    let server = Server::with_files(&[("managed.json", types.as_bytes()), ("taskwarden.toml", off.as_bytes())]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"mail": "x"})).expect(201);
    let problem = client.put("managed/user/jim", &json!({"userName": 7})).expect(400);
    assert_eq!(problem["detail"]["pointer"], "/userName");
    client.put("managed/user/jim", &json!({"nope": 7})).expect(400);
    let verdict = client
        .post(
            "policy/managed/user/*?_action=validateObject",
            Some(&json!({"mail": "x"})),
        )
        .expect(200);
    assert_eq!(verdict["result"], false, "the service still says what it thinks");
}
