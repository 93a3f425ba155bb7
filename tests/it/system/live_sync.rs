//! liveSync over REST and from a schedule: what changes in a file or a directory reaches the mappings.

use serde_json::{Value, json};

use super::slapd::Slapd;
use super::{csv_system, ldap, with_people};
use crate::harness::Server;

/// A server with these systems, and a mapping from each to roles.
pub(super) fn with_mapping(files: &[(&str, &[u8])], source: &str, from: &str) -> Server {
    let action = |situation: &str, action: &str| json!({"situation": situation, "action": action});
    let mappings = json!({"mappings": [{
        "name": "people", "source": source, "target": "managed/role",
        "properties": [{"source": from, "target": "name"}],
        "policies": [action("ABSENT", "CREATE"), action("CONFIRMED", "UPDATE"), action("SOURCE_MISSING", "DELETE"),
            action("MISSING", "IGNORE"), action("UNQUALIFIED", "DELETE")]
    }]});
    let mappings = mappings.to_string();
    let files = [files, &[("sync.json", mappings.as_bytes())]].concat();
    Server::with_files(&files)
}

pub(super) fn names(server: &Server) -> Vec<String> {
    let roles = server.client.query("managed/role", "true");
    let mut names: Vec<String> = roles
        .iter()
        .map(|role| role["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

pub(super) fn live_sync(server: &Server, source: &str) -> Value {
    let path = format!("system?_action=liveSync&source={source}");
    server.client.post(&path, None).expect(200)
}

#[test]
fn what_changes_in_a_file_reaches_the_mappings() {
    let system = csv_system().to_string();
    let files = [
        ("people.csv", b"uid,name\na,Ann\n".as_slice()),
        ("provisioner.openicf-hr.json", system.as_bytes()),
    ];
    let server = with_mapping(&files, "system/hr/account", "name");
    let write = |people: &str| std::fs::write(server.conf().join("people.csv"), format!("uid,name\n{people}")).unwrap();
    // The first time, only the place is remembered.
    assert_eq!(live_sync(&server, "system/hr/account")["_id"], "SYSTEMHRACCOUNT");
    assert_eq!(names(&server), Vec::<String>::new());
    write("a,Ann\nb,Bob\nc,Cid\n");
    live_sync(&server, "system/hr/account");
    assert_eq!(names(&server), ["Bob", "Cid"]);
    // From a schedule, too.
    write("a,Ann\nb,Bert\n");
    let job = json!({"type": "simple", "repeatInterval": 1000, "repeatCount": 0, "enabled": true, "persisted": true,
        "invokeService": "provisioner", "invokeContext": {"action": "liveSync", "source": "system/hr/account"}});
    server.client.put("scheduler/job/live", &job).expect(201);
    server.settle();
    assert_eq!(names(&server), ["Bert"]);
    let stage = "repo/synchronisation/pooledSyncStage/SYSTEMHRACCOUNT";
    assert!(server.client.get(stage).expect(200)["connectorData"]["syncToken"].is_string());
    server.client.delete(stage).expect(200);
    server.client.get(stage).expect(404);
}

#[test]
fn what_changes_in_a_directory_reaches_the_mappings_once() {
    let Some(slapd) = Slapd::start(&ldap::people(2)) else {
        return;
    };
    let system = ldap::system(slapd.port, json!({})).to_string();
    let files = [("provisioner.openicf-ldap.json", system.as_bytes())];
    let server = with_mapping(&files, "system/ldap/account", "sn");
    live_sync(&server, "system/ldap/account");
    assert_eq!(names(&server), Vec::<String>::new());
    let change = |name: &str| format!("dn: {}\nchangetype: modify\nreplace: sn\nsn: {name}\n", ldap::dn(2));
    slapd.modify(&change("Other"));
    slapd.modify(&ldap::person(3).replace("objectClass", "changetype: add\nobjectClass"));
    let first = live_sync(&server, "system/ldap/account");
    assert_eq!(names(&server), ["Number3", "Other"]);
    // Nothing is new: the token stays.
    assert_eq!(live_sync(&server, "system/ldap/account"), first);
    slapd.modify(&change("Another"));
    live_sync(&server, "system/ldap/account");
    assert_eq!(names(&server), ["Another", "Number3"]);
}

#[test]
fn a_source_has_to_be_one() {
    let server = with_people("uid,name\na,Ann\n");
    let client = &server.client;
    let post = |query: &str| client.post(&format!("system?_action=liveSync{query}"), None);
    assert_eq!(post("").expect(400)["detail"]["parameter"], "source");
    assert_eq!(
        post("&source=managed/user").expect(400)["detail"]["parameter"],
        "source"
    );
    post("&source=system/none/account").expect(503);
    post("&source=system/hr/group").expect(404);
}

#[test]
fn a_schedule_of_live_sync_is_checked_when_it_is_stored() {
    let server = with_people("uid,name\na,Ann\n");
    let client = &server.client;
    let job = |context: serde_json::Value| {
        json!({"type": "cron", "schedule": "0 0 0 1 1 ? 2099", "enabled": true, "persisted": true,
            "invokeService": "provisioner", "invokeContext": context})
    };
    let live = json!({"action": "liveSync", "source": "system/hr/account"});
    client.put("scheduler/job/live", &job(live)).expect(201);
    let check = |context: serde_json::Value, pointer: &str| {
        let refused = client.put("scheduler/job/bad", &job(context)).expect(400);
        assert_eq!(refused["detail"]["pointer"], pointer, "{refused}");
    };
    check(
        json!({"action": "explode", "source": "system/hr/account"}),
        "/invokeContext/action",
    );
    check(json!({"action": "liveSync"}), "/invokeContext/source");
    check(
        json!({"action": "liveSync", "source": "managed/user"}),
        "/invokeContext/source",
    );
    check(
        json!({"action": "liveSync", "source": "system/hr/account", "sorce": 1}),
        "/invokeContext/sorce",
    );
}
