//! `taskwarden replay`: a failure is made again, away from the server.

use std::path::Path;

use serde_json::{Value, json};

use super::{execute, make, scan};
use crate::harness::{BINARY, Client, Ended, Server, demo_cache};

const SUNSET: &[u8] = include_bytes!("../../../plugins/dist/sunset-task.wasm");
const ENGINE: &[u8] = include_bytes!("../../../plugins/dist/javascript.wasm");

const SOURCE: &str = "
    var other = openidm.read('managed/user/other');
    openidm.patch(objectID, null, [{operation: 'add', field: '/password', value: other.password + Math.random()}]);
    if (other.level < 5) throw {code: 409, message: 'level ' + other.level + ' at ' + Date.now()};
    true;";

/// The failure of a script, as it is answered.
fn failure(client: &Client, source: &str) -> Value {
    make(
        client,
        "other",
        &json!({"level": 3, "password": "hunter2", "task": {"completed": "x"}}),
    );
    make(client, "joe", &json!({}));
    let run = execute(client, "scan", &scan(source, &json!({})));
    client.get(&format!("taskscanner/{run}/failure/joe")).expect(200)
}

fn replay(failure: &str, more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("failure.json");
    std::fs::write(&file, failure).unwrap();
    command(&file, more)
}

fn command(file: &Path, more: &[&str]) -> Ended {
    let mut command = std::process::Command::new(BINARY);
    command
        .arg("replay")
        .arg(file)
        .args(more)
        .env("XDG_CACHE_HOME", demo_cache());
    crate::harness::run(&mut command)
}

