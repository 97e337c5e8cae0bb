//! Answers until their clients have taken them: what they take in memory has its share in one room of the daemon.
//!
//! A share is given back with the last of the bytes that it was taken for, which is when they were written to the
//! connection: a client that does not read holds no more than what was made for it by then.

use crate::api::Api;
use crate::error::{ApiError, ApiResult};
use crate::meter::Served;
use crate::reply;
use crate::room::Share;
use axum::body::{Body, HttpBody};
use axum::http::{Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use contract_model::{ErrorCode, limits};
use daemon_store::Room;
use http_body_util::BodyExt;
use serde::Serialize;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An answer that takes no more than this needs no share: there are as many as connections.
const FREE_BYTES: u64 = 64 * 1024;
/// The text of an answer asks for room by so much at a time.
const GRAIN_BYTES: usize = 256 * 1024;

/// Bytes with what is given back when nobody holds them any more.
struct Held<T, S> {
    bytes: T,
    #[expect(dead_code, reason = "held, never looked at")]
    share: S,
}

impl<T: AsRef<[u8]>, S> AsRef<[u8]> for Held<T, S> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// Bytes that hold a share until they are sent.
pub(crate) fn held(bytes: impl AsRef<[u8]> + Send + 'static, share: impl Send + 'static) -> Bytes {
    Bytes::from_owner(Held { bytes, share })
}

/// Travels with an answer that has its share.
#[derive(Clone)]
struct Counted;

/// What is read for one answer, and then its text.
#[derive(Debug)]
pub(crate) struct Answering(Mutex<Share>);

impl Answering {
    pub(crate) fn begin(api: &Api) -> Arc<Self> {
        Arc::new(Self(Mutex::new(api.answers.share())))
    }

    /// The answer of this value. Its text is what takes room from now on, until it is sent.
    pub(crate) fn json(&self, status: u16, value: &impl Serialize) -> ApiResult<Response> {
        let mut text = Text { bytes: Vec::new(), paid: 0, of: self, refused: None };
        if let Err(error) = serde_json::to_writer(&mut text, value) {
            return Err(text.refused.unwrap_or_else(|| {
                tracing::error!(%error, "an answer cannot be written as JSON");
                ApiError::new(ErrorCode::Internal, "the answer cannot be written as JSON")
            }));
        }
        let mut share = self.share();
        let size = text.bytes.len() as u64;
        let had = share.bytes();
        share.shrink(had);
        if size <= FREE_BYTES {
            return Ok(reply::body(status, reply::JSON, Body::from(text.bytes)));
        }
        let mut own = share.beside();
        own.take(size);
        let mut response = reply::body(status, reply::JSON, Body::from(held(text.bytes, own)));
        response.extensions_mut().insert(Counted);
        Ok(response)
    }

    fn share(&self) -> MutexGuard<'_, Share> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for more of the text, which one request has only so much of.
    fn grow(&self, by: u64) -> ApiResult<()> {
        let (mut share, max) = (self.share(), limits::QUERY_MEMORY_BYTES_MAX);
        if share.bytes() + by > max {
            let message = format!(
                "the answer takes more than {max} bytes in memory with the records in it (QUERY_MEMORY_BYTES_MAX); ask for less at a time: a smaller `limit`, fewer references in `expand`"
            );
            return Err(ApiError::new(ErrorCode::QueryTooLarge, message));
        }
        share.grow(by)
    }
}

impl Room for Answering {
    fn take(&self, bytes: u64) -> Result<(), String> {
        self.share().grow(bytes).map_err(|crowded| crowded.message)
    }
}

/// The text of an answer while it is written.
struct Text<'a> {
    bytes: Vec<u8>,
    paid: usize,
    of: &'a Answering,
    refused: Option<ApiError>,
}

impl io::Write for Text<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let unpaid = self.bytes.len() + part.len() - self.paid;
        if unpaid >= GRAIN_BYTES {
            if let Err(refused) = self.of.grow(unpaid as u64) {
                self.refused = Some(refused);
                return Err(io::Error::other("no room"));
            }
            self.paid += unpaid;
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives an answer its share, or refuses it. What a verb did, and what an operator asks, is never refused here.
pub(crate) async fn bounded(api: &Api, method: &Method, uri: &Uri, mut response: Response) -> Response {
    let size = response.body().size_hint().exact().filter(|size| *size > FREE_BYTES);
    let (Some(size), None) = (size, response.extensions_mut().remove::<Counted>()) else { return response };
    let mut share = api.answers.share();
    let may_be_refused = *method == Method::GET
        && uri.path().starts_with("/api/")
        && !uri.path().starts_with("/api/_")
        && !matches!(response.extensions().get(), Some(Served::Verb(_)));
    if !may_be_refused {
        share.take(size);
    } else if let Err(crowded) = share.grow(size) {
        let mut refusal = crowded.problem(uri.path());
        if let Some(served) = response.extensions_mut().remove::<Served>() {
            refusal.extensions_mut().insert(served);
        }
        return refusal;
    }
    let (head, body) = response.into_parts();
    // It is there as a whole, so that nothing is waited for, and none is broken.
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Response::from_parts(head, Body::from(held(whole, share)))
}
