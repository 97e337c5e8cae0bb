//! Small pieces of answers.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use daemon_host::{ReplyBody, VerbReply};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::fmt::Display;

/// The media type of most answers.
pub(crate) const JSON: &str = "application/json";

/// A JSON answer.
pub(crate) fn json(status: u16, value: &impl Serialize) -> Response {
    json_as(status, JSON, value)
}

/// A JSON answer of a narrower media type.
pub(crate) fn json_as(status: u16, media_type: &'static str, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => body(status, media_type, Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            body(500, "text/plain; charset=utf-8", Body::from("the answer cannot be written as JSON"))
        }
    }
}

/// An answer with a body of this media type.
pub(crate) fn body(status: u16, media_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A segment of a path: what is not unreserved (RFC 3986, 2.3) is percent-encoded.
pub(crate) fn path_segment(text: &str) -> impl Display {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED)
}

/// A page of which there is more, with the same question for what comes after this place.
pub(crate) fn linked(mut response: Response, uri: &Uri, place: &str, last: impl Display) -> Response {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut next = form_urlencoded::Serializer::new(String::new());
    next.extend_pairs(pairs.filter(|(name, _)| name != place)).append_pair(place, &last.to_string());
    if let Ok(link) = HeaderValue::from_str(&format!("<{}?{}>; rel=\"next\"", uri.path(), next.finish())) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// What a plugin answered.
pub(crate) fn verb(reply: VerbReply) -> Response {
    let mut response = match reply.body {
        ReplyBody::Text(text) => body(reply.status, "text/plain; charset=utf-8", Body::from(text)),
        value => json(reply.status, &value),
    };
    if reply.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}
