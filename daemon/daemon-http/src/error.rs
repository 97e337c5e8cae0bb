//! How a refusal looks: one type, rendered as an RFC 9457 problem document or as a verb's envelope.

use crate::meter::Refused;
use crate::status;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract_model::ErrorCode;
use daemon_access::AccessError;
use daemon_frame::Position;
use daemon_host::HostError;
use daemon_store::StoreError;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) details: Value,
    pub(crate) retry_after: Option<Duration>,
    /// The methods that would do, for a 405.
    pub(crate) allow: Option<String>,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status: status::of(code),
            code: Cow::Borrowed(code.as_str()),
            message: message.into(),
            details: Value::Null,
            retry_after: default_wait(code),
            allow: None,
        }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    pub(crate) fn no_route(path: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("nothing is served at `{path}`; GET /api/openapi.json lists what is"))
    }

    pub(crate) fn method(method: &str, path: &str, allow: String) -> Self {
        let message = format!("`{path}` does not take {method}; it takes {allow}");
        Self { allow: Some(allow), ..Self::new(ErrorCode::MethodNotAllowed, message) }
    }

    /// The refusal as the envelope that verbs answer in.
    pub(crate) fn envelope(&self) -> Response {
        let error = json!({"code": self.code, "message": self.message, "details": self.details});
        let body = json!({"success": false, "data": null, "error": error});
        self.respond("application/json", &body)
    }

    /// The refusal as a problem document about `instance`, the request's path.
    pub(crate) fn problem(&self, instance: &str) -> Response {
        let title = ErrorCode::parse(&self.code).map_or("The request was refused.", ErrorCode::meaning);
        let mut body = json!({
            "type": format!("urn:trunkline:error:{}", self.code),
            "title": title,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "instance": instance,
        });
        if !self.details.is_null() {
            body["details"] = self.details.clone();
        }
        self.respond("application/problem+json", &body)
    }

    /// The refusal as one line of an answer that streams.
    pub(crate) fn line(&self) -> Value {
        let error = json!({"code": self.code, "message": self.message, "details": self.details});
        let mut line = json!({"status": self.status, "error": error});
        if let Some(wait) = self.retry_after {
            line["retry_after"] = seconds(wait).into();
        }
        line
    }

    fn respond(&self, content_type: &'static str, body: &Value) -> Response {
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(Refused::of(&self.code, &self.message));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.add_headers(headers);
        response
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        match self.status {
            401 => drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            // The rest of the body was not read, so the connection cannot carry another request.
            408 | 413 => drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close"))),
            _ => {}
        }
    }
}

/// Whole seconds, and never zero, which would invite the client back at once.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

/// A handler's refusal travels as an extension, because only [`crate::guard`] knows the path it is about.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<HostError> for ApiError {
    fn from(from: HostError) -> Self {
        let known = ErrorCode::parse(&from.error.code);
        let status = match from.error.status {
            0 => known.map_or(500, status::of),
            given @ 400..=599 => given,
            _ => 500,
        };
        let retry_after = from.retry_after.or_else(|| default_wait(known?));
        let details = details(&from, status);
        let code = known.map_or(Cow::Owned(from.error.code), |code| Cow::Borrowed(code.as_str()));
        Self { status, code, message: from.error.message, details, retry_after, allow: None }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Temporary refusals always say when to come back.
fn default_wait(code: ErrorCode) -> Option<Duration> {
    matches!(
        code,
        ErrorCode::Overloaded
            | ErrorCode::ShuttingDown
            | ErrorCode::Conflict
            | ErrorCode::PluginUnavailable
            | ErrorCode::PluginStarting
            | ErrorCode::QuotaExceeded
            | ErrorCode::StoreFull
    )
    .then_some(Duration::from_secs(1))
}

/// What the plugin gave; else, where the fault is the plugin's, the place in its author's source and the function of the
/// API that refused. A caller's mistake has no place there: nobody but the caller can mend it. Where it was met the
/// daemon's log says.
fn details(from: &HostError, status: u16) -> Value {
    let is_the_authors = match ErrorCode::parse(&from.error.code) {
        // What a plugin publishes is its author's to mend, whoever called.
        Some(ErrorCode::PayloadInvalid) => true,
        // So are answers that break their schema, and calls that meet a limit.
        Some(ErrorCode::PluginError | ErrorCode::Overloaded) => status >= 500,
        _ => false,
    };
    if is_the_authors && let (Some(position), Value::Object(mut fields)) = (&from.position, from.error.details.clone())
    {
        fields.extend(place(position));
        fields.extend(function(from));
        return Value::Object(fields);
    }
    let nowhere = from.plugin.is_none() && from.position.is_none();
    if !from.error.details.is_null() || nowhere || status < 500 {
        return from.error.details.clone();
    }
    let mut out = json!({"plugin": from.plugin});
    if let Some(position) = &from.position {
        for (name, value) in place(position) {
            out[name] = value;
        }
    }
    if let Some((name, function)) = function(from) {
        out[name] = function;
    }
    if !from.stack.is_empty() {
        out["stack"] = from.stack.clone().into();
    }
    out
}

fn function(from: &HostError) -> Option<(String, Value)> {
    from.function.as_deref().map(|function| ("function".to_owned(), function.into()))
}

fn place(at: &Position) -> [(String, Value); 3] {
    let text = |name: &str| name.to_owned();
    [(text("file"), at.file.as_str().into()), (text("line"), at.line.into()), (text("column"), at.column.into())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemon_frame::AppError;

    fn host(code: &str, status: u16) -> ApiError {
        let error = AppError { code: code.to_owned(), message: "m".to_owned(), status, details: Value::Null };
        HostError { error, ..HostError::new(ErrorCode::Internal, "") }.into()
    }

    #[test]
    fn a_plugins_status_holds_only_within_the_error_range() {
        assert_eq!(host("ODD", 422).status, 422);
        assert_eq!(host("ODD", 200).status, 500);
        assert_eq!(host("ODD", 0).status, 500);
        assert_eq!(host("PLUGIN_DEADLINE", 0).status, 504);
    }

    #[test]
    fn what_is_temporary_says_when_to_come_back() {
        let response = host("OVERLOADED", 0).problem("/x");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn every_code_has_a_status_that_is_an_error() {
        for code in ErrorCode::ALL {
            assert!((400..=599).contains(&status::of(*code)), "{code}");
        }
    }
}
