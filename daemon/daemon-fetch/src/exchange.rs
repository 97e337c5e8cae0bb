//! One request and its answer, over a connection of its own.

use crate::grant::allows;
use crate::{Answer, Bounds, FetchError, Request};
use contract_model::limits::FETCH_BYTES_MAX;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

/// Longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The authorities that browsers trust too.
static TLS: LazyLock<Result<TlsConnector, String>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
});

/// Asks once, where it may.
pub(crate) async fn exchange(bounds: &Bounds<'_>, request: &Request) -> Result<Answer, FetchError> {
    let url = &request.url;
    let message = message(bounds, request)?;
    let stream = connect(bounds, url).await?;
    let failed = |error: hyper::Error| FetchError::Failed(format!("{}: {}", origin(url), told(&error)));
    let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(failed)?;
    let answer = async {
        let (head, body) = sender.send_request(message).await.map_err(failed)?.into_parts();
        let limit = usize::try_from(FETCH_BYTES_MAX).unwrap_or(usize::MAX);
        let body =
            Limited::new(body, limit).collect().await.map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => failed(*error),
                Err(_) => FetchError::TooLarge(FETCH_BYTES_MAX),
            })?;
        let body = body.to_bytes().to_vec();
        Ok(Answer { status: head.status.as_u16(), headers: joined(&head.headers), body })
    };
    tokio::pin!(answer);
    // The connection ends with the answer; what it says of its end, the answer says too.
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

/// Connects to the first address of a host that may be reached and answers.
async fn connect(bounds: &Bounds<'_>, url: &Url) -> Result<Box<dyn Stream>, FetchError> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(FetchError::Invalid(format!("`{url}` names no host")));
    };
    let failed = |error: std::io::Error| FetchError::Failed(format!("{}: {error}", origin(url)));
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, port)).await.map_err(failed)?.collect();
    let (open, closed): (Vec<SocketAddr>, Vec<SocketAddr>) =
        found.into_iter().partition(|address| (bounds.may_reach)(address.ip()));
    if let (true, Some(address)) = (open.is_empty(), closed.first()) {
        return Err(FetchError::NotPublic { host: host.to_owned(), address: address.ip() });
    }
    let stream = TcpStream::connect(open.as_slice()).await.map_err(failed)?;
    if url.scheme() != "https" {
        return Ok(Box::new(stream));
    }
    let tls = TLS.as_ref().map_err(|error| FetchError::Failed(error.clone()))?;
    let server = ServerName::try_from(name.to_owned()).map_err(|error| FetchError::Invalid(error.to_string()))?;
    Ok(Box::new(tls.connect(server, stream).await.map_err(failed)?))
}

/// What is sent, where it may be.
pub(crate) fn message(bounds: &Bounds<'_>, request: &Request) -> Result<hyper::Request<Full<Bytes>>, FetchError> {
    let url = &request.url;
    if !allows(bounds.hosts, url) {
        return Err(FetchError::NotGranted(origin(url)));
    }
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let invalid = |error: String| FetchError::Invalid(error);
    let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
    let message = hyper::Request::builder().method(request.method.as_str()).uri(target).header(HOST, authority);
    let mut message = message.body(body).map_err(|error| invalid(error.to_string()))?;
    for (name, value) in &request.headers {
        let header = HeaderName::try_from(name).map_err(|_| invalid(format!("`{name}` is no name of a header")))?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| invalid(format!("the value of the header `{name}` cannot be sent")))?;
        message.headers_mut().append(header, value);
    }
    // Nothing is decompressed here, so a host is told to compress nothing.
    message.headers_mut().entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    Ok(message)
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut all = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let kept = all.entry(name.as_str().to_owned()).or_default();
        if !kept.is_empty() {
            kept.push_str(", ");
        }
        kept.push_str(&value);
    }
    all
}

/// Scheme, host and port, without what may be secret in the rest.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn told(error: &hyper::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