#[test]
fn a_failure_ends_the_same_again_though_nothing_is_there_any_more() {
    let server = Server::start();
    let failure = failure(&server.client, SOURCE);
    drop(server);
    let again = replay(&failure.to_string(), &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(
        again.output,
        format!("the same end: problem: {}\n", failure["message"].as_str().unwrap())
    );
    assert!(!again.output.contains("hunter2"));
    let json = replay(&failure.to_string(), &["--json"]);
    let json: Value = serde_json::from_str(&json.output).unwrap();
    assert_eq!((&json["verdict"], &json["difference"]), (&json!("same"), &Value::Null));
    assert_eq!(json["hostCalls"], failure["hostCalls"]);
}

#[test]
fn a_failure_of_an_analysis_is_played_as_a_dry_run() {
    let server = Server::start();
    let client = &server.client;
    let of_run = failure(client, SOURCE);
    let started = client
        .post("taskscanner?_action=execute&name=scan&analyze=true", None)
        .expect(200);
    let run = client.ended_run(started["_id"].as_str().unwrap());
    let of_analysis = client
        .get(&format!("taskscanner/{}/failure/joe", run["_id"].as_str().unwrap()))
        .expect(200);
    let dry = |failure: &Value| failure["call"]["isDryRun"].clone();
    assert_eq!((dry(&of_run), dry(&of_analysis)), (json!(false), json!(true)));
    let again = replay(&of_analysis.to_string(), &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[test]
fn a_replay_costs_what_the_call_cost() {
    let server = Server::start();
    // Where nothing is masked: a mask is as long as it is.
    let source = "openidm.query('managed/user', {_queryFilter: 'userName eq \"joe\"'}); for (;;) {}";
    let failure = failure(&server.client, source);
    drop(server);
    assert_eq!(failure["kind"], "out-of-fuel");
    let again: Value = serde_json::from_str(&replay(&failure.to_string(), &["--json"]).output).unwrap();
    assert_eq!(
        (&again["verdict"], &again["fuel"]),
        (&json!("same"), &failure["fuel"]),
        "{again}"
    );
    let mut less = failure;
    less["call"]["limits"]["fuel"] = json!(2_000_000);
    let again: Value = serde_json::from_str(&replay(&less.to_string(), &["--json"]).output).unwrap();
    assert_eq!(
        (&again["verdict"], &again["fuel"]),
        (&json!("differs"), &json!(2_000_000)),
        "{again}"
    );
}

#[test]
fn the_first_difference_is_shown() {
    let server = Server::start();
    let failure = failure(&server.client, SOURCE);
    drop(server);
    let check = |change: &dyn Fn(&mut Value), code: i32, verdict: &str, words: &str| {
        let mut changed = failure.clone();
        change(&mut changed["call"]);
        let ended = replay(&changed.to_string(), &[]);
        assert_eq!(ended.code, Some(code), "{words}: {ended:?}");
        assert!(
            ended.output.contains(words) || ended.errors.contains(words),
            "{words}: {ended:?}"
        );
        let json: Value = serde_json::from_str(&replay(&changed.to_string(), &["--json"]).output).unwrap();
        assert_eq!(json["verdict"], verdict, "{words}: {json}");
    };
    // The world was another one.
    check(
        &|call| call["transcript"][0]["answer"]["value"]["level"] = json!(7),
        0,
        "done",
        "it ends well now",
    );
    check(
        &|call| call["transcript"][0]["answer"]["value"]["level"] = json!(4),
        1,
        "differs",
        "the end differs\nthen: problem: level 3 at",
    );
    // It asked something else.
    check(
        &|call| call["transcript"][0]["path"] = json!("managed/user/x"),
        1,
        "differs",
        "call 1 differs",
    );
    check(
        &|call| call["transcript"][1]["arguments"]["operations"][0]["field"] = json!("/passwords"),
        1,
        "differs",
        "call 2 differs",
    );
    check(
        &|call| drop(call["transcript"].as_array_mut().unwrap().pop()),
        1,
        "differs",
        "then: nothing more",
    );
    check(
        &|call| {
            let calls = call["transcript"].as_array_mut().unwrap();
            calls.push(calls[0].clone());
        },
        1,
        "differs",
        "now: nothing more",
    );
    // The script is another one.
    check(
        &|call| call["origin"]["script"]["source"] = json!("openidm.read('managed/user/other'); true"),
        0,
        "done",
        "it ends well now",
    );
    // The recording ends before the call did.
    check(
        &|call| {
            call["transcript"].as_array_mut().unwrap().pop();
            call["callsNotRecorded"] = json!(1);
        },
        2,
        "unusable",
        "cannot be played beyond call 2",
    );
    check(
        &|call| call["transcript"][0]["cut"] = json!(["answer"]),
        2,
        "unusable",
        "cannot be played beyond call 1",
    );
}

#[test]
fn another_component_can_be_tried() {
    let server = Server::start();
    let failure = failure(&server.client, "throw 'no'");
    drop(server);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let sunset = write("sunset.wasm", SUNSET);
    let ended = replay(&failure.to_string(), &["--plugin", &sunset]);
    // It deactivates the user, which the script never asked for.
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.output.contains("call 1 differs\nthen: nothing more\nnow: {"),
        "{ended:?}"
    );
    assert!(ended.output.contains("\"verb\": \"patch\""), "{ended:?}");
    assert!(
        ended.output.contains("the component is another one than then"),
        "{ended:?}"
    );
    for (file, words) in [
        (write("engine.wasm", ENGINE), "world task is needed"),
        (write("junk.wasm", b"junk"), "--plugin"),
        ("nowhere.wasm".to_owned(), "cannot read nowhere.wasm"),
    ] {
        let ended = replay(&failure.to_string(), &["--plugin", &file]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.errors.contains(words), "{words}: {ended:?}");
    }
}

#[test]
fn a_component_that_failed_is_given_by_hand() {
    let server = Server::with_files(&[(
        "script/misbehaving.wasm",
        include_bytes!("../../../plugins/dist/misbehaving-task.wasm"),
    )]);
    let client = &server.client;
    make(client, "joe", &json!({"misbehave": "trap"}));
    let mut context = scan("", &json!({}));
    context["task"]["script"] = json!({"type": "application/wasm", "file": "script/misbehaving.wasm", "grants": []});
    let run = execute(client, "scan", &context);
    let failure = client.get(&format!("taskscanner/{run}/failure/joe")).expect(200);
    let ended = replay(&failure.to_string(), &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.errors.contains("give it with --plugin"), "{ended:?}");
    let file = server.conf().join("script/misbehaving.wasm");
    let ended = replay(&failure.to_string(), &["--plugin", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.output.starts_with("the same end: "), "{ended:?}");
    assert!(!ended.output.contains("another one"), "{ended:?}");
}

#[test]
fn a_file_that_cannot_be_played_says_why() {
    let server = Server::start();
    let failure = failure(&server.client, "throw 'no'");
    drop(server);
    let check = |text: &str, words: &str| {
        let ended = replay(text, &[]);
        assert_eq!((ended.code, ended.output.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.errors.contains(words), "{words}: {ended:?}");
    };
    check("", "is no JSON");
    check("{\"a\": ", "line 1 column");
    check("{}", "/call: 'call' is required");
    check("[]", "an object is expected here");
    let tampered = |pointer: &str, value: Value| {
        let mut tampered = failure.clone();
        *tampered.pointer_mut(pointer).unwrap() = value;
        tampered.to_string()
    };
    check(&tampered("/call/transcript", json!("x")), "/call/transcript: ");
    check(&tampered("/call/limits/fuel", json!(-5)), "/call/limits/fuel: ");
    check(&tampered("/call/seed", json!(5)), "/call/seed: ");
    check(&tampered("/call/isRecorded", json!(false)), "/call/isRecorded: ");
    check(
        &tampered("/call/origin/script/source", json!("this is (no script")),
        "source",
    );
    assert_eq!(command(Path::new("nowhere.json"), &[]).code, Some(2));
}
