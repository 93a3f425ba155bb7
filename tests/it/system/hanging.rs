//! A server that takes connections and never answers.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::{csv_system, ldap};
use crate::harness::{Server, pause};

/// How often the clock is moved on before a test gives up.
const PATIENCE: usize = 1000;

/// The answer to a call that hangs until the clock moves on.
pub(super) fn answer_of(server: &Server, path: &str, status: u16) -> Value {
    std::thread::scope(|scope| {
        let call = scope.spawn(|| server.client.get(path).expect(status));
        for _ in 0..PATIENCE {
            if call.is_finished() {
                break;
            }
            // Time that nobody waits for yet passes in vain, so it is moved on until somebody did.
            server.clock.advance(chrono::Duration::milliseconds(100));
            pause();
        }
        call.join().unwrap()
    })
}

#[test]
fn a_call_ends_at_its_deadline_and_a_system_that_hangs_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut object = ldap::system(port, json!({}));
    object["operationTimeout"] = json!({"GET": 50});
    let server = Server::with_files(&[
        ("people.csv", b"uid,name\na,Ann\n"),
        ("provisioner.openicf-hr.json", csv_system().to_string().as_bytes()),
        ("provisioner.openicf-ldap.json", object.to_string().as_bytes()),
    ]);
    for _ in 0..5 {
        let late = answer_of(&server, "system/ldap/account/a", 503);
        assert_eq!(late["detail"]["system"], "ldap");
        assert!(
            late["message"]
                .as_str()
                .unwrap()
                .contains("did not answer within 50 ms"),
            "{late}"
        );
        // Nobody else waits for it.
        server.client.get("system/hr/account/a").expect(200);
    }
    let open = server.client.get("system/ldap/account/a").expect(503);
    assert!(open["message"].as_str().unwrap().contains("left alone"), "{open}");
    // After a while one call tries again.
    server.clock.advance(chrono::Duration::seconds(31));
    let again = answer_of(&server, "system/ldap/account/a", 503);
    assert!(again["message"].as_str().unwrap().contains("did not answer"), "{again}");
}

#[test]
fn a_server_that_is_not_there_is_said_to_be() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let object = ldap::system(port, json!({}));
    let server = Server::with_files(&[("provisioner.openicf-ldap.json", object.to_string().as_bytes())]);
    let refused = answer_of(&server, "system/ldap/account/a", 503);
    assert!(
        refused["message"].as_str().unwrap().contains("cannot be reached"),
        "{refused}"
    );
}
