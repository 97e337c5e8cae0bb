//! Reading a request's body within its limits of bytes and time.

use crate::api::Api;
use crate::error::{ApiError, ApiResult};
use crate::json::{self, Text};
use crate::room::{Room, Share};
use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use contract_model::ErrorCode;
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// So much of a body that is refused is still taken.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A body that was read, with the room that it takes until it is answered.
#[derive(Debug)]
pub(crate) struct Received {
    bytes: Bytes,
    share: Share,
}

impl Received {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The value in it, in the place of its bytes, which are let go.
    pub(crate) fn json(&mut self) -> ApiResult<Value> {
        let bytes = std::mem::take(&mut self.bytes);
        let value = json::read(&bytes, Text::Body, &mut self.share)?;
        self.share.shrink(bytes.len() as u64);
        Ok(value)
    }
}

/// The next part of the body, or none at its end. Waits at most `idle` for it.
pub(crate) async fn next_part(body: &mut Body, idle: Duration) -> ApiResult<Option<Bytes>> {
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await.map_err(|_| stalled(idle))?;
        match frame {
            None => return Ok(None),
            // Trailers carry nothing that we use.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            },
            Some(Err(error)) => return Err(broken(&error)),
        }
    }
}

/// The whole body, if it has at most `max` bytes and there is room for it.
pub(crate) async fn read(api: &Api, body: Body, max: u64) -> ApiResult<Received> {
    within(&api.bodies, body, max, api.read_timeout).await
}

async fn within(room: &Arc<Room>, mut body: Body, max: u64, idle: Duration) -> ApiResult<Received> {
    let mut share = room.share();
    let announced = body.size_hint().lower();
    let whole = match if announced > max { Err(too_large(max)) } else { share.fits(announced) } {
        Ok(()) => whole(&mut body, &mut share, max, idle).await?,
        Err(refused) => Err(refused),
    };
    match whole {
        Ok(bytes) => Ok(Received { bytes, share }),
        Err(refused) => {
            discard(body, idle);
            Err(refused)
        }
    }
}

/// The bytes, or why they are refused though more of them would come.
async fn whole(body: &mut Body, share: &mut Share, max: u64, idle: Duration) -> ApiResult<ApiResult<Bytes>> {
    let Some(first) = next_part(body, idle).await? else { return Ok(Ok(Bytes::new())) };
    let mut whole: Option<BytesMut> = None;
    let mut size = first.len() as u64;
    let mut came = size;
    while size <= max {
        if let Err(refused) = share.grow(came) {
            return Ok(Err(refused));
        }
        let Some(part) = next_part(body, idle).await? else {
            return Ok(Ok(whole.map_or(first, BytesMut::freeze)));
        };
        came = part.len() as u64;
        size += came;
        whole.get_or_insert_with(|| BytesMut::from(first.as_ref())).extend_from_slice(&part);
    }
    Ok(Err(too_large(max)))
}

/// Takes what is still sent of a refused body while the answer is on its way: a client whose connection ends while it
/// sends never reads why. Not for ever, and not without end.
pub(crate) fn discard(mut body: Body, within: Duration) {
    let taking = async move {
        let mut taken = 0;
        while let Ok(Some(part)) = next_part(&mut body, within).await {
            taken += part.len();
            if taken > DISCARDED_BYTES_MAX {
                return;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(within, taking));
}

fn too_large(max: u64) -> ApiError {
    ApiError::new(
        ErrorCode::BodyTooLarge,
        format!("the body is larger than {max} bytes (HTTP_BODY_BYTES_MAX, or what the route allows)"),
    )
}

fn stalled(idle: Duration) -> ApiError {
    let message = format!("no further part of the body arrived within {idle:?} (HTTP_READ_MS_MAX)");
    ApiError::new(ErrorCode::Timeout, message).with_status(408)
}

fn broken(error: &axum::Error) -> ApiError {
    ApiError::new(ErrorCode::BodyNotJson, format!("the body ended before it was complete: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_its_limit_is_refused() {
        let room = Room::of_bodies(100);
        let read = async |size: usize| {
            let read = within(&room, Body::from(vec![b' '; size]), 10, Duration::from_secs(1)).await;
            read.map(|received| received.bytes.len()).map_err(|error| error.status)
        };
        assert_eq!(read(10).await, Ok(10));
        assert_eq!(read(11).await, Err(413));
        let mut others = room.share();
        others.grow(91).expect("room");
        assert_eq!((read(9).await, read(10).await), (Ok(9), Err(503)));
        assert_eq!(room.taken(), 91, "given back");
    }
}
