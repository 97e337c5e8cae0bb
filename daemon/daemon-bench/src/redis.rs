//! A small client of Redis: one connection, one command at a time.
//! Protocol: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use crate::line::Line;
use anyhow::{Result, bail};
use std::net::SocketAddr;

pub(crate) struct Connection(Line);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self(Line::open(address).await?))
    }

    /// The answer to a command that is answered by a number or a text.
    pub(crate) async fn ask(&mut self, words: &[String]) -> Result<String> {
        let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let command = words.clone().count();
        self.0.write(format!("*{command}\r\n{}", words.collect::<String>()).as_bytes()).await?;
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
}
