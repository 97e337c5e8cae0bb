//! What every request passes on its way in, and every answer on its way out.

use crate::answers;
use crate::api::Api;
use crate::error::ApiError;
use crate::meter::Served;
use crate::verb;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use axum::{BoxError, Router};
use contract_model::{ErrorCode, limits};
use percent_encoding::percent_decode_str;
use std::convert::Infallible;
use std::time::Instant;
use tower_service::Service;

/// Checks the limits of the request's head, lets the router answer, and finishes the answer.
pub(crate) async fn serve<B>(router: Router, api: Api, request: Request<B>) -> Result<Response<Body>, Infallible>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (began, method) = (Instant::now(), request.method().clone());
    let mut response = answer(router, &api, &method, request).await?;
    let status = response.status().as_u16();
    api.meter.answered(response.extensions_mut(), &method, status, began.elapsed());
    Ok(finish(response))
}

async fn answer<B>(
    mut router: Router,
    api: &Api,
    method: &Method,
    request: Request<B>,
) -> Result<Response<Body>, Infallible>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if let Err(error) = head_is_sound(&request) {
        return Ok(error.problem(&excerpt(request.uri().path())));
    }
    // Taken before the router consumes the request; only a refusal needs it.
    let uri = request.uri().clone();
    let mut response = router.call(request).await?;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let mut problem = error.problem(uri.path());
        if let Some(served) = response.extensions_mut().remove::<Served>() {
            problem.extensions_mut().insert(served);
        }
        if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
            problem.headers_mut().insert(header::ALLOW, allow);
        }
        return Ok(problem);
    }
    Ok(answers::bounded(api, method, &uri, response).await)
}

fn head_is_sound<B>(request: &Request<B>) -> Result<(), ApiError> {
    let uri = request.uri().path_and_query().map_or(0, |target| target.as_str().len()) as u64;
    if uri > limits::HTTP_URI_BYTES_MAX {
        let max = limits::HTTP_URI_BYTES_MAX;
        let message = format!("the request target has {uri} bytes; at most {max} are taken (HTTP_URI_BYTES_MAX)");
        return Err(ApiError::new(ErrorCode::BodyTooLarge, message).with_status(414));
    }
    let lines = header_bytes(request.headers());
    if lines > limits::HTTP_HEADER_BYTES_MAX {
        let max = limits::HTTP_HEADER_BYTES_MAX;
        let message = format!("the header has {lines} bytes; at most {max} are taken (HTTP_HEADER_BYTES_MAX)");
        return Err(ApiError::new(ErrorCode::BodyTooLarge, message).with_status(431));
    }
    let path = request.uri().path();
    // Verbs say which of their parameters it is.
    if !verb::is_verb_path(path) && percent_decode_str(path).decode_utf8().is_err() {
        return Err(ApiError::new(ErrorCode::QueryInvalid, "the path is not UTF-8 when it is decoded"));
    }
    Ok(())
}

/// Bytes of all header lines as they stand on the wire, with `: ` and the line end.
fn header_bytes(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum()
}

fn excerpt(path: &str) -> String {
    path.chars().take(200).collect()
}

fn finish(mut response: Response<Body>) -> Response<Body> {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
