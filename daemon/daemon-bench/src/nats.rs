//! A small client of NATS: one connection, one request at a time, each answered in the connection's own inbox.
//! Protocol: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.

use crate::line::Line;
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

static INBOXES: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Connection {
    line: Line,
    inbox: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let mut line = Line::open(address).await?;
        let inbox = format!("_INBOX.bench{}", INBOXES.fetch_add(1, Ordering::Relaxed));
        let hello = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {inbox} 1\r\nPING\r\n");
        line.write(hello.as_bytes()).await?;
        while line.line().await? != "PONG" {}
        Ok(Self { line, inbox })
    }

    /// Publishes and gives the answer: for a subject of a stream the acknowledgement, for one of the API its reply.
    pub(crate) async fn ask(&mut self, subject: &str, payload: &str) -> Result<String> {
        let request = format!("PUB {subject} {} {}\r\n{payload}\r\n", self.inbox, payload.len());
        self.line.write(request.as_bytes()).await?;
        loop {
            let head = self.line.line().await?;
            match head.split(' ').next() {
                Some("MSG") => {
                    let length = head.rsplit(' ').next().context("a length")?.parse()?;
                    return self.line.bytes(length).await;
                }
                // The answer that nobody listens comes with headers and no payload.
                Some("HMSG" | "-ERR") => bail!("{subject} was answered {head}"),
                Some("PING") => self.line.write(b"PONG\r\n").await?,
                _ => {}
            }
        }
    }
}
