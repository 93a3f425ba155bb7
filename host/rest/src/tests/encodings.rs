//! Bodies in gzip, both ways.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::house::{House, MANY};
use crate::Limits;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Sends a request and gives head and body of the answer, as they came over the wire.
async fn send(house: &House, request_line: &str, headers: &str, body: Vec<u8>) -> (String, Vec<u8>) {
    let (address, token) = (house.address, house.token.expose().to_owned());
    let head = format!(
        "{request_line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        let body = answer.split_off(end.map_or(answer.len(), |end| end + 4));
        (String::from_utf8(answer).unwrap().to_ascii_lowercase(), body)
    })
    .await
    .unwrap()
}

/// The bytes of a body that came in chunks.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.extend(&body[end + 2..end + 2 + length]);
        body = &body[end + 2 + length + 2..];
    }
}

#[tokio::test]
async fn a_long_answer_is_gzip_for_those_who_ask() {
    let house = House::open().await;
    let line = "GET /openidm/many?_queryFilter=true";
    let (head, body) = send(&house, line, "Accept-Encoding: gzip, br\r\n", Vec::new()).await;
    assert!(
        head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"),
        "{head}"
    );
    let mut text = String::new();
    GzDecoder::new(&*unchunked(&body)).read_to_string(&mut text).unwrap();
    let envelope: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(envelope["resultCount"], json!(MANY));

    for (line, accepted) in [
        (line, ""),
        (line, "Accept-Encoding: gzip;q=0\r\n"),
        ("GET /openidm/many/00001", "Accept-Encoding: gzip\r\n"),
    ] {
        let (head, body) = send(&house, line, accepted, Vec::new()).await;
        assert!(
            head.starts_with("http/1.1 200") && !head.contains("content-encoding"),
            "{head}"
        );
        assert!(body.windows(8).any(|window| window == b"\"number\""), "{line}");
    }
}

#[tokio::test]
async fn an_answer_in_gzip_that_breaks_off_does_not_end_well() {
    let house = House::open().await;
    let (head, body) = send(
        &house,
        "GET /openidm/endless/fail?_queryFilter=true",
        "Accept-Encoding: gzip\r\n",
        Vec::new(),
    )
    .await;
    // How much of it has been sent by then is the machine's business.
    assert!(head.is_empty() || head.starts_with("http/1.1 200"), "{head}");
    assert!(!body.ends_with(b"0\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn a_body_in_gzip_is_decoded_and_limited_by_what_it_says() {
    let house = House::with(Limits {
        body_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let put = async |encoding: &str, body: Vec<u8>, status: &str, words: &str| {
        let headers = format!("Content-Encoding: {encoding}\r\n");
        let (head, body) = send(&house, "PUT /openidm/things/x", &headers, body).await;
        let body = String::from_utf8(body).unwrap();
        assert!(
            head.starts_with(&format!("http/1.1 {status}")) && body.contains(words),
            "{head}{body}"
        );
    };
    put("gzip", gzip("{\"a\": 1}"), "201", "\"a\":1").await;
    put("identity", b"{\"a\": 2}".to_vec(), "200", "\"a\":2").await;
    let bomb = gzip(&format!("{{\"a\": \"{}\"}}", "x".repeat(100_000)));
    assert!(bomb.len() < 1000);
    put("gzip", bomb, "413", "the body is longer than 1000 bytes").await;
    put("gzip", b"{\"a\": 1}".to_vec(), "400", "cannot be decoded").await;
    let mut cut = gzip("{\"a\": 1}");
    cut.truncate(cut.len() - 5);
    put("gzip", cut, "400", "cannot be decoded").await;
    for encoding in ["br", "deflate", "gzip, gzip", "x"] {
        put(encoding, gzip("{\"a\": 1}"), "415", "content-encoding is").await;
    }
    let (_, read) = send(&house, "GET /openidm/things/x", "", Vec::new()).await;
    assert!(String::from_utf8(read).unwrap().contains("\"a\":2"));
}
