//! A connection of texts and lengths, as NATS and Redis speak: read to a line's end, or so many bytes.

use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Line {
    stream: TcpStream,
    read: Vec<u8>,
    /// Everything before it was given out.
    at: usize,
}

impl Line {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4 * 1024), at: 0 })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The next line, without its end.
    pub(crate) async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(length) = self.read[self.at..].windows(2).position(|two| two == b"\r\n") {
                return Ok(self.take(length));
            }
            self.more().await?;
        }
    }

    /// So many bytes as text, and the line's end after them.
    pub(crate) async fn bytes(&mut self, count: usize) -> Result<String> {
        while self.read.len() - self.at < count + 2 {
            self.more().await?;
        }
        Ok(self.take(count))
    }

    /// Whether a line has come that was not given out.
    pub(crate) fn has_line(&self) -> bool {
        self.read[self.at..].windows(2).any(|two| two == b"\r\n")
    }

    fn take(&mut self, count: usize) -> String {
        let text = String::from_utf8_lossy(&self.read[self.at..self.at + count]).into_owned();
        self.at += count + 2;
        text
    }

    async fn more(&mut self) -> Result<()> {
        self.read.drain(..self.at);
        self.at = 0;
        ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the server closed the connection inside an answer");
        Ok(())
    }
}
