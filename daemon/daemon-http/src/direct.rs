//! One request, answered without a connection.

use crate::api::Api;
use crate::{guard, router};
use axum::body::Body;
use axum::http::Request;

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request as a client would send it.
#[derive(Debug, Clone, Default)]
pub struct Direct {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Header lines.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Api {
    /// Answers a request as a connection would be answered: status and body.
    ///
    /// # Errors
    /// What makes it no HTTP request.
    pub async fn answer(&self, asked: Direct) -> Result<(u16, Vec<u8>), String> {
        let mut request = Request::builder().method(asked.method.as_str()).uri(&asked.target);
        for (name, value) in &asked.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(asked.body)).map_err(|error| error.to_string())?;
        let Ok(response) = guard::serve(router::of(self), self.clone(), request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await;
        Ok((status, body.map_err(|error| error.to_string())?.to_vec()))
    }
}
