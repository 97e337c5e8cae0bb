//! A small client of Redis: one connection, one command at a time.
//! Protocol: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use crate::line::Line;
use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::net::SocketAddr;

pub(crate) struct Connection(Line);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self(Line::open(address).await?))
    }

    /// The answer to a command that is answered by a number or a text.
    pub(crate) async fn ask(&mut self, words: &[String]) -> Result<String> {
        self.write([words].into_iter()).await?;
        self.answer().await
    }

    /// Sends these commands without waiting for an answer.
    pub(crate) async fn write(&mut self, commands: impl Iterator<Item = &[String]>) -> Result<()> {
        let mut bytes = String::new();
        for words in commands {
            write!(bytes, "*{}\r\n", words.len())?;
            for word in words {
                write!(bytes, "${}\r\n{word}\r\n", word.len())?;
            }
        }
        self.0.write(bytes.as_bytes()).await
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Result<String> {
        let line = self.0.line().await?;
        match line.split_at_checked(1) {
            Some(("$", length)) => match length.parse() {
                Ok(length) => self.0.bytes(length).await,
                Err(_) => bail!("nothing was answered: {line}"),
            },
            Some((":" | "+", rest)) => Ok(rest.to_owned()),
            _ => bail!("it answered {line}"),
        }
    }

    pub(crate) fn has_answer(&self) -> bool {
        self.0.has_line()
    }
}
