//! Events as the lines of one body that stays open.

use crate::Client;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(1);

/// An open body and the lines that are answered to it.
pub struct Lines {
    stream: TcpStream,
    answers: Receiver<Value>,
}

impl Lines {
    /// Begins a body, with further header lines, each ended by a line break.
    #[must_use]
    pub fn open(client: &Client, headers: &str) -> Self {
        let address = client.url().strip_prefix("http://").expect("a plain address");
        let mut stream = TcpStream::connect(address).expect("the daemon listens");
        let head = format!(
            "POST /api/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/x-ndjson\r\n{headers}transfer-encoding: chunked\r\n\r\n",
            client.token()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let (told, answers) = channel();
        let read = BufReader::new(stream.try_clone().expect("a second handle"));
        std::thread::spawn(move || {
            // Heads of HTTP and of chunks stand on lines of their own, and no line of JSON is broken by them for a
            // chunk holds whole lines.
            for line in read.lines().map_while(Result::ok) {
                if line.starts_with('{') && told.send(serde_json::from_str(&line).expect("a line of JSON")).is_err() {
                    return;
                }
            }
        });
        Self { stream, answers }
    }

    /// Sends whole lines; whether they could be sent.
    pub fn send(&mut self, lines: &[String]) -> bool {
        let body = lines.join("\n") + "\n";
        self.stream.write_all(format!("{:x}\r\n{body}\r\n", body.len()).as_bytes()).is_ok()
    }

    /// The next answer; panics when none comes.
    #[must_use]
    pub fn next(&self) -> Value {
        self.next_within(PATIENCE).expect("an answer")
    }

    /// The next answer, if one comes within this time.
    #[must_use]
    pub fn next_within(&self, patience: Duration) -> Option<Value> {
        self.answers.recv_timeout(patience).ok()
    }

    /// The answers that have come until the connection ended.
    #[must_use]
    pub fn rest(self) -> Vec<Value> {
        self.answers.iter().collect()
    }
}
