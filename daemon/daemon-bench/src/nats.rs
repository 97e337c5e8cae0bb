//! A small client of NATS: one connection, whose requests are answered in its own inbox.
//! Protocol: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.

use crate::line::Line;
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write;
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
        self.send([(subject, payload)]).await?;
        Ok(self.next().await.with_context(|| format!("{subject} was asked"))?.payload)
    }

    /// Publishes these without waiting for an answer.
    pub(crate) async fn write<'a>(&mut self, all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<()> {
        self.send(all).await
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Result<String> {
        Ok(self.next().await?.payload)
    }

    pub(crate) fn has_answer(&self) -> bool {
        self.line.has_line()
    }

    /// Publishes all of these at once and waits for as many answers, each of which holds `wanted`.
    pub(crate) async fn ask_all(&mut self, asked: &[(impl AsRef<str>, String)], wanted: &str) -> Result<()> {
        self.send(asked.iter().map(|(subject, payload)| (subject.as_ref(), payload.as_str()))).await?;
        for _ in asked {
            let answer = self.next().await?.payload;
            ensure!(answer.contains(wanted), "the answer was {answer}");
        }
        Ok(())
    }

    /// Pulls up to so many messages through a consumer of a stream, and gives them; at least one comes.
    pub(crate) async fn pull(&mut self, stream: &str, consumer: &str, count: usize) -> Result<Vec<Message>> {
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        self.send([(subject.as_str(), format!("{{\"batch\":{count}}}").as_str())]).await?;
        let mut messages = Vec::with_capacity(count);
        while messages.len() < count {
            messages.push(self.next().await?);
        }
        Ok(messages)
    }

    async fn send<'a>(&mut self, all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<()> {
        let mut bytes = String::new();
        for (subject, payload) in all {
            write!(bytes, "PUB {subject} {} {}\r\n{payload}\r\n", self.inbox, payload.len())?;
        }
        self.line.write(bytes.as_bytes()).await
    }

    /// The next message to the connection's inbox.
    async fn next(&mut self) -> Result<Message> {
        loop {
            let head = self.line.line().await?;
            let words: Vec<&str> = head.split(' ').collect();
            match words[..] {
                ["MSG", _, _, .., length] => {
                    let reply_to = words.get(3).filter(|_| words.len() == 5).map(|word| (*word).to_owned());
                    return Ok(Message { reply_to, payload: self.line.bytes(length.parse()?).await? });
                }
                // The answer that nobody listens, or that nothing more comes, has headers and no payload.
                ["HMSG" | "-ERR", ..] => bail!("the answer was {head}"),
                ["PING"] => self.line.write(b"PONG\r\n").await?,
                _ => {}
            }
        }
    }
}

/// A message that came.
pub(crate) struct Message {
    /// Where an answer or acknowledgement goes.
    pub(crate) reply_to: Option<String>,
    pub(crate) payload: String,
}
