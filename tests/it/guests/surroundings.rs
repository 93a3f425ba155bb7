//! What a script sees around it: the simulated time, chance that repeats, its input, and nothing of the machine.

use serde_json::{Value, json};

use super::{javascript, make, run, server, user};

/// Puts an expression's value into each object's `seen`.
fn see(expression: &str) -> Value {
    javascript(&format!(
        "openidm.patch(objectID, null, [{{operation: 'add', field: '/seen', value: {expression}}}]); true;"
    ))
}

#[test]
fn the_time_is_the_servers_and_stands_still() {
    let server = server();
    let client = &server.client;
    let expression = "(function () { var a = Date.now(); for (var i = 0; i < 1e5; i++); \
        return [new Date(a).toISOString(), Date.now() - a, new Date().getTimezoneOffset(), java.lang.System.currentTimeMillis() - a]; })()";
    make(client, "one", "x", &json!({}));
    run(client, &see(expression)).assert_all_well();
    assert_eq!(
        user(client, "one")["seen"],
        json!(["2026-06-01T12:00:00.000Z", 0, 0, 0])
    );
    server.advance(chrono::Duration::milliseconds(90_061_007));
    make(client, "two", "x", &json!({}));
    run(client, &see(expression)).assert_all_well();
    assert_eq!(user(client, "two")["seen"][0], "2026-06-02T13:01:01.007Z");
}

#[test]
fn chance_is_each_objects_and_each_runs_own() {
    let server = server();
    let client = &server.client;
    let numbers = |round: usize| {
        let ids: Vec<String> = (0..5).map(|number| format!("{round}-{number}")).collect();
        ids.iter().for_each(|id| drop(make(client, id, "x", &json!({}))));
        run(client, &see("[Math.random(), Math.random(), Math.random()]")).assert_all_well();
        ids.iter()
            .flat_map(|id| user(client, id)["seen"].as_array().unwrap().clone())
            .collect::<Vec<Value>>()
    };
    let mut all: Vec<f64> = [numbers(1), numbers(2)]
        .concat()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect();
    assert!(all.iter().all(|number| (0.0..1.0).contains(number)), "{all:?}");
    all.sort_by(f64::total_cmp);
    let count = all.len();
    all.dedup();
    assert_eq!((all.len(), count), (30, 30));
}

/// Nothing of an attempt that collided is left to compare with. But whoever draws a small number writes to one document
/// that all of them share, so nearly all of those are run again: were the number drawn anew, half of them would now have
/// a large one, and a quarter of the objects would be left with a small one instead of half.
#[test]
fn chance_repeats_when_an_object_is_run_again() {
    const OBJECTS: usize = 300;
    let server = server();
    let client = &server.client;
    client.put("managed/role/total", &json!({"count": 0})).expect(201);
    for number in 0..OBJECTS {
        make(client, &format!("u-{number:03}"), "x", &json!({}));
    }
    let source = r#"
        var drawn = Math.random();
        if (drawn < 0.5) openidm.patch("managed/role/total", null, [{operation: "increment", field: "/count", value: 1}]);
        openidm.patch(objectID, null, [{operation: "add", field: "/drawn", value: drawn}]);
        true;
    "#;
    run(client, &javascript(source)).assert_all_well();
    let small = client.query("managed/user", "drawn lt 0.5").len();
    assert_eq!(client.get("managed/role/total").expect(200)["count"], small);
    // 150 are expected, or 75; chance alone hardly ever makes it 40 more or less.
    assert!((110..=190).contains(&small), "{small} of {OBJECTS}");
}

#[test]
fn the_object_in_hand_comes_as_input_with_its_path() {
    let server = server();
    let client = &server.client;
    let made = make(
        client,
        "a%20b",
        "x",
        &json!({"list": [1, {"two": null}], "größe": "ü", "large": 12_345_678_901_234_567_890_u64}),
    );
    run(client, &see("{id: objectID, input: input, large: typeof input.large}")).assert_all_well();
    let seen = user(client, "a%20b")["seen"].clone();
    assert_eq!(seen["id"], "managed/user/a%20b");
    assert_eq!(seen["large"], "bigint");
    for name in ["_id", "userName", "list", "größe", "large"] {
        assert_eq!(seen["input"][name], made[name], "{name}");
    }
    assert!(
        seen["input"]["task"]["started"].is_string(),
        "the claim is part of the object: {seen}"
    );
}

#[test]
fn globals_are_variables_and_cannot_hide_what_scripts_know() {
    let server = server();
    let client = &server.client;
    make(client, "one", "x", &json!({}));
    let mut script = see("[days, rule.name, typeof days]");
    script["globals"] = json!({"days": 90, "rule": {"name": "sunset"}});
    run(client, &script).assert_all_well();
    assert_eq!(user(client, "one")["seen"], json!([90, "sunset", "number"]));
    make(client, "two", "x", &json!({}));
    script["globals"] = json!({"openidm": {}, "days": 1, "rule": {}});
    let scanned = run(client, &script);
    let (kind, message) = scanned.failure("two");
    assert_eq!(kind, "problem");
    assert!(message.contains("the variable 'openidm' would hide"), "{message}");
}

#[test]
fn nothing_of_the_machine_is_there() {
    let server = server();
    let client = &server.client;
    make(client, "one", "x", &json!({}));
    let names = r#"["require", "process", "fetch", "XMLHttpRequest", "setTimeout", "performance", "std", "os", "Packages", "load", "Worker",
        "WebAssembly"].filter(function (name) { return typeof globalThis[name] !== "undefined"; })"#;
    run(client, &see(names)).assert_all_well();
    assert_eq!(user(client, "one")["seen"], json!([]));
}

/// A sandbox is fresh: nothing that one object's script leaves behind is there for the next.
#[test]
fn no_object_sees_what_the_script_did_for_another() {
    let server = server();
    let client = &server.client;
    for number in 0..30 {
        make(client, &format!("u-{number:02}"), "x", &json!({}));
    }
    let source = r#"
        var seen = [typeof globalThis.left, typeof Array.prototype.left, typeof JSON.left];
        globalThis.left = Array.prototype.left = JSON.left = input.userName;
        JSON.parse = Math.random = Object.keys = null;
        openidm.patch(objectID, null, [{operation: "add", field: "/seen", value: seen}]);
        true;
    "#;
    run(client, &javascript(source)).assert_all_well();
    for number in 0..30 {
        assert_eq!(
            user(client, &format!("u-{number:02}"))["seen"],
            json!(["undefined", "undefined", "undefined"])
        );
    }
}

#[test]
fn properties_of_the_configuration_can_be_read() {
    let settings = b"[node]\nid = \"node7\"\n[properties]\n\"mail.from\" = \"idm@example.com\"\n";
    let server = crate::harness::Server::with_files(&[("taskwarden.toml", settings)]);
    let client = &server.client;
    make(client, "one", "x", &json!({}));
    let expression = "['mail.from', 'openidm.node.id', 'missing'].map(function (name) { return identityServer.getProperty(name, 'none'); })";
    run(client, &see(expression)).assert_all_well();
    assert_eq!(user(client, "one")["seen"], json!(["idm@example.com", "node7", "none"]));
}
