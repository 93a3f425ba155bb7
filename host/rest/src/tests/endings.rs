//! How requests end that do not end well, and how the server does.

use std::time::Duration;

use tokio::task::spawn_blocking;

use super::client::exchange;
use super::house::House;
use crate::Limits;
use crate::limits::{BODY_TIME, GRACE_TIME};

fn head(house: &House, method: &str, more: &str) -> String {
    let token = house.token.expose();
    format!(
        "{method} /openidm/things/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n{more}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_handler_that_panics_answers_500_and_the_next_one_answers() {
    let house = House::open().await;
    let broken = house.call("POST", "actor?_action=panic", &[], "").await;
    assert_eq!(
        (broken.status, broken.json()["reason"].as_str()),
        (500, Some("Internal Server Error"))
    );
    assert!(!broken.body.contains("on purpose"));
    assert_eq!(house.call("POST", "actor?_action=nothing", &[], "").await.status, 204);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_its_length() {
    let house = House::with(Limits {
        body_bytes: 10,
        ..Limits::default()
    })
    .await;
    let declared = house.raw(head(&house, "PUT", "Content-Length: 11")).await;
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");
    assert!(
        declared.contains("\"reason\":\"Request Entity Too Large\""),
        "{declared}"
    );
    let chunked = head(&house, "PUT", "Transfer-Encoding: chunked") + "7\r\n{\"a\": \"\r\n6\r\nlonger\r\n";
    let chunked = house.raw(chunked).await;
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    assert_eq!(house.call("PUT", "things/x", &[], "{\"a\": 123}").await.status, 201);
}

#[tokio::test]
async fn who_sends_far_too_much_and_reads_only_then_gets_the_answer_and_no_broken_pipe() {
    let house = House::open().await;
    // More than all buffers between the two hold, so that it could not be sent if nobody took it.
    let more = "x".repeat(16 * 1024 * 1024);
    let request = head(&house, "PUT", &format!("Content-Length: {}", more.len())) + &more;
    let answer = house.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let request = format!("GET /openidm/things?_queryFilter={more} HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = house.raw(request).await;
    assert!(
        answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 414 "),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stranger_is_refused_before_its_body_is_read() {
    let house = House::open().await;
    let request = "PUT /openidm/things/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n";
    let answer = house.raw(request.to_owned()).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn an_answer_that_does_not_wait_for_the_body_says_that_the_connection_ends() {
    let house = House::open().await;
    let json = [("content-type", "application/json")];
    let refused = house.anonymous("PUT", "/openidm/things/x", &json, "{\"a\": 1}").await;
    assert_eq!((refused.status, refused.header("connection")), (401, Some("close")));
    for (method, path, body, status) in [
        ("PUT", "things/x", "{\"a\": 1}", 201),
        ("PUT", "things/x", "{\"a\": ", 400),
        ("GET", "things/x", "", 200),
    ] {
        let read = house.call(method, path, &[], body).await;
        assert_eq!(
            (read.status, read.header("connection")),
            (status, None),
            "{method} {body}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for_forever() {
    let house = House::open().await;
    let (address, request) = (house.address, head(&house, "PUT", "Content-Length: 10") + "{\"a\":");
    let client = spawn_blocking(move || exchange(address, &request));
    while !client.is_finished() {
        house.clock.advance(BODY_TIME);
        tokio::task::yield_now().await;
    }
    let answer = client.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_tenant_with_too_many_requests_is_told_to_come_back() {
    let house = House::with(Limits {
        requests_per_tenant: 1,
        ..Limits::default()
    })
    .await;
    let mut waiting = house.actor.waiting.subscribe();
    let (first, second) = tokio::join!(house.call("POST", "actor?_action=wait", &[], ""), async {
        waiting.wait_for(|waiting| *waiting == 1).await.map(|_| ()).unwrap();
        let second = house.call("POST", "actor?_action=nothing", &[], "").await;
        house.actor.gate.add_permits(1);
        second
    });
    assert_eq!(
        (first.status, second.status, second.header("retry-after")),
        (200, 503, Some("1"))
    );
    assert_eq!(house.call("POST", "actor?_action=nothing", &[], "").await.status, 204);
}

#[tokio::test]
async fn a_server_that_stops_lets_requests_end_and_takes_no_new_ones() {
    let house = House::open().await;
    let (address, rest, actor) = (house.address, house.rest.clone(), house.actor.clone());
    let request = head(&house, "POST", "Content-Length: 0").replace("things/x", "actor?_action=wait");
    let client = spawn_blocking(move || exchange(address, &request));
    actor
        .waiting
        .subscribe()
        .wait_for(|waiting| *waiting == 1)
        .await
        .map(|_| ())
        .unwrap();
    let serving = house.shut();
    while rest.is_ready() {
        tokio::task::yield_now().await;
    }
    assert!(std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_err());
    assert!(!serving.is_finished());
    actor.gate.add_permits(1);
    assert!(client.await.unwrap().ends_with("{\"waited\":true}"));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_at_last() {
    let house = House::open().await;
    let (address, actor, clock) = (house.address, house.actor.clone(), house.clock.clone());
    let request = head(&house, "POST", "Content-Length: 0").replace("things/x", "actor?_action=wait");
    let client = spawn_blocking(move || exchange(address, &request));
    actor
        .waiting
        .subscribe()
        .wait_for(|waiting| *waiting == 1)
        .await
        .map(|_| ())
        .unwrap();
    let serving = house.shut();
    while !serving.is_finished() {
        clock.advance(GRACE_TIME);
        tokio::task::yield_now().await;
    }
    assert_eq!(client.await.unwrap(), "");
}
