//! Inline JavaScript that misbehaves: each way costs its object only.

use serde_json::{Value, json};

use super::{assert_alive, content, javascript, make, run, server, user};

/// A way to misbehave: its name, its source, the kinds of end that it may have, and what the message says.
type Way = (&'static str, &'static str, &'static [&'static str], &'static str);

const WAYS: &[Way] = &[
    ("loop", "for (;;) {}", &["out-of-fuel"], "fuel"),
    (
        "a regex that explodes",
        "/^(a+)+$/.test('a'.repeat(40) + 'b'); true",
        &["out-of-fuel"],
        "fuel",
    ),
    (
        "a string that doubles",
        "var s = 'x'; for (;;) { s += s; s.charCodeAt(s.length - 1); }",
        &["out-of-memory", "problem"],
        "",
    ),
    (
        "an array that grows",
        "var a = []; for (;;) a.push(new Array(1000).fill(7));",
        &["out-of-fuel", "out-of-memory"],
        "",
    ),
    (
        "buffers without end",
        "var a = []; for (;;) a.push(new ArrayBuffer(1 << 20));",
        &["out-of-memory"],
        "more than 67108864 bytes of memory",
    ),
    (
        "a buffer that is too large",
        "new Uint8Array(1 << 30).fill(1); true",
        &["out-of-memory", "problem"],
        "",
    ),
    (
        "recursion",
        "(function f() { return f() + 1; })(); true",
        &["problem"],
        "RangeError",
    ),
    (
        "recursion through a getter",
        "var o = {get x() { return this.x; }}; o.x; true",
        &["problem"],
        "RangeError",
    ),
    (
        "deep JSON",
        "JSON.parse('['.repeat(1e6)); true",
        &["problem", "trap"],
        "",
    ),
    (
        "deep objects",
        "var o = {}; for (var i = 0; i < 1e5; i++) o = {o: o}; JSON.stringify(o); true",
        &["out-of-fuel", "problem"],
        "",
    ),
    (
        "a huge integer",
        "2n ** 100000000n; true",
        &["out-of-fuel", "out-of-memory", "problem"],
        "",
    ),
    ("eval of a loop", "eval('for (;;);')", &["out-of-fuel"], "fuel"),
    (
        "promises without end",
        "function again() { return Promise.resolve().then(again); } again(); true",
        &["out-of-fuel", "out-of-memory"],
        "",
    ),
    (
        "a getter in what is thrown",
        "throw {get code() { for (;;) {} }}",
        &["out-of-fuel"],
        "fuel",
    ),
    (
        "toJSON without end",
        "({toJSON: function () { for (;;) {} }})",
        &["out-of-fuel"],
        "fuel",
    ),
    (
        "a coded problem",
        "throw {code: 409, message: 'not today', detail: {a: 1}}",
        &["problem"],
        "not today",
    ),
    ("an error", "throw new Error('boom')", &["problem"], "Error: boom"),
    ("a string", "throw 'plain words'", &["problem"], "plain words"),
    ("nothing", "throw undefined", &["problem"], ""),
    (
        "a proxy",
        "throw new Proxy({}, {get: function () { throw 1; }})",
        &["problem"],
        "",
    ),
    (
        "an unknown name",
        "nobodyKnowsThis(); true",
        &["problem"],
        "ReferenceError",
    ),
    (
        "a promise that is rejected",
        "Promise.reject({code: 404, message: 'gone away'})",
        &["problem"],
        "gone away",
    ),
    (
        "a promise that waits",
        "new Promise(function () {})",
        &["problem"],
        "nothing is left to settle",
    ),
    ("something else than true", "1", &["not-true"], "returned 1"),
    ("a string that says true", "'true'", &["not-true"], "returned \"true\""),
    ("no value", "var x = 1;", &["not-true"], "returned null"),
    (
        "a long answer",
        "'x'.repeat(2 << 20)",
        &["refused"],
        "an answer of more than 1048576 bytes",
    ),
    (
        "many host calls",
        "for (;;) openidm.read(objectID);",
        &["refused"],
        "more than 10000 host calls",
    ),
    (
        "many lines",
        "for (;;) logger.info('line');",
        &["refused"],
        "more than 10000 host calls",
    ),
    (
        "a long problem",
        "throw {code: 400, message: 'x'.repeat(2 << 20)}",
        &["problem"],
        "xxx",
    ),
    (
        "many objects",
        "for (var i = 0; i < 1001; i++) openidm.create('managed/role', null, {}); true",
        &["problem"],
        "more than 1000 documents",
    ),
    (
        "many bytes",
        "openidm.patch(objectID, null, [{operation: 'add', field: '/b', value: 'x'.repeat(1e6)}], null, ['_id']); \
         for (var i = 0; i < 9; i++) openidm.patch(objectID, null, [{operation: 'add', field: '/i', value: i}], null, ['_id']); true",
        &["problem"],
        "more than 8388608 bytes",
    ),
    (
        "a large object",
        "openidm.patch(objectID, null, [{operation: 'add', field: '/b', value: 'x'.repeat(2e6)}]); true",
        &["problem"],
        "larger than 1048576 bytes",
    ),
    (
        "a call without arguments",
        "openidm.patch(objectID)",
        &["problem"],
        "openidm.patch takes 3 to 5 arguments",
    ),
    (
        "encryption",
        "openidm.encrypt('x', 'y', 'z')",
        &["problem"],
        "there is no cipher 'y' here: write",
    ),
];

