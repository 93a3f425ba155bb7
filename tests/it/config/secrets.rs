//! Secrets in configuration objects: never shown, never lost.

use serde_json::json;

use super::{file, schedule};
use crate::harness::Server;

const MASK: &str = "********";

#[test]
fn a_secret_is_masked_and_what_was_shown_can_be_written_back() {
    let server = Server::start();
    let client = &server.client;
    let script = json!({"type": "text/javascript", "source": "1;"});
    let input = json!({"user": "joe", "password": "hunter2", "list": [{"clientSecret": "s3cret"}], "token": "&{t}"});
    let object = schedule(json!({"invokeContext": {"script": script, "input": input}}));
    let made = client.put("config/schedule/a", &object).expect(201);
    let shown = client.get("config/schedule/a").expect(200);
    assert_eq!(made, shown);
    let input = &shown["invokeContext"]["input"];
    assert_eq!(
        (&input["password"], &input["list"][0]["clientSecret"]),
        (&json!(MASK), &json!(MASK))
    );
    assert_eq!((&input["user"], &input["token"]), (&json!("joe"), &json!("&{t}")));
    assert_eq!(file(&server, "schedule-a.json"), Some(object));
    for filter in ["true", "/invokeContext/input/password pr"] {
        let found = serde_json::to_string(&client.query("config", filter)).unwrap();
        assert!(!found.contains("hunter2") && !found.contains("s3cret"), "{found}");
    }
    // Nobody finds it out by asking.
    assert!(
        client
            .query("config", "/invokeContext/input/password sw \"h\"")
            .is_empty()
    );

    let mut changed = shown;
    changed["invokeContext"]["input"]["user"] = json!("jane");
    client.put("config/schedule/a", &changed).expect(200);
    let kept = file(&server, "schedule-a.json").unwrap();
    assert_eq!(kept["invokeContext"]["input"]["password"], "hunter2");
    assert_eq!(kept["invokeContext"]["input"]["user"], "jane");

    let copy =
        json!([{"operation": "copy", "from": "/invokeContext/input/password", "field": "/invokeContext/input/x"}]);
    let refused = client.patch("config/schedule/a", &copy).expect(400);
    assert!(
        refused["message"].as_str().unwrap().contains("/invokeContext/input/x"),
        "{refused}"
    );
    let replace = json!([{"operation": "replace", "field": "/invokeContext/input/password", "value": "new"}]);
    let patched = client.patch("config/schedule/a", &replace).expect(200);
    assert_eq!(patched["invokeContext"]["input"]["password"], MASK);
    assert_eq!(
        file(&server, "schedule-a.json").unwrap()["invokeContext"]["input"]["password"],
        "new"
    );
    let made_of_masks = schedule(json!({"invokeContext": {"script": script, "input": {"password": MASK}}}));
    client.put("config/schedule/b", &made_of_masks).expect(400);
}
