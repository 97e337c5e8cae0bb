//! Events as messages of a web socket (RFC 6455): `{"id", "event", "data"}`, as text.

use super::feed::{Feed, Part};
use crate::api::Api;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::server::Place;
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use bytes::Bytes;
use contract_model::cloudevent::CloudEvent;
use contract_model::topic::TopicName;
use contract_model::{ErrorCode, Event, limits};
use futures_util::SinkExt;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// The longest message of a client. Nothing is expected from it but pongs and a close.
const CLIENT_BYTES_MAX: usize = 4 * 1024;
/// What may wait for a client that does not read.
const WRITE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long the answer to a client's close may take to be sent.
const FAREWELL: Duration = Duration::from_secs(1);
/// Silences without a sign of life after which a client counts as gone.
const QUIET_MAX: u32 = 2;

/// Serves the stream over a socket that keeps its connection's place.
pub(crate) async fn get(
    State(api): State<Api>,
    reader: Reader,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    let upgrade = upgrade.map_err(|error| {
        let message = format!("this route is a web socket (RFC 6455), or take /api/realtime instead: {error}");
        ApiError::new(ErrorCode::QueryInvalid, message)
    })?;
    let feed = Feed::of(api, &reader, &headers, &uri)?;
    let upgrade = upgrade.max_message_size(CLIENT_BYTES_MAX).max_write_buffer_size(WRITE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        serve(socket, feed).await;
        drop(place);
    }))
}

async fn serve(mut socket: WebSocket, mut feed: Feed) {
    let mut quiet = 0;
    loop {
        let part = tokio::select! {
            part = feed.next() => part,
            message = socket.recv() => match message {
                // Any word of the client is a sign of life; pings are answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    quiet = 0;
                    continue;
                }
                Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                    let why = "nothing is taken here; choose topics with the parameter `topics`";
                    return close(&mut socket, close_code::UNSUPPORTED, why).await;
                }
                // The library has the answer to a close ready (RFC 6455, 5.5.1); it goes out with the next flush.
                Some(Ok(Message::Close(_))) => {
                    let _ = tokio::time::timeout(FAREWELL, socket.flush()).await;
                    return;
                }
                Some(Err(_)) | None => return,
            },
        };
        let sent = match part {
            None => return close(&mut socket, close_code::AWAY, "the daemon is stopping").await,
            Some(Part::CutOff(error)) => {
                let told = json!({"event": "error", "data": {"code": error.code, "message": error.message}});
                // Whoever is too slow for events may be too slow for this.
                let _ = send(&mut socket, Message::Text(told.to_string().into())).await;
                // With the same token it would be cut off again.
                let again = if error.status == 401 { close_code::POLICY } else { close_code::AGAIN };
                return close(&mut socket, again, &error.code).await;
            }
            Some(Part::Quiet) if quiet == QUIET_MAX => return,
            Some(Part::Quiet) => {
                quiet += 1;
                send(&mut socket, Message::Ping(Bytes::new())).await
            }
            Some(Part::Events(events)) => {
                // The events are let go before anybody waits for the client.
                let texts: Vec<String> = events.iter().map(|event| message(event)).collect();
                drop(events);
                let _share = feed.share(texts.iter().map(String::len).sum());
                let mut sent = true;
                for text in texts {
                    sent = sent && send(&mut socket, Message::Text(text.into())).await;
                }
                sent
            }
        };
        if !sent {
            return;
        }
    }
}

fn message(event: &Event) -> String {
    #[derive(Serialize)]
    struct Told<'a> {
        data: CloudEvent<'a>,
        event: &'a TopicName,
        id: String,
    }
    let told = Told { data: event.cloudevent(), event: &event.topic, id: event.sequence.to_string() };
    // Texts and values only, so that there is nothing that could not be written.
    serde_json::to_string(&told).unwrap_or_default()
}

/// Whether the client has taken it in time.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    let patience = Duration::from_millis(limits::HTTP_WRITE_MS_MAX);
    matches!(tokio::time::timeout(patience, socket.send(message)).await, Ok(Ok(())))
}

/// A close carries at most 123 bytes of reason.
async fn close(socket: &mut WebSocket, code: u16, reason: &str) {
    let reason: String = reason.chars().take(100).collect();
    send(socket, Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}