/// One script that does to each object what its member `misbehave` says, after a write that must not be kept.
fn ways() -> String {
    let mut source = "openidm.patch(objectID, null, [{operation: 'add', field: '/touched', value: true}]);\n\
        openidm.create('managed/role', 'of-' + input.number, {});\nswitch (input.misbehave) {\n"
        .to_owned();
    for (name, way, _, _) in WAYS {
        source += &format!("case {}: {way}; break;\n", json!(name));
    }
    source + "default: true;\n}"
}

#[test]
fn a_script_that_misbehaves_costs_its_object_only() {
    const WELL_BEHAVED: usize = 20;
    let server = server();
    let client = &server.client;
    let id = |number: usize| format!("way-{number:02}");
    let before: Vec<Value> = WAYS
        .iter()
        .enumerate()
        .map(|(number, way)| make(client, &id(number), way.0, &json!({"number": number})))
        .collect();
    for number in 0..WELL_BEHAVED {
        make(
            client,
            &format!("good-{number}"),
            "not at all",
            &json!({"number": 1000 + number}),
        );
    }

    let scanned = run(client, &javascript(&ways()));

    assert_eq!(
        (scanned.count("successes"), scanned.count("failures")),
        (WELL_BEHAVED as u64, WAYS.len() as u64)
    );
    let mut wrong = Vec::new();
    for (number, ((name, _, kinds, message), before)) in WAYS.iter().zip(before).enumerate() {
        let (kind, said) = scanned.failure(&id(number));
        if !kinds.contains(&kind) || !said.contains(message) {
            wrong.push(format!("{name}: {kind}: {}", &said[..said.floor_char_boundary(200)]));
        }
        assert_eq!(content(user(client, &id(number))), content(before), "{name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for number in 0..WELL_BEHAVED {
        assert_eq!(user(client, &format!("good-{number}"))["touched"], true);
    }
    assert_eq!(client.query("managed/role", "true").len(), WELL_BEHAVED);
    assert_alive(client);
}

#[test]
fn what_a_script_throws_is_recorded_with_code_detail_and_place() {
    let server = server();
    let client = &server.client;
    make(client, "coded", "coded", &json!({}));
    make(client, "error", "error", &json!({}));
    make(client, "odd", "odd", &json!({}));
    let source = "logger.info('working on {}', objectID);\n\
        if (input.misbehave === 'coded') throw {code: 404, message: 'nobody', detail: {who: 'x'}};\n\
        if (input.misbehave === 'odd') throw {code: 99, message: 'no code of this world'};\n\
        \x20 null.member;";
    let scanned = run(client, &javascript(source));
    let coded = &scanned.failures["coded"];
    assert_eq!(
        (&coded["kind"], &coded["message"]),
        (&json!("problem"), &json!("nobody"))
    );
    assert_eq!(
        (&coded["detail"]["code"], &coded["detail"]["detail"]),
        (&json!(404), &json!({"who": "x"})),
        "{coded}"
    );
    let error = &scanned.failures["error"];
    assert_eq!(error["detail"]["code"], 500, "{error}");
    assert_eq!(error["detail"]["detail"]["line"], 4, "{error}");
    assert!(error["message"].as_str().unwrap().starts_with("TypeError: "), "{error}");
    assert_eq!(
        error["log"][0],
        json!({"level": "info", "message": "working on managed/user/error"})
    );
    assert_eq!(
        scanned.failures["odd"]["detail"]["code"], 500,
        "{}",
        scanned.failures["odd"]
    );
}

/// What goes wrong inside the language can be caught inside the language.
#[test]
fn a_script_can_catch_what_goes_wrong_in_it_and_go_on() {
    let server = server();
    let client = &server.client;
    make(client, "u", "x", &json!({}));
    let source = r#"
        var caught = [];
        function attempt(call) { try { call(); caught.push("nothing"); } catch (error) { caught.push(error.name + " " + error.code); } }
        attempt(function f() { return f() + 1; });
        attempt(function () { JSON.parse("["); });
        attempt(function () { openidm.create("managed/role", "r", {}); openidm.create("managed/role", "r", {}); });
        attempt(function () { openidm.update("managed/role/missing", null, {}); });
        attempt(function () { openidm.read("managed//x"); });
        attempt(function () { openidm.query("managed/user", {_queryFilter: "/a eq"}); });
        attempt(function () { openidm.read("nobody/knows/this"); });
        attempt(function () { openidm.patch(objectID, "0", [{operation: "add", field: "/a", value: 1}]); });
        openidm.patch(objectID, null, [{operation: "add", field: "/caught", value: caught}]);
        true;
    "#;
    run(client, &javascript(source)).assert_all_well();
    let expected = json!([
        "RangeError undefined",
        "SyntaxError undefined",
        "ResourceException 412",
        "ResourceException 404",
        "ResourceException 400",
        "ResourceException 400",
        "nothing",
        "ResourceException 412",
    ]);
    assert_eq!(user(client, "u")["caught"], expected);
    client.get("managed/role/r").expect(200);
}

#[test]
fn a_promise_counts_as_what_it_comes_to() {
    let server = server();
    let client = &server.client;
    for name in ["resolved", "async", "chain", "false"] {
        make(client, name, name, &json!({}));
    }
    let source = r#"
        async function work() {
            await null;
            openidm.patch(objectID, null, [{operation: "add", field: "/later", value: true}]);
            return true;
        }
        switch (input.misbehave) {
            case "resolved": Promise.resolve(true); break;
            case "async": work(); break;
            case "chain": Promise.reject(1).catch(function () { return work(); }); break;
            case "false": Promise.resolve(false); break;
        }
    "#;
    let scanned = run(client, &javascript(source));
    assert_eq!(scanned.count("successes"), 3, "{:?}", scanned.failures);
    assert_eq!(scanned.failure("false").0, "not-true");
    assert_eq!(
        (&user(client, "async")["later"], &user(client, "chain")["later"]),
        (&json!(true), &json!(true))
    );
}

/// However the digits lie among others: a look at some bytes of the text decides how it is read.
#[test]
fn a_number_of_many_digits_comes_back_as_it_was() {
    let server = server();
    let client = &server.client;
    for shift in 0..16 {
        let text = format!("{}12345678901234567", "x".repeat(shift));
        let object = json!({
            "pad": text, "digits": "12345678901234567", "n": 12_345_678_901_234_567_890_u64, "list": [1, i64::MIN],
        });
        make(client, &format!("u{shift}"), "none", &object);
    }
    make(
        client,
        "small",
        "none",
        &json!({"n": 1_234_567_890_123_456_i64, "list": [0, 7]}),
    );
    let source = r#"
        openidm.patch(objectID, null, [{operation: "add", field: "/copy", value: [input.n, input.list[1], typeof input.n]}]);
        true;"#;
    let scanned = run(client, &javascript(source));
    assert_eq!(scanned.count("successes"), 17, "{:?}", scanned.failures);
    for shift in 0..16 {
        let expected = json!([12_345_678_901_234_567_890_u64, i64::MIN, "bigint"]);
        assert_eq!(user(client, &format!("u{shift}"))["copy"], expected, "{shift}");
    }
    assert_eq!(
        user(client, "small")["copy"],
        json!([1_234_567_890_123_456_i64, 7, "number"])
    );
}

/// A scheduled script is bounded like the action of a scan.
#[test]
fn a_scheduled_script_that_loops_keeps_nobody_from_their_turn() {
    let server = server();
    let client = &server.client;
    let schedule = |source: &str| {
        json!({"enabled": true, "type": "simple", "repeatInterval": 60_000, "invokeService": "script",
            "invokeContext": {"script": javascript(source)}})
    };
    let write = "openidm.create('managed/role', 'NAME', {});";
    client
        .put(
            "scheduler/job/loop",
            &schedule(&format!("{}for (;;) {{}}", write.replace("NAME", "from-loop"))),
        )
        .expect(201);
    client
        .put("scheduler/job/good", &schedule(&write.replace("NAME", "from-good")))
        .expect(201);
    server.settle();
    client.get("managed/role/from-good").expect(200);
    client.get("managed/role/from-loop").expect(404);
    assert_alive(client);
}
