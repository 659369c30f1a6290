//! A load generator that costs little: blocking sockets, one request under way on each, no pipelining.
//!
//! Each turn reads one connection's answer and sends its next request at once, so that all others are
//! in the server's hands meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Keep-alive connections of a load.
pub(crate) const CONNECTIONS: u32 = 32;

/// Longest time one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What is measured only once the server is warm.
const WARM_UP: Duration = Duration::from_millis(500);

/// Longest answer that is understood.
const MAX_ANSWER: usize = 512 * 1024;

/// How every answer begins.
const SUCCESS: &[u8] = b"HTTP/1.1 200 ";

/// Asks for `path` for `time`; gives answered requests per second.
pub(crate) fn requests_per_second(server: SocketAddr, request: &Request, time: Duration) -> Result<f64> {
    let mut connections = (0..CONNECTIONS)
        .map(|_| Connection::open(server))
        .collect::<Result<Vec<_>>>()?;
    for connection in &mut connections {
        connection.send(request)?;
    }
    turns(&mut connections, request, WARM_UP)?;
    let began = Instant::now();
    let answered = turns(&mut connections, request, time)?;
    Ok(f64::from(answered) / began.elapsed().as_secs_f64())
}

/// One request on a connection of its own; gives the length of its answer.
pub(crate) fn once(server: SocketAddr, request: &Request) -> Result<usize> {
    let mut connection = Connection::open(server)?;
    connection.send(request)?;
    connection.receive()?;
    Ok(connection.expected)
}

/// How long each of `count` requests takes, one after the other on one connection.
pub(crate) fn times(server: SocketAddr, request: &Request, count: usize) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(server)?;
    let mut one = || {
        let began = Instant::now();
        connection.send(request)?;
        connection.receive()?;
        Ok(began.elapsed())
    };
    one()?;
    (0..count).map(|_| one()).collect()
}

/// A request as it is sent.
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// A `GET`, with the cookies of a session if one is needed.
    pub(crate) fn new(server: SocketAddr, path: &str, cookies: Option<&str>) -> Self {
        let cookies = cookies
            .map(|cookies| format!("Cookie: {cookies}\r\n"))
            .unwrap_or_default();
        Self(format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n{cookies}\r\n").into_bytes())
    }
}

fn turns(connections: &mut [Connection], request: &Request, time: Duration) -> Result<u32> {
    let began = Instant::now();
    let mut answered = 0;
    while began.elapsed() < time {
        for connection in &mut *connections {
            connection.receive()?;
            connection.send(request)?;
            answered += 1;
        }
    }
    Ok(answered)
}

struct Connection {
    stream: TcpStream,
    /// Length of the last answer. The next one is as long, so that its head need not be read again: the
    /// generator must cost less than the server, in a debug build too.
    expected: usize,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(server: SocketAddr) -> Result<Self> {
        let open = || {
            let stream = TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            Ok::<_, std::io::Error>(stream)
        };
        Ok(Self {
            stream: open().with_context(|| format!("connecting to {server}"))?,
            expected: 0,
            buffer: vec![0; MAX_ANSWER],
        })
    }

    fn send(&mut self, request: &Request) -> Result<()> {
        self.stream.write_all(&request.0).context("sending a request")
    }

    /// Reads one whole answer, which must be a 200.
    fn receive(&mut self) -> Result<()> {
        let mut filled = 0;
        loop {
            let read = self
                .stream
                .read(&mut self.buffer[filled..])
                .context("waiting for an answer")?;
            ensure!(read > 0, "the connection ended in an answer");
            filled += read;
            let answer = &self.buffer[..filled];
            if filled == self.expected && answer.starts_with(SUCCESS) {
                return Ok(());
            }
            match length(answer)? {
                Some(length) if length == filled => {
                    self.expected = length;
                    return Ok(());
                }
                Some(length) if length < filled => bail!("more was answered than asked for"),
                _ => {}
            }
        }
    }
}

/// The length of a whole answer, once its head is there.
fn length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end]).context("reading the head of an answer")?;
    ensure!(
        answer.starts_with(SUCCESS),
        "the answer is not 200: {}",
        head.lines().next().unwrap_or_default()
    );
    let body = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let body = body.context("the answer does not say how long it is")?;
    Ok(Some(end + 4 + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(length(&head[..20]).unwrap(), None);
        assert_eq!(length(head).unwrap(), Some(head.len() + 2));
        assert!(length(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn requests_are_counted_by_their_answers() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || answer(stream.unwrap()));
            }
        });
        let rate = requests_per_second(
            server,
            &Request::new(server, "/", None),
            Duration::from_millis(50),
        )
        .unwrap();
        assert!(rate > f64::from(CONNECTIONS), "{rate}");
    }

    /// Answers each read, which is one request, until the client goes.
    fn answer(mut stream: TcpStream) {
        let mut buffer = [0; 256];
        while matches!(stream.read(&mut buffer), Ok(1..)) {
            if stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .is_err()
            {
                return;
            }
        }
    }
}
