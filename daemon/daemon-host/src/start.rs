//! Starting plugins: each by itself, so that one that cannot be started, or takes long, stands in nobody's way.

use crate::api::{HostError, PluginState, PluginStatus};
use crate::contracts::Contracts;
use crate::host::Inner;
use crate::late::{Begun, Ended};
use crate::order::in_boot_order;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reader::store_error;
use crate::routes::{RouteSet, mount};
use crate::settings::Said;
use crate::subscribe::check_subscriptions;
use contract_model::ErrorCode;
use contract_parse::ParsedPlugin;
use std::sync::Arc;
use std::time::Duration;

/// A plugin of the suite that does not run.
#[derive(Debug, Clone)]
pub(crate) struct LeftOut {
    pub(crate) slug: String,
    name: String,
    version: String,
    state: PluginState,
    pub(crate) error: HostError,
}

impl LeftOut {
    /// A plugin that could not be started.
    pub(crate) fn of(parsed: &ParsedPlugin, error: HostError) -> Self {
        let manifest = parsed.manifest.as_ref();
        Self {
            slug: manifest.map_or_else(|| parsed.folder.clone(), |it| it.slug.value.as_str().to_owned()),
            name: manifest.map(|it| it.name.clone()).unwrap_or_default(),
            version: manifest.map(|it| it.version.value.to_string()).unwrap_or_default(),
            state: PluginState::Error,
            error,
        }
    }

    /// A plugin that is not to run now.
    pub(crate) fn idle(parsed: &ParsedPlugin, state: PluginState, reason: String) -> Self {
        let error = HostError::new(ErrorCode::PluginUnavailable, reason);
        Self { state, ..Self::of(parsed, error) }
    }

    /// A plugin whose first worker is still loading.
    pub(crate) fn starting(parsed: &ParsedPlugin) -> Self {
        Self::idle(parsed, PluginState::Starting, "its first worker is still loading its code".to_owned())
    }

    /// Whether it was to be started and could not be.
    pub(crate) fn is_error(&self) -> bool {
        self.state == PluginState::Error
    }

    /// How it is listed among the others.
    pub(crate) fn status(&self) -> PluginStatus {
        PluginStatus {
            slug: self.slug.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            state: self.state,
            reason: Some(if self.is_error() { self.error.line() } else { self.error.error.message.clone() }),
            workers: Vec::new(),
            routes: Vec::new(),
            subscriptions: Vec::new(),
            permission_denied: 0,
        }
    }

    pub(crate) fn log(&self) {
        let (plugin, state) = (&self.slug, self.state.name());
        if self.is_error() {
            tracing::error!(plugin, error = self.error.line(), "a plugin is left out");
        } else {
            tracing::warn!(plugin, state, why = self.error.error.message, "a plugin does not run");
        }
    }
}

/// Starts the plugins and puts those in force that can be; gives those that are still starting. An error where there are
/// plugins and none of them can.
///
/// What was published for a plugin that is left out stays in the log, and reaches it from its cursor on when a later
/// start succeeds.
pub(crate) async fn start_all(
    inner: &Arc<Inner>,
    plugins: &[ParsedPlugin],
    contracts: &Contracts,
) -> Result<Begun, HostError> {
    let mut left_out = Vec::new();
    let mut starting = Vec::new();
    for parsed in in_boot_order(plugins) {
        let prepared = match standing(inner, parsed) {
            Ok(Standing::Idle(idle)) => {
                left_out.push(*idle);
                continue;
            }
            Ok(Standing::Ready) => prepare(inner, parsed, contracts),
            Err(error) => Err(error),
        };
        match prepared {
            Ok(plugin) => starting.push((parsed, plugin)),
            Err(error) => left_out.push(LeftOut::of(parsed, error)),
        }
    }
    let mut begun = Begun::start(inner, starting.iter().map(|(_, plugin)| plugin));
    let mut ended = begun.first_to_come(inner.stage.is_some()).await;
    let mut pools: Vec<Arc<Pool>> = Vec::new();
    let mut routes = RouteSet::default();
    for (parsed, plugin) in starting {
        let Some(at) = ended.iter().position(|one| Arc::ptr_eq(&one.plugin, &plugin)) else {
            inner.late.expect(plugin);
            left_out.push(LeftOut::starting(parsed));
            continue;
        };
        match admit_started(inner, ended.swap_remove(at), &mut routes).await {
            Ok(pool) => pools.push(pool),
            Err(error) => left_out.push(LeftOut::of(parsed, error)),
        }
    }
    left_out.iter().for_each(LeftOut::log);
    if pools.is_empty()
        && left_out.iter().all(LeftOut::is_error)
        && let Some(first) = left_out.first()
    {
        return Err(first.error.clone());
    }
    inner.install(pools, routes, left_out);
    Ok(begun)
}

async fn admit_started(inner: &Inner, ended: Ended, routes: &mut RouteSet) -> Result<Arc<Pool>, HostError> {
    let pool = ended.started?;
    match admit(&pool, routes).and_then(|()| declare(inner, std::slice::from_ref(&pool))) {
        Ok(()) => Ok(pool),
        Err(error) => {
            drop(pool.close(Duration::ZERO).await);
            Err(error)
        }
    }
}

/// Whether a plugin is to be started.
pub(crate) enum Standing {
    Ready,
    /// Not now, and why.
    Idle(Box<LeftOut>),
}

pub(crate) fn standing(inner: &Inner, parsed: &ParsedPlugin) -> Result<Standing, HostError> {
    let slug = parsed.manifest.as_ref().map_or(parsed.folder.as_str(), |manifest| manifest.slug.value.as_str());
    let idle = Said::of(inner, slug)?.idle(parsed)?;
    Ok(idle.map_or(Standing::Ready, |(idle, why)| Standing::Idle(Box::new(LeftOut::idle(parsed, idle, why)))))
}

/// The plugin as it is to be started. Its collections can be put in force, and are not yet: they come with the code that
/// knows them.
pub(crate) fn prepare(inner: &Inner, parsed: &ParsedPlugin, contracts: &Contracts) -> Result<Arc<Plugin>, HostError> {
    let slug = parsed.manifest.as_ref().map_or(parsed.folder.as_str(), |manifest| manifest.slug.value.as_str());
    let plugin = Arc::new(Plugin::prepare(parsed, contracts, &Said::of(inner, slug)?)?);
    let declarable = inner.store.check_declarable(plugin.collections().to_vec());
    declarable.map_err(|error| store_error(&error).of_plugin(plugin.slug()))?;
    Ok(plugin)
}

/// Puts the collections of these plugins in force, all or none.
pub(crate) fn declare(inner: &Inner, pools: &[Arc<Pool>]) -> Result<(), HostError> {
    let all = pools.iter().flat_map(|pool| pool.plugin.collections().to_vec()).collect();
    inner.store.declare(all).map_err(|error| store_error(&error))
}

/// Whether what the plugin registered can be put in force; its routes are mounted then.
pub(crate) fn admit(pool: &Pool, routes: &mut RouteSet) -> Result<(), HostError> {
    check_subscriptions(pool)?;
    crate::jobs::check(pool)?;
    crate::hooks::check(pool)?;
    let own = mount(pool, &routes.routes)?;
    routes.routes.extend(own);
    Ok(())
}
