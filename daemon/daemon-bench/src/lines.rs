//! A client of `POST /api/events` with a body of lines: one request that goes on, many events under way.

use anyhow::{Context, Result, ensure};
use std::io::Write as _;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What ends a body in chunks.
const END: &[u8] = b"0\r\n\r\n";
/// Bytes of the end of a line of HTTP.
const LINE_END: usize = 2;

pub(crate) struct Connection {
    stream: TcpStream,
    head: &'static str,
    /// As it came, from the next chunk's head on.
    raw: Vec<u8>,
    /// Bytes that are still to come of the chunk that is being read, with the line end after it.
    left: usize,
    /// Out of the chunks; before `at` everything was given out.
    text: Vec<u8>,
    at: usize,
    /// The server sends no more.
    ended: bool,
}

impl Connection {
    /// `head` is more lines of the request's head, each ended by a line break.
    pub(crate) async fn open(address: SocketAddr, token: Option<&str>, head: &'static str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "POST /api/events HTTP/1.1\r\nhost: bench\r\n{authorization}{head}content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut connection =
            Self { stream, head, raw: Vec::with_capacity(64 * 1024), left: 0, text: Vec::new(), at: 0, ended: false };
        connection.read_head().await?;
        Ok(connection)
    }

    /// The lines of its head that it was opened with.
    pub(crate) fn head(&self) -> &'static str {
        self.head
    }

    /// Sends these lines as one chunk.
    pub(crate) async fn write(&mut self, lines: impl Iterator<Item = &str>) -> Result<()> {
        let mut body = Vec::new();
        for line in lines {
            body.extend_from_slice(line.as_bytes());
            body.push(b'\n');
        }
        let mut chunk = Vec::with_capacity(body.len() + 16);
        write!(chunk, "{:x}\r\n", body.len())?;
        chunk.extend_from_slice(&body);
        chunk.extend_from_slice(b"\r\n");
        Ok(self.stream.write_all(&chunk).await?)
    }

    /// The next line of the answer.
    pub(crate) async fn line(&mut self) -> Result<&[u8]> {
        loop {
            if let Some(length) = self.text[self.at..].iter().position(|byte| *byte == b'\n') {
                let line = self.at..self.at + length;
                self.at += length + 1;
                return Ok(&self.text[line]);
            }
            self.text.drain(..self.at);
            self.at = 0;
            self.more().await?;
        }
    }

    /// Whether the next line of the answer has come.
    pub(crate) fn has_line(&self) -> bool {
        self.text[self.at..].contains(&b'\n')
    }

    /// Ends the body, so that the server sees a whole one.
    pub(crate) async fn end(mut self) -> Result<()> {
        Ok(self.stream.write_all(END).await?)
    }

    async fn read_head(&mut self) -> Result<()> {
        let end = loop {
            if let Some(at) = self.raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.raw[..end]).to_ascii_lowercase();
        let right = head.starts_with("http/1.1 200") && head.contains("transfer-encoding: chunked");
        ensure!(right, "the stream was answered {}", String::from_utf8_lossy(&self.raw));
        self.raw.drain(..end);
        Ok(())
    }

    /// Takes what has come out of its chunks, at least a byte.
    async fn more(&mut self) -> Result<()> {
        loop {
            let before = self.text.len();
            self.dechunk()?;
            if self.text.len() > before {
                return Ok(());
            }
            ensure!(!self.ended, "the server ended the stream");
            self.fill().await?;
        }
    }

    fn dechunk(&mut self) -> Result<()> {
        let mut at = 0;
        loop {
            let bytes = self.left.saturating_sub(LINE_END).min(self.raw.len() - at);
            self.text.extend_from_slice(&self.raw[at..at + bytes]);
            (at, self.left) = (at + bytes, self.left - bytes);
            if self.left <= LINE_END {
                let bytes = self.left.min(self.raw.len() - at);
                (at, self.left) = (at + bytes, self.left - bytes);
            }
            if self.left > 0 {
                break;
            }
            let Some(size) = self.raw[at..].windows(LINE_END).position(|two| two == b"\r\n") else { break };
            let bytes = usize::from_str_radix(std::str::from_utf8(&self.raw[at..at + size])?, 16)?;
            if bytes == 0 {
                self.ended = true;
                break;
            }
            (at, self.left) = (at + size + LINE_END, bytes + LINE_END);
        }
        self.raw.drain(..at);
        Ok(())
    }

    async fn fill(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.raw).await? > 0, "the server closed the connection inside an answer");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn lines_come_out_of_chunks_wherever_these_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n6\r\n\ntwo\nt\r\n5\r\nhree\n\r\n0\r\n\r\n";
            for piece in answer.chunks(7) {
                stream.write_all(piece).await.expect("an answer is taken");
                tokio::task::yield_now().await;
            }
            let mut asked = Vec::new();
            while !asked.ends_with(b"a\nb\n\r\n") {
                stream.read_buf(&mut asked).await.expect("read");
            }
        });
        let mut connection = Connection::open(address, None, "").await.expect("a stream");
        connection.write(["a", "b"].into_iter()).await.expect("sent");
        for line in ["one", "two", "three"] {
            assert_eq!(connection.line().await.expect("a line"), line.as_bytes());
        }
        assert!(connection.line().await.is_err_and(|error| error.to_string().contains("ended the stream")));
        server.await.expect("served");
    }
}
