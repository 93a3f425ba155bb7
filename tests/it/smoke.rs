//! The harness itself holds.

use crate::harness::Server;

#[test]
fn a_server_answers_a_ping_to_anybody() {
    let server = Server::start();
    let answer = server.client.send("GET", "/openidm/info/ping", &[], None);
    assert_eq!(answer.expect(200)["state"], "ACTIVE_READY");
}
