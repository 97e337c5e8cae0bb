//! Another state of the suite is put in force while the daemon runs: changed plugins are replaced one by one, new ones
//! begin, those that are gone end. Data, calls in flight and events stay.

use crate::api::HostError;
use crate::contracts::Contracts;
use crate::host::{Host, Inner};
use crate::jobs::{self, Since};
use crate::late::Ended as Started;
use crate::links;
use crate::order::in_boot_order;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::routes::RouteSet;
use crate::settings::Said;
use crate::start::{LeftOut, Standing, admit, prepare, standing};
use crate::subscribe::subscribe_plugin;
use crate::task::Ended;
use contract_model::{ErrorCode, TopicPattern};
use contract_parse::ParsedPlugin;
use std::sync::Arc;
use std::time::Duration;

/// How long a plugin that is replaced may take to end what it has begun.
const DRAIN: Duration = Duration::from_secs(10);

/// What became of a plugin.
#[derive(Debug, Clone)]
pub enum Reload {
    /// It is new.
    Started,
    /// It runs as its sources say now.
    Replaced,
    /// It is no longer there.
    Removed,
    /// It is there and does not run: it waits for settings, or an operator has disabled it.
    Stopped,
    /// As its sources say now it cannot be started. If it ran before, it goes on as it was.
    Refused(HostError),
}

/// A plugin with which something has happened.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// The plugin.
    pub slug: String,
    /// What.
    pub what: Reload,
}

/// A plugin of the suite as it is now, and the pool that runs it as it was.
struct Now<'p> {
    parsed: &'p ParsedPlugin,
    slug: String,
    before: Option<Arc<Pool>>,
}

/// Why the suite is put in force once more.
#[derive(Default)]
struct Why {
    /// Providers leave, whoever refuses.
    force: bool,
    /// A plugin that was long in starting is up.
    joins: Option<Started>,
}

impl Host {
    /// Puts these plugins in force, which the checker has accepted, in place of those that run. Each that cannot be started is
    /// left as it was and named.
    pub async fn reload(
        &self,
        plugins: &[ParsedPlugin],
        external: Vec<TopicPattern>,
    ) -> Result<Vec<Reloaded>, HostError> {
        let _one = self.0.reloading.lock().await;
        self.reload_all(plugins, external, Why::default()).await
    }

    /// Puts the suite in force once more, for what an operator says of its plugins may have changed. By force providers
    /// leave, whoever refuses.
    pub(crate) async fn reload_as_it_is(&self, force: bool) -> Result<Vec<Reloaded>, HostError> {
        let _one = self.0.reloading.lock().await;
        let suite = self.0.suite();
        self.reload_all(&suite.0, suite.1.clone(), Why { force, joins: None }).await
    }

    /// Puts a plugin in force whose start has ended at last, or names it if it failed. None where it is no longer wanted
    /// as it was started.
    pub(crate) async fn arrive(&self, started: Started) -> Option<Reloaded> {
        let _one = self.0.reloading.lock().await;
        if !self.0.late.take(&started.plugin) {
            if let Ok(pool) = started.started {
                drop(pool.close(Duration::ZERO).await);
            }
            return None;
        }
        let slug = started.plugin.slug().to_owned();
        let suite = self.0.suite();
        let why = Why { force: false, joins: Some(started) };
        let what = match self.reload_all(&suite.0, suite.1.clone(), why).await {
            Ok(all) => all.into_iter().find(|one| one.slug == slug)?.what,
            Err(error) => Reload::Refused(error),
        };
        Some(Reloaded { slug, what })
    }

