//! The example `hr-to-directory`: its README, call by call, against the real binary and a real directory.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::program::free_port;
use crate::harness::tour::walk;
use crate::harness::{Client, Process, pause};

/// The directory of the example's own script. It ends when it is dropped.
struct Directory(Child);

impl Directory {
    fn start(script: &Path, folder: &Path, port: u16) -> Self {
        let child = Command::new(script)
            .arg(folder)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let directory = Self(child);
        for _ in 0..2000 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return directory;
            }
            pause();
        }
        panic!("the directory does not come up");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A copy of the example, with another port of the directory.
fn copy(to: &Path, port: u16) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hr-to-directory");
    let conf = to.join("conf");
    std::fs::create_dir_all(&conf).unwrap();
    for file in std::fs::read_dir(from.join("conf")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), conf.join(file.file_name())).unwrap();
    }
    let settings = std::fs::read_to_string(conf.join("taskwarden.toml")).unwrap();
    assert!(settings.contains(" = 3389"), "{settings}");
    std::fs::write(
        conf.join("taskwarden.toml"),
        settings.replace(" = 3389", &format!(" = {port}")),
    )
    .unwrap();
    from
}

fn recon(client: &Client, mapping: &str) -> Value {
    let path = format!("recon?_action=recon&mapping={mapping}&waitForCompletion=true");
    let answer = client.post(&path, None).expect(200);
    client
        .get(&format!("recon/{}", answer["_id"].as_str().unwrap()))
        .expect(200)
}

#[test]
fn every_call_of_the_example_answers_as_it_says() {
    if !Path::new("/usr/sbin/slapd").exists() {
        assert!(
            std::env::var_os("CI").is_none(),
            "install slapd: in CI nothing is skipped"
        );
        eprintln!("SKIPPED: there is no /usr/sbin/slapd (Debian: slapd and ldap-utils)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let example = copy(folder.path(), port);
    let ldap = folder.path().join("ldap");
    let directory = Directory::start(&example.join("directory.sh"), &ldap, port);
    let conf = folder.path().join("conf");
    let process = Process::serve_with(&folder.path().join("data"), &conf);
    let readme = std::fs::read_to_string(example.join("README.md")).unwrap();
    let variables = [("HR", conf.to_str().unwrap())];
    if !walk(
        "examples/hr-to-directory/README.md",
        &readme,
        &process.client.base,
        &variables,
    ) {
        return;
    }
    let client = &process.client;
    // What was told of the failures is what went wrong.
    let told = client.query("audit/recon", "/entryType eq 'summary' and status eq 'FAILURE'");
    let mut reasons: Vec<&str> = told.iter().map(|entry| entry["exception"].as_str().unwrap()).collect();
    reasons.reverse();
    let [guard, empty, gone] = reasons[..] else {
        panic!("{reasons:?}")
    };
    assert!(guard.contains("deletionGuard/maxPercent allows 25"), "{guard}");
    assert!(empty.contains("allowEmptySourceSet"), "{empty}");
    assert!(gone.contains("'system/hr/person' did not answer the query"), "{gone}");

    // The directory is down: the run fails, and forgets nothing of what it knows.
    let links = client.query("repo/link", "true");
    assert_eq!(links.len(), 14);
    drop(directory);
    let run = recon(client, "users_directory");
    assert_eq!(run["state"], "FAILED", "{run:#}");
    let message = run["message"].as_str().unwrap();
    assert!(
        message.contains("'system/directory/account' did not answer"),
        "{message}"
    );
    assert_eq!(client.query("repo/link", "true"), links);
    // It comes back, and there is nothing to repair.
    let _directory = Directory::start(&example.join("directory.sh"), &ldap, port);
    let mut run = recon(client, "users_directory");
    for _ in 0..4_000 {
        if run["state"] == "SUCCESS" {
            break;
        }
        // Until the connector calls again: five failures in a row keep it from calling for a while.
        pause();
        run = recon(client, "users_directory");
    }
    assert_eq!(run["state"], "SUCCESS", "{run:#}");
    assert_eq!(run["progress"]["target"]["unchanged"], json!(7), "{run:#}");
    assert_eq!(client.query("system/directory/account", "true").len(), 8);
}
