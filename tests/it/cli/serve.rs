//! `taskwarden serve`: what it prints when it starts, and how it ends.

use serde_json::json;

use super::binary;
use crate::harness::{Client, PASSWORD, Process, share_cache};

fn with_password(client: &Client, password: &str) -> u16 {
    let headers = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", password),
    ];
    client
        .send("GET", "/openidm/managed/user/nobody", &headers, None)
        .status
}

#[test]
fn a_password_is_made_at_the_first_start_and_shown_once() {
    let data = tempfile::tempdir().unwrap();
    share_cache(data.path());
    let start = || {
        let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        Process::start(command.arg(data.path()).env_remove("TASKWARDEN_ADMIN_PASSWORD"))
    };
    let first = start();
    let [line] = &first.greeting[..] else {
        panic!("{:?}", first.greeting)
    };
    let password = line
        .strip_prefix("the password of openidm-admin is ")
        .and_then(|rest| rest.strip_suffix("; it is shown this once"));
    let password = password.unwrap_or_else(|| panic!("{line}")).to_owned();
    assert!(password.len() >= 20, "{password} can be guessed");
    assert_eq!(
        (
            with_password(&first.client, &password),
            with_password(&first.client, "openidm-admin")
        ),
        (404, 401)
    );
    assert!(first.terminate().success());

    let second = start();
    assert_eq!(second.greeting, Vec::<String>::new());
    assert_eq!(with_password(&second.client, &password), 404);

    let other = tempfile::tempdir().unwrap();
    share_cache(other.path());
    let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let other = Process::start(command.arg(other.path()).env_remove("TASKWARDEN_ADMIN_PASSWORD"));
    assert_eq!(
        (other.greeting.len(), with_password(&other.client, &password)),
        (1, 401),
        "every house has its own"
    );
}

/// The variable counts at the first start only: what is stored is not changed by how somebody starts it.
#[test]
fn a_password_of_the_environment_counts_at_the_first_start_only() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::serve(data.path());
    assert!(first.greeting.is_empty(), "{:?}", first.greeting);
    drop(first);
    let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let second = Process::start(command.arg(data.path()).env("TASKWARDEN_ADMIN_PASSWORD", "another one"));
    assert_eq!(
        (
            with_password(&second.client, PASSWORD),
            with_password(&second.client, "another one")
        ),
        (404, 401)
    );
}

#[test]
fn a_configuration_folder_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("conf");
    std::fs::create_dir_all(&conf).unwrap();
    std::fs::write(conf.join("managed.json"), r#"{"objects": [{"name": "device"}]}"#).unwrap();
    let data = folder.path().join("data");
    share_cache(&data);
    let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let server = Process::start(
        command
            .arg(&data)
            .arg("--conf")
            .arg(&conf)
            .env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD),
    );
    server.client.put("managed/device/a", &json!({"x": 1})).expect(201);
    server.client.put("managed/user/a", &json!({"x": 1})).expect(404);
}

/// What it prints is for programs: the address on a line of its own, the log elsewhere.
#[test]
fn the_line_with_the_address_is_all_that_is_printed() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path());
    assert!(
        server.client.base.starts_with("http://127.0.0.1:") && !server.client.base.ends_with(":0"),
        "{}",
        server.client.base
    );
    assert!(server.greeting.is_empty(), "{:?}", server.greeting);
}

/// Who waits for the line may stop the server right after it.
#[test]
fn a_server_that_has_said_where_it_listens_can_be_stopped_in_order() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let status = Process::serve(data.path()).terminate();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}
