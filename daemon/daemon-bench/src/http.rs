//! A small HTTP/1.1 client for load: one kept-alive connection, one request at a time, no allocation to speak of.

use anyhow::{Context, Result, bail, ensure};
use std::io::Write as _;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The header line of the token, if there is one.
    authorization: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// An answer, read where it arrived.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr, token: Option<&str>) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        Ok(Self { stream, authorization, request: Vec::new(), answer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends one request and reads its answer.
    pub(crate) async fn send(&mut self, method: &str, path: &str, extra: &str, body: &str) -> Result<Answer<'_>> {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: bench\r\n{}content-type: application/json\r\n{extra}content-length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        )?;
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let head = self.read_head().await?;
        let (status, length) = parse_head(&self.answer[..head])?;
        let end = match length {
            Length::Of(bytes) => head + bytes,
            Length::Chunked => self.join_chunks(head).await?,
        };
        while self.answer.len() < end {
            self.read_more().await?;
        }
        Ok(Answer { status, body: &self.answer[head..end] })
    }

    /// Reads a chunked body to its end and closes the gaps in it; gives where it then ends.
    async fn join_chunks(&mut self, head: usize) -> Result<usize> {
        let mut end = head;
        loop {
            let Some(size) = self.answer[end..].windows(2).position(|two| two == b"\r\n") else {
                self.read_more().await?;
                continue;
            };
            let bytes = usize::from_str_radix(std::str::from_utf8(&self.answer[end..end + size])?, 16)?;
            while self.answer.len() < end + size + 2 + bytes + 2 {
                self.read_more().await?;
            }
            self.answer.drain(end + size + 2 + bytes..end + size + 2 + bytes + 2);
            self.answer.drain(end..end + size + 2);
            end += bytes;
            if bytes == 0 {
                return Ok(end);
            }
        }
    }

    async fn read_head(&mut self) -> Result<usize> {
        loop {
            if let Some(at) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(at + 4);
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server closed the connection inside an answer");
        Ok(())
    }
}

/// How long a body is.
#[derive(Debug, PartialEq)]
enum Length {
    Of(usize),
    Chunked,
}

/// Status and length of the body.
fn parse_head(head: &[u8]) -> Result<(u16, Length)> {
    let text = std::str::from_utf8(head)?;
    let status = text.split(' ').nth(1).context("a status line")?.parse()?;
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            return Ok((status, Length::Of(value.trim().parse()?)));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked") {
            return Ok((status, Length::Chunked));
        }
    }
    bail!("an answer that does not say how long it is: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn a_head_gives_status_and_length() {
        let head = b"HTTP/1.1 201 Created\r\nContent-Length: 17\r\n\r\n";
        assert_eq!(parse_head(head).expect("a head"), (201, Length::Of(17)));
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n").is_err());
    }

    /// Answers each request on one connection with the next of these bytes, in pieces of seven.
    async fn server(answers: [&'static [u8]; 2]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            for answer in answers {
                let _ = stream.read(&mut [0; 4096]).await.expect("a request");
                for piece in answer.chunks(7) {
                    stream.write_all(piece).await.expect("an answer is taken");
                    tokio::task::yield_now().await;
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn chunks_are_joined_and_the_connection_goes_on() {
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n, and again\r\n0\r\n\r\n";
        let address = server([chunked, b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno"]).await;
        let mut connection = Connection::open(address, None).await.expect("a connection");
        let first = connection.send("GET", "/", "", "").await.expect("an answer");
        assert_eq!((first.status, first.body), (200, b"hello, and again".as_slice()));
        let second = connection.send("GET", "/", "", "").await.expect("an answer");
        assert_eq!((second.status, second.body), (404, b"no".as_slice()));
    }
}
