//! `GET /api/realtime`: events as server-sent events, and `GET /api/realtime/ws`: the same as messages of a web socket.

mod feed;
mod socket;

pub(crate) use socket::get as socket;

use crate::answers::held;
use crate::api::Api;
use crate::auth::Reader;
use crate::error::ApiResult;
use crate::reply;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use bytes::Bytes;
use contract_model::Event;
use feed::{Feed, Part};
use futures_util::stream;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

/// How long a client should wait before it connects again.
const RETRY_MS: u32 = 1_000;

/// Serves the stream.
pub(crate) async fn get(State(api): State<Api>, reader: Reader, headers: HeaderMap, uri: Uri) -> ApiResult<Response> {
    let feed = Feed::of(api, &reader, &headers, &uri)?;
    let first = stream::once(async { Ok::<_, Infallible>(Bytes::from(format!("retry: {RETRY_MS}\n\n"))) });
    let rest = stream::unfold(feed, |mut feed| async move {
        let text = written(feed.next().await?);
        let share = feed.share(text.len());
        Some((Ok(held(text, share)), feed))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    Ok(reply::body(200, "text/event-stream", body))
}

fn written(part: Part) -> Bytes {
    match part {
        Part::Events(events) => message(events.iter()),
        Part::Quiet => Bytes::from_static(b":\n\n"),
        Part::CutOff(error) => {
            let data = serde_json::json!({"code": error.code, "message": error.message});
            Bytes::from(format!("event: error\ndata: {data}\n\n"))
        }
    }
}

/// Events as messages; JSON has no raw line ends, so one `data:` line is enough.
fn message<'a>(events: impl Iterator<Item = &'a Arc<Event>>) -> Bytes {
    let mut out = String::new();
    for event in events {
        let (id, topic) = (event.sequence, &event.topic);
        // Neither writing into a text nor writing an event can fail.
        let data = serde_json::to_string(&event.cloudevent()).unwrap_or_default();
        let _ = write!(out, "id: {id}\nevent: {topic}\ndata: {data}\n\n");
    }
    Bytes::from(out)
}
