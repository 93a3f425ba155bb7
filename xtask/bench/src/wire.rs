//! The cheapest client there is: threads that send the same kind of request over connections that stay open, and look at
//! nothing but status and length of the answers. It shares the machine with the server, so what it costs counts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, bail, ensure};

use crate::raw::instant;

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    /// Header lines of every request.
    headers: String,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr, headers: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::with_capacity(64 * 1024, stream.try_clone()?),
            stream,
            headers: headers.to_owned(),
        })
    }

    /// Sends a request and gives the body of its answer, which has to be good.
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n{}{headers}\r\n",
            body.len(),
            self.headers
        );
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body)?;
        let (mut length, mut is_chunked, mut line) = (0, false, String::new());
        self.reader.read_line(&mut line)?;
        let status: u16 = line.split(' ').nth(1).context("no status")?.parse()?;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
            is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        ensure!(!is_chunked, "{path}: the bench reads no chunks");
        let mut answer = vec![0; length];
        self.reader.read_exact(&mut answer)?;
        if !(200..300).contains(&status) {
            bail!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }
}

/// Requests per second of some connections, each on a thread of its own.
pub(crate) fn rate(
    address: SocketAddr,
    headers: &str,
    connections: u64,
    requests: u64,
    path: impl Fn(u64) -> String + Sync,
) -> anyhow::Result<f64> {
    let path = &path;
    let started = instant();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|number| {
                scope.spawn(move || {
                    let mut connection = Connection::open(address, headers)?;
                    for request in (number..requests).step_by(connections as usize) {
                        let answer = connection.send("GET", &path(request), "", b"")?;
                        ensure!(answer.len() > 100, "an answer is too short to be the object");
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        anyhow::Ok(())
    })?;
    Ok(requests as f64 / started.elapsed().as_secs_f64())
}
