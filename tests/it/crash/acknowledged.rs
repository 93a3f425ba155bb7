//! What a client was told is true after a kill.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::harness::{PASSWORD, Process, pause};

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(data.path());
    let client = &process.client;
    let made = client
        .put("managed/user/made", &json!({"userName": "made", "count": 1}))
        .expect(201);
    client
        .put("managed/user/changed", &json!({"userName": "changed", "count": 1}))
        .expect(201);
    let increment = json!([{"operation": "increment", "field": "/count", "value": 41}]);
    let changed = client.patch("managed/user/changed", &increment).expect(200);
    client
        .put("managed/user/deleted", &json!({"userName": "deleted"}))
        .expect(201);
    client.delete("managed/user/deleted").expect(200);
    process.kill();
    let process = Process::serve(data.path());
    let client = &process.client;
    assert_eq!(client.get("managed/user/made").expect(200), made);
    assert_eq!(client.get("managed/user/changed").expect(200), changed);
    assert_eq!(changed["count"], 42);
    client.get("managed/user/deleted").expect(404);
    assert_eq!(client.query("managed/user", "userName eq \"made\""), [made]);
}

/// Clients write until the server is gone: whatever was answered is there, and nothing is there by halves.
#[test]
fn writes_are_acknowledged_only_when_they_are_kept() {
    const WRITERS: usize = 4;
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::serve(data.path());
    for round in 0..3 {
        let client = process.client.clone();
        let acknowledged: Vec<AtomicUsize> = (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
        std::thread::scope(|scope| {
            for (writer, acknowledged) in acknowledged.iter().enumerate() {
                let client = &client;
                scope.spawn(move || {
                    let headers = [
                        ("X-OpenIDM-Username", "openidm-admin"),
                        ("X-OpenIDM-Password", PASSWORD),
                        ("Content-Type", "application/json"),
                    ];
                    for number in 0.. {
                        let path = format!("/openidm/managed/user/{round}-{writer}-{number}");
                        let body = json!({"userName": path, "number": number}).to_string();
                        match client.try_send("PUT", &path, &headers, Some(body.as_bytes())) {
                            Ok(answer) => {
                                assert_eq!(answer.status, 201, "{}", answer.text);
                                acknowledged.store(number + 1, Ordering::Relaxed);
                            }
                            Err(_gone) => return,
                        }
                    }
                });
            }
            while acknowledged
                .iter()
                .any(|count| count.load(Ordering::Relaxed) < 20 + round)
            {
                pause();
            }
            process.kill();
        });
        process = Process::serve(data.path());
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let acknowledged = acknowledged.load(Ordering::Relaxed);
            let prefix = format!("/openidm/managed/user/{round}-{writer}-");
            let found: Vec<Value> = process
                .client
                .query("managed/user", &format!("userName sw \"{prefix}\""));
            // The one that was under way when it was killed may be there too.
            assert!(
                (acknowledged..=acknowledged + 1).contains(&found.len()),
                "{acknowledged} acknowledged, {} found",
                found.len()
            );
        }
    }
}

#[test]
fn an_administrator_keeps_the_password_of_the_first_start() {
    let data = tempfile::tempdir().unwrap();
    Process::serve(data.path()).kill();
    let process = Process::serve(data.path());
    assert!(process.greeting.is_empty(), "{:?}", process.greeting);
    process.client.get("managed/user/nobody").expect(404);
}
