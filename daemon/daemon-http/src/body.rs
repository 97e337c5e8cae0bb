//! Reading a request's body within its limits of bytes and time.

use crate::error::{ApiError, ApiResult};
use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use contract_model::ErrorCode;
use http_body_util::BodyExt;
use std::time::Duration;

/// So much of a body that is refused is still taken.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

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

/// The whole body, if it has at most `max` bytes.
pub(crate) async fn read(mut body: Body, max: u64, idle: Duration) -> ApiResult<Bytes> {
    if body.size_hint().lower() > max {
        discard(body, idle);
        return Err(too_large(max));
    }
    let Some(first) = next_part(&mut body, idle).await? else { return Ok(Bytes::new()) };
    let mut whole: Option<BytesMut> = None;
    let mut size = first.len() as u64;
    while size <= max {
        let Some(part) = next_part(&mut body, idle).await? else {
            return Ok(whole.map_or(first, BytesMut::freeze));
        };
        size += part.len() as u64;
        whole.get_or_insert_with(|| BytesMut::from(first.as_ref())).extend_from_slice(&part);
    }
    discard(body, idle);
    Err(too_large(max))
}

/// Takes what is still sent of a refused body while the answer is on its way: a client whose connection ends while it
/// sends never reads why. Not for ever, and not without end.
fn discard(mut body: Body, within: Duration) {
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
        let read = |size: usize| read(Body::from(vec![b' '; size]), 10, Duration::from_secs(1));
        assert_eq!(read(10).await.map(|bytes| bytes.len()), Ok(10));
        assert_eq!(read(11).await.map_err(|error| error.status), Err(413));
    }
}
