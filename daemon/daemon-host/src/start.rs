//! Starting plugins: each by itself, so that one that cannot be started stands in nobody's way.

use crate::api::{HostError, PluginStatus};
use crate::contracts::Contracts;
use crate::host::Inner;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reader::store_error;
use crate::routes::mount;
use crate::settings::{Idle, Said};
use crate::subscribe::check_subscriptions;
use contract_model::ErrorCode;
use contract_parse::ParsedPlugin;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A plugin that could not be started.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    slug: String,
    name: String,
    version: String,
    /// `error`, or why it is not to run.
    state: &'static str,
    pub(crate) error: HostError,
}

impl Failed {
    pub(crate) fn of(parsed: &ParsedPlugin, error: HostError) -> Self {
        let manifest = parsed.manifest.as_ref();
        Self {
            slug: manifest.map_or_else(|| parsed.folder.clone(), |it| it.slug.value.as_str().to_owned()),
            name: manifest.map(|it| it.name.clone()).unwrap_or_default(),
            version: manifest.map(|it| it.version.value.to_string()).unwrap_or_default(),
            state: "error",
            error,
        }
    }

    /// A plugin that is not to run now.
    pub(crate) fn idle(parsed: &ParsedPlugin, idle: Idle, reason: String) -> Self {
        let error = HostError::new(ErrorCode::PluginUnavailable, reason);
        Self { state: idle.name(), ..Self::of(parsed, error) }
    }

    /// Whether it was to be started and could not be.
    pub(crate) fn is_error(&self) -> bool {
        self.state == "error"
    }

    /// How it is listed among the others.
    pub(crate) fn status(&self) -> PluginStatus {
        PluginStatus {
            slug: self.slug.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            state: self.state.to_owned(),
            reason: Some(if self.is_error() { self.error.line() } else { self.error.error.message.clone() }),
            workers: Vec::new(),
            routes: Vec::new(),
            subscriptions: Vec::new(),
            permission_denied: 0,
        }
    }
}

/// Starts the plugins and puts those in force that can be. An error where there are plugins and none of them can.
///
/// What was published for a plugin that is left out stays in the log, and reaches it from its cursor on when a later
/// start succeeds.
pub(crate) async fn start_all(
    inner: &Arc<Inner>,
    plugins: &[ParsedPlugin],
    contracts: &Contracts,
) -> Result<(), HostError> {
    let mut failed = Vec::new();
    let mut starting = Vec::new();
    // First workers start side by side, for loading a plugin is work of its own process; but only so many at a time
    // as there are processors for, because each has a deadline to load by.
    let turns = Arc::new(Semaphore::new(2 * std::thread::available_parallelism().map_or(1, NonZero::get)));
    for parsed in in_boot_order(plugins) {
        match standing(inner, parsed) {
            Ok(Standing::Idle(idle)) => {
                failed.push(*idle);
                continue;
            }
            Ok(Standing::Ready) => {}
            Err(error) => {
                failed.push(Failed::of(parsed, error));
                continue;
            }
        }
        match prepare(inner, parsed, contracts) {
            Ok(plugin) => starting.push((parsed, tokio::spawn(start_in_turn(inner.clone(), plugin, turns.clone())))),
            Err(error) => failed.push(Failed::of(parsed, error)),
        }
    }
    let mut pools: Vec<Arc<Pool>> = Vec::new();
    let mut routes = crate::routes::RouteSet::default();
    for (parsed, started) in starting {
        let lost = |error| HostError::new(ErrorCode::Internal, format!("starting a plugin was cut off: {error}"));
        let admitted = match started.await.map_err(lost).and_then(|started| started) {
            Ok(pool) => match admit(&pool, &mut routes) {
                Ok(()) => Ok(pool),
                Err(error) => {
                    drop(pool.close(Duration::ZERO).await);
                    Err(error)
                }
            },
            Err(error) => Err(error),
        };
        match admitted {
            Ok(pool) => pools.push(pool),
            Err(error) => failed.push(Failed::of(parsed, error)),
        }
    }
    for one in &failed {
        if one.is_error() {
            tracing::error!(plugin = one.slug, error = one.error.line(), "a plugin is left out");
        } else {
            tracing::warn!(
                plugin = one.slug,
                state = one.state,
                why = one.error.error.message,
                "a plugin does not run"
            );
        }
    }
    if pools.is_empty()
        && failed.iter().all(Failed::is_error)
        && let Some(first) = failed.first()
    {
        return Err(first.error.clone());
    }
    inner.install(pools, routes, failed);
    Ok(())
}

async fn start_in_turn(inner: Arc<Inner>, plugin: Arc<Plugin>, turns: Arc<Semaphore>) -> Result<Arc<Pool>, HostError> {
    // It is never closed, so there is always a turn to come.
    let _turn = turns.acquire_owned().await.ok();
    Pool::start(inner, plugin).await
}

/// Whether a plugin is to be started.
pub(crate) enum Standing {
    Ready,
    /// Not now, and why.
    Idle(Box<Failed>),
}

pub(crate) fn standing(inner: &Inner, parsed: &ParsedPlugin) -> Result<Standing, HostError> {
    let slug = parsed.manifest.as_ref().map_or(parsed.folder.as_str(), |manifest| manifest.slug.value.as_str());
    let idle = Said::of(inner, slug)?.idle(parsed)?;
    Ok(idle.map_or(Standing::Ready, |(idle, why)| Standing::Idle(Box::new(Failed::idle(parsed, idle, why)))))
}

pub(crate) fn prepare(inner: &Inner, parsed: &ParsedPlugin, contracts: &Contracts) -> Result<Arc<Plugin>, HostError> {
    let slug = parsed.manifest.as_ref().map_or(parsed.folder.as_str(), |manifest| manifest.slug.value.as_str());
    let plugin = Arc::new(Plugin::prepare(parsed, contracts, &Said::of(inner, slug)?)?);
    inner.store.declare(plugin.collections().to_vec()).map_err(|error| store_error(&error).of_plugin(plugin.slug()))?;
    Ok(plugin)
}

/// Whether what the plugin registered can be put in force; its routes are mounted then.
pub(crate) fn admit(pool: &Pool, routes: &mut crate::routes::RouteSet) -> Result<(), HostError> {
    check_subscriptions(pool)?;
    crate::hooks::check(pool)?;
    let own = mount(pool, &routes.routes)?;
    routes.routes.extend(own);
    Ok(())
}

/// Plugins after those they require; otherwise in the order given.
pub(crate) fn in_boot_order(plugins: &[ParsedPlugin]) -> Vec<&ParsedPlugin> {
    let mut ordered: Vec<&ParsedPlugin> = Vec::new();
    let mut left: Vec<&ParsedPlugin> = plugins.iter().collect();
    let slug = |plugin: &ParsedPlugin| plugin.manifest.as_ref().map(|manifest| manifest.slug.value.as_str().to_owned());
    while !left.is_empty() {
        let waits = |plugin: &ParsedPlugin| {
            let required = plugin.manifest.iter().flat_map(|manifest| manifest.requires.keys());
            required.into_iter().any(|name| {
                left.iter().any(|other| slug(other).as_deref() == Some(name) && slug(other) != slug(plugin))
            })
        };
        // A cycle of requirements has no first; then the order given must do.
        let next = left.iter().position(|plugin| !waits(plugin)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}
