//! Components that are none, or of another world than is needed.

use serde_json::json;

use super::{Empty, job_with, scan_with};

/// `(module)`
const MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// `(component)`
const NOTHING: &[u8] = b"\0asm\x0d\0\x01\0";

fn shipped(name: &str) -> Vec<u8> {
    let dist = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/dist");
    std::fs::read(dist.join(name)).unwrap()
}

#[test]
fn a_file_that_is_no_component_is_refused() {
    let sunset = shipped("sunset-task.wasm");
    let files: [(&str, &[u8]); 7] = [
        ("script/empty.wasm", b""),
        ("script/text.wasm", b"this is no component"),
        ("script/module.wasm", MODULE),
        ("script/nothing.wasm", NOTHING),
        ("script/cut-off.wasm", &sunset[..sunset.len() / 2]),
        ("script/text-format.wasm", b"(component)"),
        ("script/header.wasm", &sunset[..8]),
    ];
    let server = Empty::with_files(&files);
    let check = |file: &str, words: &str| {
        let script = json!({"type": "application/wasm", "file": format!("script/{file}")});
        for (place, job) in [
            (
                "/invokeContext/script",
                job_with("/invokeContext/script", script.clone()),
            ),
            (
                "/invokeContext/task/script",
                scan_with("/invokeContext/task/script", script),
            ),
        ] {
            server.refuses_job(&job, &format!("{place}/file"), words);
        }
    };
    check("none.wasm", "the file script/none.wasm cannot be read");
    check("empty.wasm", "cannot be compiled");
    check("text.wasm", "cannot be compiled");
    check("module.wasm", "this is a core WebAssembly module, not a component");
    check("nothing.wasm", "exports none of the worlds task, script and engine");
    check("cut-off.wasm", "cannot be compiled");
    check("text-format.wasm", "cannot be compiled");
    check("header.wasm", "exports none of the worlds");
}

#[test]
fn a_component_of_another_world_is_refused() {
    let javascript = shipped("javascript.wasm");
    let sunset = shipped("sunset-task.wasm");
    let server = Empty::with_files(&[("script/javascript.wasm", &javascript), ("script/sunset.wasm", &sunset)]);
    let file = |name: &str| json!({"type": "application/wasm", "file": format!("script/{name}.wasm")});
    let (script, task) = ("/invokeContext/script", "/invokeContext/task/script");
    let engine = "the component is of world engine, but world";
    server.refuses_job(
        &job_with(script, file("javascript")),
        &format!("{script}/file"),
        &format!("{engine} script is needed here"),
    );
    server.refuses_job(
        &scan_with(task, file("javascript")),
        &format!("{task}/file"),
        &format!("{engine} task is needed here"),
    );
    let wrong = "the component is of world task, but world script is needed here";
    server.refuses_job(&job_with(script, file("sunset")), &format!("{script}/file"), wrong);
    let plugin = json!({"type": "application/wasm", "plugin": "sunset-task@0.1.0"});
    server.refuses_job(&job_with(script, plugin), &format!("{script}/plugin"), wrong);
}

#[test]
fn a_plugin_that_is_not_there_is_refused() {
    let server = Empty::new();
    let place = "/invokeContext/task/script";
    let check = |plugin: &str, words: &str| {
        let script = json!({"type": "application/wasm", "plugin": plugin});
        server.refuses_job(&scan_with(place, script), &format!("{place}/plugin"), words);
    };
    check(
        "sunset-task@9.9.9",
        "there is no plugin sunset-task@9.9.9; there are sunset-task@0.1.0",
    );
    check("sunrise-task@0.1.0", "there is no plugin");
    check("sunset-task", "write name@version");
    check("../sunset-task@0.1.0", "write name@version");
    let both = json!({"type": "application/wasm", "plugin": "sunset-task@0.1.0", "file": "a.wasm"});
    server.refuses_job(
        &scan_with(place, both),
        place,
        "exactly one of 'plugin' and 'file' is required",
    );
    let source = json!({"type": "application/wasm", "source": "true;"});
    server.refuses_job(
        &scan_with(place, source),
        &format!("{place}/source"),
        "unknown property",
    );
}
