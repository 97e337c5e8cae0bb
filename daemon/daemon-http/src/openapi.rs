//! `GET /api/openapi.json`: what is served right now, made from the plugins' routes and their schemas.

mod events;
mod records;

use crate::api::Api;
use crate::fixed::{self, Fixed};
use crate::reply;
use axum::extract::State;
use axum::response::Response;
use contract_model::collection::Collection;
use contract_model::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use daemon_host::Route;
use serde_json::{Map, Value, json};

/// The route of the description itself.
pub(crate) fn route() -> Fixed {
    fixed::route("/api/openapi.json", axum::routing::get(get), &[("get", "This description.")])
}

/// Serves the description. It needs no token: it names routes and shapes, never data.
async fn get(State(api): State<Api>) -> Response {
    let routes = api.backend.routes();
    reply::json(200, &document(routes.routes.iter().map(AsRef::as_ref), &api.backend.collections()))
}

fn document<'a>(routes: impl Iterator<Item = &'a Route>, collections: &[Collection]) -> Value {
    let mut paths = of_the_daemon();
    let mut schemas = records::schemas(collections);
    schemas.insert("Envelope".to_owned(), envelope(&json!(true)));
    schemas.insert("Problem".to_owned(), problem());
    schemas.extend(events::schemas().map(|(name, schema)| (name.to_owned(), schema)));
    paths.extend(collections.iter().flat_map(records::paths));
    for route in routes {
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Trunkline", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    })
}

fn operation(route: &Route) -> Value {
    let options = &route.options;
    let ndjson = options.stream.as_deref() == Some("ndjson");
    let media_type = if ndjson { "application/x-ndjson" } else { "application/json" };
    let (request, response) = &route.described;
    let answer = match (ndjson, response) {
        (true, schema) => schema.clone().unwrap_or(json!(true)),
        (false, Some(schema)) => envelope(schema),
        (false, None) => json!({"$ref": "#/components/schemas/Envelope"}),
    };
    let mut parameters = parameters(&route.path);
    if options.idempotent == Some(true) {
        let key = json!({"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_BYTES_MAX});
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": true, "schema": key}));
    }
    let mut out = json!({
        "operationId": format!("{}.{}", route.plugin, route.index),
        "tags": if options.tags.is_empty() { vec![route.plugin.to_string()] } else { options.tags.clone() },
        "parameters": parameters,
        "responses": {
            "2XX": {"description": "The verb's answer.", "content": {media_type: {"schema": answer}}},
            "default": {"description": "A refusal.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}},
        },
    });
    if let Some(summary) = &options.summary {
        out["summary"] = summary.as_str().into();
    }
    if let Some(schema) = request {
        out["requestBody"] = json!({"required": true, "content": {media_type: {"schema": schema}}});
    }
    if options.public != Some(true) {
        out["security"] = json!([{"token": []}]);
        out["x-roles"] = json!(options.roles);
        out["x-grants"] = json!(options.grants);
    }
    out
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect()
}

fn envelope(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "error"],
        "properties": {
            "success": {"type": "boolean"},
            "data": data,
            "error": {"anyOf": [{"type": "null"}, {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": true},
            }]},
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "code": {"type": "string"}, "instance": {"type": "string"}, "details": true,
        },
    })
}

/// The daemon's own routes. Those of records are described for each collection.
fn of_the_daemon() -> Map<String, Value> {
    let own = fixed::all().into_iter().chain([route()]).filter(|fixed| !fixed.path.starts_with(fixed::RECORDS));
    own.map(|fixed| {
        let methods = fixed
            .methods
            .iter()
            .map(|(method, summary)| ((*method).to_owned(), own_route(method, fixed.path, summary)));
        (fixed.path.to_owned(), Value::Object(methods.collect()))
    })
    .collect()
}

fn own_route(method: &str, path: &str, summary: &str) -> Value {
    let tag = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next()).unwrap_or("daemon");
    let mut out = json!({
        "summary": summary,
        "tags": [tag.trim_start_matches('_')],
        "parameters": parameters(path),
        "responses": {
            "2XX": {"description": "Done."},
            "default": {"description": "A refusal.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
        },
    });
    if path.starts_with("/api/") && path != "/api/openapi.json" {
        out["security"] = json!([{"token": []}]);
    }
    if (method, path) == events::PUBLISH {
        events::describe(&mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_daemon_is_described_with_its_methods() {
        let described = of_the_daemon();
        let own = fixed::all();
        for route in own.iter().filter(|route| !route.path.starts_with(fixed::RECORDS)) {
            let known = described.get(route.path).and_then(Value::as_object);
            let known = known.unwrap_or_else(|| panic!("{} is not described", route.path));
            let missing = route.methods.iter().find(|(method, _)| !known.contains_key(*method));
            assert!(missing.is_none(), "{}: {missing:?} is not described", route.path);
        }
        assert!(described.len() > 40, "only {} paths", described.len());
    }
}
