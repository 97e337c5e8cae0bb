//! Which handler serves which path: the daemon's own routes, and for all others the plugins' verbs.

use crate::api::Api;
use crate::error::ApiError;
use crate::{fixed, metrics, openapi, verb};
use axum::Router;
use axum::http::{Method, Uri};
use contract_model::ErrorCode;

/// The axum router over all routes.
pub(crate) fn of(api: &Api) -> Router {
    let routes = fixed::all().into_iter().chain([openapi::route()]);
    routes
        .fold(Router::new(), |router, fixed| router.route(fixed.path, fixed.serves))
        .route_layer(axum::middleware::from_fn(metrics::note_route))
        .fallback(verb::serve)
        .method_not_allowed_fallback(wrong_method)
        .with_state(api.clone())
}

/// axum adds the `Allow` header to this answer itself.
async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("`{}` does not take {method}", uri.path());
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}
