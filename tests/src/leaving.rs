//! A client that goes away before it is answered.

use crate::client::Client;
use crate::wait::wait_until;
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A request that is sent and whose answer nobody will read.
pub struct Leaving {
    stream: TcpStream,
}

impl Leaving {
    /// Sends a request with a JSON body and further header lines, each ended by a line break.
    #[must_use]
    pub fn send(client: &Client, method: &str, path: &str, headers: &str, body: &Value) -> Self {
        let address = client.url().strip_prefix("http://").expect("a plain address");
        let mut stream = TcpStream::connect(address).expect("the daemon listens");
        let (token, body) = (client.token(), body.to_string());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        Self { stream }
    }

    /// Closes the connection, and waits until the daemon has let go of its end: by then whatever it did for this client
    /// alone has ended.
    pub fn leave(self) {
        let port = |address: std::io::Result<std::net::SocketAddr>| address.expect("a connection").port();
        let (ours, theirs) = (port(self.stream.local_addr()), port(self.stream.peer_addr()));
        drop(self.stream);
        wait_until(PATIENCE, || (!is_held(theirs, ours)).then_some(()));
    }
}

/// Whether a process holds the end at `local` of a connection from `remote`: it is open, or only the other end is closed.
fn is_held(local: u16, remote: u16) -> bool {
    const HELD: [&str; 2] = ["01", "08"];
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_port = |at: usize, port: u16| fields.get(at).is_some_and(|end| end.ends_with(&format!(":{port:04X}")));
        is_port(1, local) && is_port(2, remote) && fields.get(3).is_some_and(|state| HELD.contains(state))
    })
}
