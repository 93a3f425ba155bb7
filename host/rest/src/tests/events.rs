//! Resources that are watched.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::house::House;
use crate::limits::{EVENT_HEARTBEAT, EVENT_POLL, EVENT_STREAMS};

/// A stream of events, and its connection.
struct Stream(Option<BufReader<TcpStream>>);

impl Stream {
    async fn open(house: &House, path: &str) -> Self {
        let request = format!(
            "GET /openidm/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\
             accept-encoding: gzip\r\n\r\n",
            house.token.expose()
        );
        let address = house.address;
        let reader = spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            BufReader::new(stream)
        });
        Self(Some(reader.await.unwrap()))
    }

    /// The next line that begins like this; none when the stream has ended. Meanwhile the time goes on in steps.
    async fn line(&mut self, house: &House, start: &'static str, step: Duration) -> Option<String> {
        loop {
            let mut reader = self.0.take().unwrap();
            let (reader, read) = spawn_blocking(move || {
                reader
                    .get_ref()
                    .set_read_timeout(Some(Duration::from_millis(10)))
                    .unwrap();
                let mut line = String::new();
                let read = reader.read_line(&mut line).map(|_| line);
                (reader, read)
            })
            .await
            .unwrap();
            self.0 = Some(reader);
            match read {
                Ok(line) if line.is_empty() => return None,
                Ok(line) if line.starts_with(start) => return Some(line.trim_end().to_owned()),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    house.clock.advance(step)
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_resource_tells_every_change_until_it_has_ended() {
    let house = House::open().await;
    let put = async |body: &str| house.call("PUT", "things/a", &[], body).await;
    put(r#"{"n":1,"ended":null}"#).await;
    let mut stream = Stream::open(&house, "things/a?_fields=n").await;
    let step = EVENT_POLL;
    assert_eq!(stream.line(&house, "HTTP/", step).await.unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(
        stream.line(&house, "content-type", step).await.unwrap(),
        "content-type: text/event-stream"
    );
    let told = stream.line(&house, "data: ", step).await.unwrap();
    assert!(told.contains(r#""n":1"#), "{told}");
    // What nobody sees is no change, and silence is told.
    assert_eq!(
        stream.line(&house, ": ", EVENT_HEARTBEAT).await.unwrap(),
        ": still here"
    );
    put(r#"{"n":2,"ended":null}"#).await;
    let told = stream.line(&house, "data: ", step).await.unwrap();
    assert!(told.contains(r#""n":2"#), "{told}");
    put(r#"{"n":3,"ended":"now"}"#).await;
    let told = stream.line(&house, "data: ", step).await.unwrap();
    assert!(told.contains(r#""n":3"#), "{told}");
    // The end of the chunks.
    assert_eq!(stream.line(&house, "0", step).await.unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_resource_that_goes_ends_the_stream_with_the_problem() {
    let house = House::open().await;
    house.call("PUT", "things/a", &[], r#"{"n":1}"#).await;
    let mut stream = Stream::open(&house, "things/a").await;
    stream.line(&house, "data: ", EVENT_POLL).await.unwrap();
    house.call("DELETE", "things/a", &[], "").await;
    assert_eq!(
        stream.line(&house, "event: ", EVENT_POLL).await.unwrap(),
        "event: problem"
    );
    let told = stream.line(&house, "data: ", EVENT_POLL).await.unwrap();
    assert!(told.contains(r#""code":404"#), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_cannot_be_watched() {
    let house = House::open().await;
    let accept = [("accept", "text/event-stream")];
    let answer = house.call("GET", "things/none", &accept, "").await;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (404, Some(404)));
    let stranger = house.anonymous("GET", "/openidm/things/none", &accept, "").await;
    assert_eq!(stranger.status, 401);
    // A query is what it always was.
    let query = house
        .call("GET", "many?_queryFilter=true&_pageSize=1", &accept, "")
        .await;
    assert_eq!(query.json()["resultCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_who_goes_makes_room() {
    let house = House::open().await;
    house.call("PUT", "things/a", &[], r#"{"n":1}"#).await;
    let mut streams = Vec::new();
    for _ in 0..EVENT_STREAMS {
        let mut stream = Stream::open(&house, "things/a").await;
        stream.line(&house, "data: ", Duration::ZERO).await.unwrap();
        streams.push(stream);
    }
    let accept = [("accept", "text/event-stream")];
    let refused = house.call("GET", "things/a", &accept, "").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("too many streams"), "{}", refused.body);
    // Streams take no places from others.
    assert_eq!(house.call("GET", "things/a", &[], "").await.status, 200);
    streams.pop();
    loop {
        let mut stream = Stream::open(&house, "things/a").await;
        if stream.line(&house, "HTTP/", Duration::ZERO).await.unwrap() == "HTTP/1.1 200 OK" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_ends_its_streams() {
    let house = House::open().await;
    house.call("PUT", "things/a", &[], r#"{"n":1}"#).await;
    let mut stream = Stream::open(&house, "things/a").await;
    stream.line(&house, "data: ", Duration::ZERO).await.unwrap();
    // The time stands still: nothing but the stop ends it.
    house.shut().await.unwrap();
}
