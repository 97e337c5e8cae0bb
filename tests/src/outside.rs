//! A host outside, played on the loopback interface.

use crate::binary;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as the host saw it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Such as `GET /x`.
    pub line: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Seen {
    /// A header line, empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }
}

/// Answers each request with what a function makes of it: the whole of the answer in text or bytes, or nothing at all.
pub struct Outside {
    /// Its port.
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Outside {
    /// Listens on a free port until the test ends.
    #[must_use]
    pub fn of<A: Into<Vec<u8>>>(answer: impl Fn(&Seen, usize) -> A + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1", answer)
    }

    /// The same at another address of this machine.
    #[must_use]
    pub fn at<A: Into<Vec<u8>>>(address: &str, answer: impl Fn(&Seen, usize) -> A + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (all, answer) = (seen.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, answer) = (all.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let _ = stream.set_read_timeout(Some(Duration::from_mins(1)));
                    serve(&mut stream, &all, &|seen, count| answer(seen, count).into());
                });
            }
        });
        Self { port, seen }
    }

    /// The same behind TLS, with the certificate and the key of `fixtures/tls`.
    #[must_use]
    pub fn secure<A: Into<Vec<u8>>>(answer: impl Fn(&Seen, usize) -> A + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (all, config) = (seen.clone(), Arc::new(tls()));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(config.clone()).expect("a connection");
                let mut stream = StreamOwned::new(connection, stream);
                serve(&mut stream, &all, &|seen, count| answer(seen, count).into());
                stream.conn.send_close_notify();
                // A client that has hung up reads no farewell.
                let _ = stream.flush();
            }
        });
        Self { port, seen }
    }

    /// What it was asked so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panicked in it").clone()
    }
}

/// A byte that is not sent: it makes the host pause for 100 ms. No text in UTF-8 holds it.
pub const PAUSE: u8 = 0xff;

/// An answer with a body.
#[must_use]
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

fn tls() -> ServerConfig {
    let file = |name: &str| binary::workspace().join("tests/fixtures/tls").join(name);
    let certificate = CertificateDer::from_pem_file(file("localhost.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(file("localhost.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    config.with_single_cert(vec![certificate], key).expect("the key is the certificate's")
}

fn serve(stream: &mut (impl Read + Write), all: &Mutex<Vec<Seen>>, answer: &dyn Fn(&Seen, usize) -> Vec<u8>) {
    let Some(seen) = read(stream) else { return };
    let before = {
        let mut all = all.lock().expect("no test panicked in it");
        all.push(seen.clone());
        all.iter().filter(|one| one.line == seen.line).count()
    };
    let answered = answer(&seen, before);
    if answered.is_empty() {
        // It never answers, and hangs up only when the client has.
        let _ = stream.read(&mut [0]);
        return;
    }
    // A client that has hung up reads no answer.
    for piece in answered.split_inclusive(|byte| *byte == PAUSE) {
        if stream.write_all(piece.strip_suffix(&[PAUSE]).unwrap_or(piece)).is_err() {
            return;
        }
        if piece.ends_with(&[PAUSE]) {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn read(stream: &mut impl Read) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.trim_end().rsplit_once(' ')?.0.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut seen = Seen { line, headers, body: String::new(), bytes: Vec::new() };
    let mut body = vec![0; seen.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8_lossy(&body).into_owned();
    seen.bytes = body;
    Some(seen)
}
