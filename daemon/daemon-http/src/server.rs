//! The accept loop: bounded connections, bounded waits, and a drain at the end.

use crate::api::Api;
use crate::guard;
use crate::meter::Refused;
use crate::router;
use crate::stall::Stalling;
use axum::Router;
use axum::http::Request;
use contract_model::{ErrorCode, limits};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Room for a header that is refused with a proper answer instead of a bare 431.
const READ_BUFFER_BYTES: usize = 128 * 1024;
/// Pause after the system refused a connection for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
    retry-after: 1\r\nconnection: close\r\n\r\n\
    {\"type\":\"urn:trunkline:error:OVERLOADED\",\"title\":\"A queue is full; try again later.\",\"status\":503,\
    \"code\":\"OVERLOADED\",\"detail\":\"HTTP_CONNECTIONS_MAX\"}";

/// Bounds of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Open connections.
    pub connections_max: usize,
    /// The longest wait for a request's header, and of an idle connection for its next request.
    pub header_timeout: Duration,
    /// How long a client may take nothing of what it is sent.
    pub write_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            connections_max: usize::try_from(limits::HTTP_CONNECTIONS_MAX).unwrap_or(usize::MAX),
            header_timeout: Duration::from_millis(limits::HTTP_READ_MS_MAX),
            write_timeout: Duration::from_millis(limits::HTTP_WRITE_MS_MAX),
        }
    }
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another program listens there.
    #[error(
        "{address} is in use by another program; choose another address with `--listen`, or `--listen 127.0.0.1:0` for any free port"
    )]
    InUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address}; choose an address of this machine with `--listen`")]
    Io {
        /// The address asked for.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

impl ServerError {
    /// The code of the error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InUse { .. } => ErrorCode::AddressInUse,
            Self::Io { .. } => ErrorCode::Internal,
        }
    }
}

/// A bound listener, serving as long as [`Server::run`] is polled. Clients that come before that wait.
pub struct Server {
    listener: TcpListener,
    config: ServerConfig,
    address: SocketAddr,
}

impl Server {
    /// Listens on the address; port 0 takes any free one.
    pub async fn bind(address: SocketAddr, config: ServerConfig) -> Result<Self, ServerError> {
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::InUse { address },
            _ => ServerError::Io { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, config, address })
    }

    /// The address in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the API until `stop` is true, then lets open requests end for at most `drain`. Gives the number of
    /// connections that had to be cut.
    pub async fn run(self, api: Api, mut stop: watch::Receiver<bool>, drain: Duration) -> usize {
        let places = Arc::new(Semaphore::new(self.config.connections_max));
        let router = router::of(&api);
        let told = stop.clone();
        let mut stopped = std::pin::pin!(until(&mut stop));
        loop {
            tokio::select! {
                () = stopped.as_mut() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => self.open(stream, &router, &api, &places, told.clone()),
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        api.stop();
        drop(self.listener);
        // Every connection holds a place, so holding all places means that none is open.
        let all = u32::try_from(self.config.connections_max).unwrap_or(u32::MAX);
        match tokio::time::timeout(drain, places.acquire_many(all)).await {
            Ok(_) => 0,
            Err(_) => self.config.connections_max - places.available_permits(),
        }
    }

    fn open(
        &self,
        stream: TcpStream,
        router: &Router,
        api: &Api,
        places: &Arc<Semaphore>,
        stop: watch::Receiver<bool>,
    ) {
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            api.meter.refused(Refused::of(ErrorCode::Overloaded.as_str(), "HTTP_CONNECTIONS_MAX"));
            tokio::spawn(turn_away(stream));
            return;
        };
        // Without it small answers wait for the client's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        tokio::spawn(serve(stream, router.clone(), api.clone(), self.config.clone(), stop, place));
    }
}

/// A connection's place among those that may be open. What goes on over the connection after its last request, as a web
/// socket does, keeps it.
#[derive(Clone)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, never looked at")] Arc<OwnedSemaphorePermit>);

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    router: Router,
    api: Api,
    config: ServerConfig,
    mut stop: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    let place = Place(Arc::new(place));
    let held = place.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(held.clone());
        guard::serve(router.clone(), api.clone(), request)
    });
    let io = TokioIo::new(Stalling::new(stream, config.write_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(READ_BUFFER_BYTES)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = until(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

/// Waits until `stop` is true, or nobody is left who could make it so.
async fn until(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Tells a client over the limit so, without reading what it sent.
async fn turn_away(mut stream: TcpStream) {
    let told = tokio::time::timeout(Duration::from_secs(1), stream.write_all(TOO_MANY)).await;
    if !matches!(told, Ok(Ok(()))) {
        tracing::debug!("a client over the connection limit could not be told");
    }
}
