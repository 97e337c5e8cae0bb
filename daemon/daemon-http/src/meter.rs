//! What is counted of requests, backups and exports.

use axum::extract::MatchedPath;
use axum::http::{Extensions, Method};
use contract_model::{ErrorCode, limits};
use daemon_host::Route;
use daemon_store::{Distribution, Histogram};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// What served a request; travels with the answer.
#[derive(Clone)]
pub(crate) enum Served {
    /// A route of the daemon's own.
    Fixed(MatchedPath),
    /// A plugin's.
    Verb(Arc<Route>),
}

/// A refusal; travels with the answer.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    code: &'static str,
    limit: &'static str,
}

/// Counters of requests, shared by all connections.
#[derive(Default)]
pub(crate) struct HttpMeter {
    routes: RwLock<BTreeMap<String, Arc<RouteMeter>>>,
    refused: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

struct RouteMeter {
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    seconds: Histogram,
}

/// The figures of one route.
pub(crate) struct RouteFigures {
    pub(crate) route: String,
    /// By method and status.
    pub(crate) answers: Vec<((&'static str, u16), u64)>,
    pub(crate) seconds: Distribution,
}

/// What became of backups, or of exports, since the daemon started.
#[derive(Debug, Default)]
pub(crate) struct ReadMeter {
    pub(crate) taken: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Those among the failed that read for too long.
    pub(crate) too_long: AtomicU64,
    /// When the last one was through, milliseconds since 1970.
    pub(crate) last_ms: AtomicU64,
}

/// What is counted where no route was found.
const NOWHERE: &str = "(none)";
/// What is counted where a plugin refuses with a code of its own.
const PLUGINS_OWN: &str = "(plugin)";

impl Served {
    fn path(&self) -> &str {
        match self {
            Self::Fixed(path) => path.as_str(),
            Self::Verb(route) => &route.path,
        }
    }
}

impl Refused {
    /// The refusal of a code. The message of one that a limit causes names the limit.
    pub(crate) fn of(code: &str, message: &str) -> Self {
        let Some(code) = ErrorCode::parse(code) else { return Self { code: PLUGINS_OWN, limit: "" } };
        let named = limits::ALL.iter().find(|limit| limit.code == code && message.contains(limit.name));
        Self { code: code.as_str(), limit: named.map_or("", |limit| limit.name) }
    }
}

impl HttpMeter {
    /// Counts an answer by what it carries, and takes that off it.
    pub(crate) fn answered(&self, carried: &mut Extensions, method: &Method, status: u16, took: Duration) {
        if let Some(refused) = carried.remove::<Refused>() {
            self.refused(refused);
        }
        let served = carried.remove::<Served>();
        let meter = self.route(served.as_ref().map_or(NOWHERE, Served::path));
        meter.seconds.took(took);
        *meter.answers.lock().unwrap_or_else(PoisonError::into_inner).entry((name(method), status)).or_default() += 1;
    }

    pub(crate) fn refused(&self, refused: Refused) {
        let mut counts = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((refused.code, refused.limit)).or_default() += 1;
    }

    fn route(&self, path: &str) -> Arc<RouteMeter> {
        if let Some(known) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Arc::clone(known);
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(RouteMeter { answers: Mutex::default(), seconds: Histogram::of_times() });
        Arc::clone(routes.entry(path.to_owned()).or_insert_with(fresh))
    }

    pub(crate) fn routes(&self) -> Vec<RouteFigures> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let figures = |(route, meter): (&String, &Arc<RouteMeter>)| {
            let answers = meter.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
            RouteFigures { route: route.clone(), answers: answers.into_iter().collect(), seconds: meter.seconds.read() }
        };
        routes.iter().map(figures).collect()
    }

    pub(crate) fn refusals(&self) -> Vec<((&'static str, &'static str), u64)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone().into_iter().collect()
    }
}

/// The methods that anything is served under; whatever else a client sends is one more.
fn name(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];
    known.into_iter().find(|name| method == name).unwrap_or("(other)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_under_its_limit() {
        let by = |code: &str, message: &str| {
            let refused = Refused::of(code, message);
            (refused.code, refused.limit)
        };
        assert_eq!(by("BODY_TOO_LARGE", "… (HTTP_URI_BYTES_MAX)"), ("BODY_TOO_LARGE", "HTTP_URI_BYTES_MAX"));
        assert_eq!(by("OVERLOADED", "try again"), ("OVERLOADED", ""));
        assert_eq!(by("MADE_UP_BY_A_PLUGIN", "HTTP_URI_BYTES_MAX"), ("(plugin)", ""));
    }

    #[test]
    fn what_a_client_makes_up_is_no_series() {
        let meter = HttpMeter::default();
        for method in ["GET", "BREW", "MELT"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            meter.answered(&mut Extensions::new(), &method, 404, Duration::ZERO);
        }
        let routes = meter.routes();
        assert_eq!((routes.len(), routes[0].route.as_str()), (1, NOWHERE));
        assert_eq!(routes[0].answers, [(("(other)", 404), 2), (("GET", 404), 1)]);
    }
}
