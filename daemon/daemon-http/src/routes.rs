//! Finding the plugin's route for a path. The table is built once for each version of the host's routes.

use crate::error::{ApiError, ApiResult};
use axum::http::Method;
use contract_model::ErrorCode;
use daemon_host::{Route, RouteSet};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All routes of one version, by path and method.
pub(crate) struct RouteTable {
    pub(crate) version: u64,
    paths: matchit::Router<Vec<Mounted>>,
}

/// One method of a path, with the names that its author gave to the parameters.
struct Mounted {
    route: Arc<Route>,
    names: Vec<String>,
}

/// A route that fits a request.
pub(crate) struct Found {
    pub(crate) route: Arc<Route>,
    pub(crate) params: Map<String, Value>,
}

impl RouteTable {
    pub(crate) fn build(set: &RouteSet) -> Self {
        // Two methods of one path may name its parameters differently, so paths are told apart by shape only.
        let mut shapes: BTreeMap<String, Vec<Mounted>> = BTreeMap::new();
        for route in &set.routes {
            let (shape, names) = shape(&route.path);
            shapes.entry(shape).or_default().push(Mounted { route: Arc::clone(route), names });
        }
        let mut paths = matchit::Router::new();
        for (shape, methods) in shapes {
            if let Err(error) = paths.insert(shape.as_str(), methods) {
                tracing::error!(path = shape, %error, "a route cannot be mounted");
            }
        }
        Self { version: set.version, paths }
    }

    /// The route for a request, or why there is none: 404, or 405 with the methods that there are.
    pub(crate) fn find(&self, method: &Method, path: &str) -> ApiResult<Found> {
        let hit = self.paths.at(path).map_err(|_| ApiError::no_route(path))?;
        let mounted =
            pick(hit.value, method).ok_or_else(|| ApiError::method(method.as_str(), path, allow(hit.value)))?;
        let mut params = Map::new();
        for (name, (_, raw)) in mounted.names.iter().zip(hit.params.iter()) {
            let value = percent_decode_str(raw).decode_utf8().map_err(|_| {
                ApiError::new(ErrorCode::QueryInvalid, format!("the path's `{name}` is not UTF-8 when decoded"))
            })?;
            params.insert(name.clone(), value.into_owned().into());
        }
        Ok(Found { route: Arc::clone(&mounted.route), params })
    }
}

/// A HEAD request is served by the GET route; the server leaves the body out.
fn pick<'a>(methods: &'a [Mounted], method: &Method) -> Option<&'a Mounted> {
    let by_name = |name: &str| methods.iter().find(|mounted| mounted.route.method == name);
    by_name(method.as_str()).or_else(|| if method == Method::HEAD { by_name("GET") } else { None })
}

fn allow(methods: &[Mounted]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|mounted| mounted.route.method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// `/api/ap/bills/{id}` as `/api/ap/bills/{p0}` and the names `[id]`.
fn shape(path: &str) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => {
                names.push(name.to_owned());
                format!("{{p{}}}", names.len() - 1)
            }
            // Anything else is literal, also a brace.
            None => segment.replace('{', "{{").replace('}', "}}"),
        })
        .collect();
    (segments.join("/"), names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tests::route;

    fn table() -> RouteTable {
        let routes = vec![
            route("GET", "/api/ap/bills/{id}"),
            route("DELETE", "/api/ap/bills/{key}"),
            route("POST", "/api/ap/bills/{bill}/approve"),
            route("GET", "/api/ap/bills/open"),
        ];
        RouteTable::build(&RouteSet { version: 1, routes: routes.into_iter().map(Arc::new).collect() })
    }

    #[track_caller]
    fn check(method: &Method, path: &str, want: Result<(&str, &str), u16>) {
        let table = table();
        let found = table.find(method, path);
        let got = found.as_ref().map(|f| (f.route.path.as_str(), Value::from(f.params.clone()).to_string()));
        match (got, want) {
            (Ok((path, params)), Ok(want)) => assert_eq!((path, params.as_str()), want),
            (Err(error), Err(status)) => assert_eq!(error.status, status),
            (got, want) => panic!("{got:?} is not {want:?}"),
        }
    }

    #[test]
    fn paths_lead_to_routes() {
        check(&Method::GET, "/api/ap/bills/7", Ok(("/api/ap/bills/{id}", r#"{"id":"7"}"#)));
        check(&Method::HEAD, "/api/ap/bills/7", Ok(("/api/ap/bills/{id}", r#"{"id":"7"}"#)));
        check(&Method::DELETE, "/api/ap/bills/a%2Fb", Ok(("/api/ap/bills/{key}", r#"{"key":"a/b"}"#)));
        check(&Method::GET, "/api/ap/bills/open", Ok(("/api/ap/bills/open", "{}")));
        check(&Method::POST, "/api/ap/bills/7/approve", Ok(("/api/ap/bills/{bill}/approve", r#"{"bill":"7"}"#)));
        check(&Method::GET, "/api/ap/bills/%ff", Err(400));
        check(&Method::GET, "/api/ap/bills/", Err(404));
        check(&Method::GET, "/api/ap", Err(404));
        check(&Method::PUT, "/api/ap/bills/7", Err(405));
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let error = table().find(&Method::PUT, "/api/ap/bills/7").err().expect("no such method");
        assert_eq!(error.allow.as_deref(), Some("DELETE, GET, HEAD"));
    }
}