    async fn reload_all(
        &self,
        plugins: &[ParsedPlugin],
        external: Vec<TopicPattern>,
        Why { force, mut joins }: Why,
    ) -> Result<Vec<Reloaded>, HostError> {
        let inner = &self.0;
        let contracts = Arc::new(Contracts::gather(plugins, external.clone())?);
        let mut effective = Vec::with_capacity(plugins.len());
        let before = inner.pools();
        let mut reloaded = Vec::new();
        let mut left_out = Vec::new();
        let mut idling: Vec<String> = Vec::new();
        let mut late: Vec<String> = Vec::new();
        let mut pools: Vec<Arc<Pool>> = Vec::new();
        let mut routes = RouteSet::default();
        for now in in_boot_order(plugins).into_iter().filter_map(|parsed| Now::of(parsed, &before)) {
            let started = match standing(inner, now.parsed) {
                Ok(Standing::Idle(idle)) => {
                    effective.push(now.parsed.clone());
                    idling.push(now.slug.clone());
                    left_out.push(*idle);
                    continue;
                }
                Ok(Standing::Ready) if now.is_late(inner, &contracts) => {
                    effective.push(now.parsed.clone());
                    left_out.push(LeftOut::starting(now.parsed));
                    late.push(now.slug);
                    continue;
                }
                Ok(Standing::Ready) => {
                    let started = joins.take_if(|started| started.plugin.slug() == now.slug);
                    now.pool(inner, &contracts, &mut routes, started).await
                }
                Err(error) => Err(error),
            };
            let what = match started {
                Ok((pool, what)) => {
                    effective.push(now.parsed.clone());
                    pools.push(pool);
                    what
                }
                Err(error) => {
                    let before = now.before.as_ref().map_or(now.parsed, |old| &old.plugin.parsed);
                    effective.push(before.clone());
                    let gone = now.before.is_none().then(|| LeftOut::of(now.parsed, error.clone()));
                    left_out.extend(gone.inspect(LeftOut::log));
                    pools.extend(now.keep(&mut routes));
                    Some(Reload::Refused(error))
                }
            };
            reloaded.extend(what.map(|what| Reloaded { slug: now.slug, what }));
        }
        let linking = inner.linking.lock().await;
        let reason = |slug: &str| match pools.iter().any(|pool| pool.plugin.slug() == slug) {
            true => "replaced",
            false if idling.iter().any(|idle| idle == slug) => "disabled",
            false => "removed",
        };
        if let Err(error) = links::leave(inner, &before, &pools, reason, force).await {
            drop(linking);
            undo(inner, &before, &pools).await;
            return Err(error);
        }
        // Who is refused goes on as it was, and so does what it has promised.
        let refused = reloaded.iter().any(|one: &Reloaded| matches!(one.what, Reload::Refused(_)));
        inner.agree(if refused { Arc::new(Contracts::gather(&effective, external.clone())?) } else { contracts });
        inner.keep_suite((effective, external));
        inner.late.keep(&late);
        inner.install(pools.clone(), routes, left_out);
        drop(linking);
        // Who uses others ends before them.
        for old in before.into_iter().rev() {
            if pools.iter().any(|pool| Arc::ptr_eq(pool, &old)) {
                continue;
            }
            end(inner, &old).await;
            let slug = old.plugin.slug();
            if let Some(new) = pools.iter().find(|pool| pool.plugin.slug() == slug) {
                subscribe_plugin(inner, new)?;
            } else {
                let what = if idling.iter().any(|idle| idle == slug) { Reload::Stopped } else { Reload::Removed };
                reloaded.push(Reloaded { slug: slug.to_owned(), what });
            }
        }
        let tenants = inner.store.tenants();
        for new in reloaded.iter().filter(|one| matches!(one.what, Reload::Started)) {
            if let Some(pool) = pools.iter().find(|pool| pool.plugin.slug() == new.slug) {
                subscribe_plugin(inner, pool)?;
                jobs::keep_schedules_of(inner, pool, &tenants, Since::Start)?;
            }
        }
        jobs::keep_schedules(inner, &tenants, Since::Running)?;
        tokio::spawn(links::keep(inner.clone()));
        Ok(reloaded)
    }
}

impl<'p> Now<'p> {
    fn of(parsed: &'p ParsedPlugin, before: &[Arc<Pool>]) -> Option<Self> {
        let slug = parsed.manifest.as_ref()?.slug.value.as_str().to_owned();
        let before = before.iter().find(|pool| pool.plugin.slug() == slug).cloned();
        Some(Self { parsed, slug, before })
    }

    /// Whether its first worker is still loading it as it is now.
    fn is_late(&self, inner: &Inner, contracts: &Contracts) -> bool {
        let prepared = Said::of(inner, &self.slug).and_then(|said| Plugin::prepare(self.parsed, contracts, &said));
        prepared.is_ok_and(|plugin| inner.late.awaits(&plugin))
    }

    /// The pool that runs the plugin from now on: the one that does, if nothing of it has changed, or the one that has just
    /// been started.
    async fn pool(
        &self,
        inner: &Arc<Inner>,
        contracts: &Contracts,
        routes: &mut RouteSet,
        started: Option<Started>,
    ) -> Result<(Arc<Pool>, Option<Reload>), HostError> {
        if let Some(old) = &self.before {
            let same = old.plugin.parsed.texts == self.parsed.texts
                && contracts.retries_as(&inner.contracts(), &old.plugin.manifest)
                && Said::of(inner, &self.slug)
                    .and_then(|said| Plugin::prepare(self.parsed, contracts, &said))
                    .is_ok_and(|plugin| plugin.load == old.plugin.load);
            if same {
                admit(old, routes)?;
                return Ok((old.clone(), None));
            }
        }
        let pool = match started {
            Some(started) => started.started?,
            None => Pool::start(inner.clone(), prepare(inner, self.parsed, contracts)?).await?,
        };
        if let Err(error) = admit(&pool, routes) {
            drop(pool.close(Duration::ZERO).await);
            return Err(error);
        }
        let what = if self.before.is_some() { Reload::Replaced } else { Reload::Started };
        Ok((pool, Some(what)))
    }

    /// The plugin as it ran before, if it did and nothing stands in its way now.
    fn keep(&self, routes: &mut RouteSet) -> Option<Arc<Pool>> {
        let old = self.before.clone()?;
        admit(&old, routes).ok()?;
        Some(old)
    }
}

/// Ends the pools that were to take the place of others and do not; who was told that they leave hears otherwise.
async fn undo(inner: &Arc<Inner>, before: &[Arc<Pool>], started: &[Arc<Pool>]) {
    for pool in started.iter().filter(|pool| !before.iter().any(|old| Arc::ptr_eq(old, pool))) {
        drop(pool.close(Duration::ZERO).await);
    }
    tokio::spawn(links::keep(inner.clone()));
}

/// Ends a pool that another has taken the place of, or none: what it has begun and what waits for it runs to its end first.
async fn end(inner: &Arc<Inner>, old: &Pool) {
    for (id, to) in inner.conductor.destinations() {
        if to.plugin == old.plugin.manifest.slug.value {
            inner.unsubscribe(&id);
        }
    }
    for task in old.close(DRAIN).await {
        let text = format!("plugin `{}` was replaced before the call could run; try again", old.plugin.slug());
        let error = HostError::new(ErrorCode::PluginUnavailable, text).retry_after(Duration::from_secs(1));
        task.end(inner, Ended::NotRun(error));
    }
}
