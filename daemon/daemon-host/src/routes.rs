//! The routes that plugins have registered, as HTTP mounts them.

use crate::api::{HostError, Route, VerbRequest};
use crate::contracts::compile_file;
use crate::destination::deadline;
use crate::plugin::Plugin;
use crate::pool::Pool;
use contract_model::ErrorCode;
use contract_schema::Schema;
use daemon_frame::RouteDeclared;
use serde_json::Value;
use std::sync::Arc;

/// All mounted routes.
#[derive(Debug, Default)]
pub struct RouteSet {
    /// Changes whenever the routes do.
    pub version: u64,
    /// In the order of the plugins and of their registration.
    pub routes: Vec<Arc<Route>>,
}

/// The routes of a plugin beside those that are mounted, or the first that cannot be.
pub(crate) fn mount(pool: &Pool, mounted: &[Arc<Route>]) -> Result<Vec<Arc<Route>>, HostError> {
    let mut routes: Vec<Arc<Route>> = Vec::new();
    for (index, declared) in (0_u32..).zip(&pool.registered().routes) {
        let route = mount_one(&pool.plugin, index, declared).map_err(|error| error.at(declared.at.as_ref()))?;
        let same = |other: &&Arc<Route>| other.method == route.method && other.path == route.path;
        if let Some(other) = mounted.iter().chain(&routes).find(same) {
            let text = format!(
                "{} {} is registered twice, by `{}` and `{}`",
                route.method, route.path, other.plugin, route.plugin
            );
            return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(route.plugin.as_str()));
        }
        routes.push(Arc::new(route));
    }
    Ok(routes)
}

fn mount_one(plugin: &Plugin, index: u32, declared: &RouteDeclared) -> Result<Route, HostError> {
    let slug = &plugin.manifest.slug.value;
    let prefix = format!("/api/{slug}");
    let own = declared.path == prefix || declared.path.starts_with(&format!("{prefix}/"));
    if !own {
        let text =
            format!("plugin `{slug}` registers {} {}; its routes begin with {prefix}/", declared.method, declared.path);
        return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(slug.as_str()));
    }
    let options = &declared.options;
    if options.idempotent == Some(true) && options.stream.is_some() {
        let text = format!(
            "{} {} is `idempotent` and a stream: its lines share one request, so let each carry a key of its own",
            declared.method, declared.path
        );
        return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(slug.as_str()));
    }
    let (request, request_json) = schema(plugin, options.request.as_ref(), declared)?;
    let (response, response_json) = schema(plugin, options.response.as_ref(), declared)?;
    Ok(Route {
        plugin: slug.clone(),
        index,
        method: declared.method.clone(),
        path: declared.path.clone(),
        deadline: deadline(options.timeout.as_deref()),
        options: options.clone(),
        request,
        response,
        described: (request_json, response_json),
        at: declared.at.clone(),
    })
}

/// A schema given as JSON or as the path of a file of the plugin.
fn schema(
    plugin: &Plugin,
    given: Option<&Value>,
    route: &RouteDeclared,
) -> Result<(Option<Schema>, Option<Value>), HostError> {
    let slug = &plugin.manifest.slug.value;
    match given {
        None => Ok((None, None)),
        Some(Value::String(path)) => {
            let schema = compile_file(slug, &plugin.parsed, path)?;
            let json = plugin.parsed.texts.get(path).and_then(|text| serde_json::from_str(text).ok());
            Ok((Some(schema), json))
        }
        Some(json) => {
            let place = format!("{} {}", route.method, route.path);
            let schema = Schema::compile_value(json, &place).map_err(|error| {
                let text = format!("the schema of {place} does not compile: {error}");
                HostError::new(ErrorCode::PluginInvalid, text).of_plugin(slug.as_str())
            })?;
            Ok((Some(schema), Some(json.clone())))
        }
    }
}

/// The key whose lane a call shares, if its route names one.
pub(crate) fn lane_key(request: &VerbRequest) -> Option<String> {
    let pointer = request.route.options.key.as_deref()?;
    match request.body.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
