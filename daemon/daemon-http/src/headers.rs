//! What is read of a request's header lines.

use crate::error::ApiResult;
use crate::query;
use axum::http::{HeaderMap, header};
use contract_model::limits;
use daemon_frame::HeaderLines;

/// The caller's key for what it asks, if it gives one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let max = limits::IDEMPOTENCY_KEY_BYTES_MAX;
    let text = key.to_str().ok().filter(|text| (1..=max).contains(&(text.len() as u64)));
    let wrong = || {
        query::invalid(format!(
            "the header `Idempotency-Key` is 1 to {max} visible ASCII characters (IDEMPOTENCY_KEY_BYTES_MAX)"
        ))
    };
    text.map(Some).ok_or_else(wrong)
}

/// The header lines that a plugin sees; credentials are not its business.
pub(crate) fn lines(headers: &HeaderMap) -> HeaderLines {
    let secret = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
    let seen = headers.iter().filter(|(name, _)| !secret.contains(name));
    seen.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}

/// The W3C `traceparent`, if it has the form of one.
pub(crate) fn trace(headers: &HeaderMap) -> Option<String> {
    traceparent(headers.get("traceparent")?.to_str().ok()?)
}

/// The text, if it has the form of a `traceparent`.
pub(crate) fn traceparent(text: &str) -> Option<String> {
    let mut parts = text.split('-').map(|part| (part.len(), part.bytes().all(|b| b.is_ascii_hexdigit())));
    let fits = [2, 32, 16, 2].iter().all(|length| parts.next() == Some((*length, true))) && parts.next().is_none();
    fits.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_a_well_formed_traceparent_is_kept() {
        let check = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(text).expect("header"));
            trace(&headers).is_some()
        };
        assert!(check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"));
        assert!(!check("garbage"));
    }
}
