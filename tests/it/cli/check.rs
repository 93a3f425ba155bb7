//! `taskwarden check`: whether a configuration folder can be served, and if not, where it is wrong.

use std::path::Path;

use super::binary;
use crate::harness::{Ended, demo_cache, run};

fn check(folder: &Path) -> Ended {
    run(binary(&["check"]).arg(folder).env("XDG_CACHE_HOME", demo_cache()))
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
    folder
}

const SCHEDULE: &str = r#"{"type": "simple", "repeatInterval": 60000,
    "invokeService": "script", "invokeContext": {"script": {"type": "text/javascript", "file": "script/task.js"}}}"#;

#[test]
fn a_folder_that_can_be_served_is_called_so() {
    let settings = "[node]\nid = \"a\"\ntime-zone = \"Europe/Berlin\"\n[taskscanner]\nmax-completed-runs = 5\n[runtime]\nworkers = 2\n\
                    [rest]\nbody-bytes = 1000\n[properties]\nx = \"y\"\n";
    let types = r#"{"objects": [{"name": "user", "indexes": ["/userName"]}, {"name": "realm-name_user"}]}"#;
    for files in [
        &[][..],
        &[("managed.json", types)],
        &[
            ("managed.json", types),
            ("taskwarden.toml", settings),
            ("script/task.js", "true;"),
            ("README", "hello"),
        ],
        &[
            ("schedule-task.json", SCHEDULE),
            ("script/task.js", "true;"),
            ("taskwarden.toml", settings),
        ],
    ] {
        let folder = folder(files);
        let ended = check(folder.path());
        assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{files:?}");
        assert_eq!(ended.output, format!("{} can be served\n", folder.path().display()));
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (name, content, words) in [
        (
            "managed.json",
            "{\"objects\": [\n  {\"name\": \"user\"},\n]}",
            &["managed.json: line 2, column 19, in /objects: a comma before `]`: leave it out"][..],
        ),
        (
            "managed.json",
            r#"{"objects": [{"name": "user", "name": "role"}]}"#,
            &["line 1, column", "name"],
        ),
        (
            "managed.json",
            r#"{"objects": [{"name": "user", "indexs": ["/a"]}]}"#,
            &["/objects/0/indexs"],
        ),
        (
            "managed.json",
            r#"{"objects": [{"name": "user"}, {"name": "user"}]}"#,
            &["/objects/1/name"],
        ),
        ("managed.json", r#"{"objects": [{"indexes": []}]}"#, &["/objects/0"]),
        (
            "managed.json",
            r#"{"objects": [{"name": "user", "indexes": ["a b%"]}]}"#,
            &["/objects/0/indexes/0"],
        ),
        ("managed.json", "[]", &["managed.json: "]),
        ("managed.json", "", &["managed.json: line 1, column 1"]),
        (
            "taskwarden.toml",
            "[node]\nidd = \"x\"\n",
            &["taskwarden.toml: ", "line 2, column 1", "unknown field `idd`"],
        ),
        (
            "taskwarden.toml",
            "[node]\ntime-zone = \"Mars\"\n",
            &["line 2, column 13", "'Mars' is not a time zone"],
        ),
        ("taskwarden.toml", "[runtime]\nworkers = -1\n", &["line 2, column 11"]),
        ("taskwarden.toml", "[node\n", &["line 1, column"]),
        (
            "ui.json",
            "{}",
            &["ui.json: there is no configuration of the type 'ui' here: known are managed"],
        ),
        ("taskwarden2.toml", "", &["taskwarden2.toml: this version knows"]),
        (
            "schedule.json",
            "{}",
            &["schedule.json: there are several objects of the type schedule"],
        ),
        (
            "managed-a.json",
            "{}",
            &["managed-a.json: there is one object of the type managed"],
        ),
        (
            "schedule-.json",
            "{}",
            &["schedule-.json: the name of a configuration object has"],
        ),
        (
            "schedule-a.json",
            "{\"enabled\": true,\n\"type\" \"cron\"}",
            &["schedule-a.json: line 2, column 8"],
        ),
        (
            "schedule-a.json",
            r#"{"type": "cron", "schedule": "0 0 25 * * ?", "invokeService": "script"}"#,
            &["schedule-a.json: /schedule: "],
        ),
        (
            "schedule-a.json",
            r#"{"type": "simple", "repeatCount": 0, "invokeService": "script", "invokeContext": {"script":
                {"type": "text/javascript", "file": "script/missing.js"}}}"#,
            &["schedule-a.json: /invokeContext/script"],
        ),
        (
            "schedule-a.json",
            r#"{"type": "simple", "repeatCount": 0, "invokeService": "script", "invokeContext": {"script":
                {"type": "text/javascript", "source": "var a = ;"}}}"#,
            &["schedule-a.json: /invokeContext/script/source", "line 1"],
        ),
        (
            "schedule-a.json",
            r#"{"type": "simple", "repeatCount": 0, "invokeService": "taskscanner", "invokeContext": {"scan":
                {"_queryFilter": "a eq", "object": "managed/user", "taskState": {"started": "/s", "completed": "/c"}},
                "task": {"script": {"type": "text/javascript", "source": "true;"}}}}"#,
            &["schedule-a.json: /invokeContext/scan/_queryFilter"],
        ),
    ] {
        let folder = folder(&[(name, content)]);
        let ended = check(folder.path());
        assert_eq!(
            (ended.code, ended.output.as_str()),
            (Some(1), ""),
            "{content}: {ended:?}"
        );
        let start = format!("taskwarden: {}", folder.path().join(name).display());
        assert!(ended.errors.starts_with(&start), "{content}: {}", ended.errors);
        assert!(
            words.iter().all(|word| ended.errors.contains(word)),
            "{content}: {}",
            ended.errors
        );
        assert!(!ended.errors.ends_with("\n\n"), "{:?}", ended.errors);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let ended = check(&missing);
    let expected = format!(
        "taskwarden: cannot read {}: No such file or directory (os error 2)\n",
        missing.display()
    );
    assert_eq!((ended.code, ended.errors), (Some(1), expected));
}

/// What `check` refuses, `serve` refuses with the same words, and makes nothing.
#[test]
fn serve_refuses_what_check_refuses() {
    let folder = folder(&[("managed.json", "{\"objects\": 7}")]);
    let data = folder.path().join("data");
    let serve = run(binary(&["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .arg("--conf")
        .arg(folder.path()));
    assert_eq!((serve.code, serve.output.as_str()), (Some(1), ""), "{serve:?}");
    assert_eq!(serve.errors, check(folder.path()).errors);
    assert!(!data.exists());
}
