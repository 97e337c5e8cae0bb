//! Another state of the suite is put in force while the daemon runs: changed plugins are replaced one by one, new ones
//! begin, those that are gone end. Data, calls in flight and events stay.

use crate::api::HostError;
use crate::contracts::SuiteTerms;
use crate::host::{Host, Inner};
use crate::jobs::{self, Since};
use crate::late::Ended as Started;
use crate::links;
use crate::next::{Next, Why};
use crate::pool::Pool;
use crate::start::declare;
use crate::subscribe::subscribe_plugin;
use crate::task::Ended;
use contract_model::ErrorCode;
use contract_model::limits::DRAIN_MS_MAX;
use contract_model::manifest::Manifest;
use contract_parse::ParsedPlugin;
use std::sync::Arc;
use std::time::Duration;

/// How long a plugin that is replaced may take to end what it has begun.
const DRAIN: Duration = Duration::from_millis(DRAIN_MS_MAX);

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
    Refused(Box<HostError>),
}

/// A plugin with which something has happened.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// The plugin.
    pub slug: String,
    /// What.
    pub what: Reload,
}

impl Host {
    /// Puts these plugins in force, which the checker has accepted, in place of those that run. Each that cannot be started is
    /// left as it was and named.
    pub async fn reload(&self, plugins: &[ParsedPlugin], terms: SuiteTerms) -> Result<Vec<Reloaded>, HostError> {
        let _one = self.0.reloading.lock().await;
        self.reload_all(plugins, terms, Why::default()).await
    }

    /// The manifests of the suite in force, of plugins that do not run too: of one that was refused, that of before.
    pub fn manifests(&self) -> Vec<Manifest> {
        self.0.suite().0.iter().filter_map(|plugin| plugin.manifest.clone()).collect()
    }

    /// Puts the suite in force once more, for what an operator says of one of its plugins may have changed. By force
    /// providers leave, whoever refuses.
    pub(crate) async fn reload_for(&self, slug: &str, force: bool) -> Result<Vec<Reloaded>, HostError> {
        let _one = self.0.reloading.lock().await;
        let suite = self.0.suite();
        self.reload_all(&suite.0, suite.1.clone(), Why { force, joins: None, only: Some(slug.to_owned()) }).await
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
        let why = Why { force: false, joins: Some(started), only: Some(slug.clone()) };
        let what = match self.reload_all(&suite.0, suite.1.clone(), why).await {
            Ok(all) => all.into_iter().find(|one| one.slug == slug)?.what,
            Err(error) => Reload::Refused(Box::new(error)),
        };
        Some(Reloaded { slug, what })
    }

    async fn reload_all(
        &self,
        plugins: &[ParsedPlugin],
        terms: SuiteTerms,
        mut why: Why,
    ) -> Result<Vec<Reloaded>, HostError> {
        let inner = &self.0;
        let contracts = Arc::new(inner.gather(plugins, terms.clone())?);
        let before = inner.pools();
        let mut next = Next::of(inner, plugins, &contracts, &before, &mut why).await;
        let linking = inner.linking.lock().await;
        let reason = |slug: &str| next.why_leaves(slug);
        let left = links::leave(inner, &before, &next.pools, reason, why.force).await;
        if let Err(error) = left.and_then(|()| declare(inner, &next.pools)) {
            drop(linking);
            undo(inner, &before, &next.pools).await;
            return Err(error);
        }
        // Who is refused goes on as it was, and so does what it has promised.
        let effective = std::mem::take(&mut next.effective);
        let refused = next.reloaded.iter().any(|one| matches!(one.what, Reload::Refused(_)));
        inner.agree(if refused { Arc::new(inner.gather(&effective, terms.clone())?) } else { contracts });
        inner.keep_suite((effective, terms));
        inner.late.keep(&next.late);
        inner.install(next.pools.clone(), std::mem::take(&mut next.routes), std::mem::take(&mut next.left_out));
        drop(linking);
        hand_over(inner, before, &mut next).await?;
        let (epoch, tenants) = (inner.store.epoch(), inner.store.tenants());
        for new in next.reloaded.iter().filter(|one| matches!(one.what, Reload::Started)) {
            if let Some(pool) = next.pool_of(&new.slug) {
                jobs::keep_schedules_of(inner, pool, &tenants, Since::Start)?;
                subscribe_plugin(inner, pool)?;
            }
        }
        jobs::keep_schedules(inner, &tenants, Since::Running)?;
        // Where a flush fails the schedules are kept anew with all else that it has undone.
        let _undone = inner.synced_since(epoch).await;
        links::keep(inner);
        Ok(next.reloaded)
    }
}

/// Ends the pools that do not run any more, who uses others before them; whoever takes the place of one goes on from
/// where it stood.
async fn hand_over(inner: &Arc<Inner>, before: Vec<Arc<Pool>>, next: &mut Next) -> Result<(), HostError> {
    for old in before.into_iter().rev() {
        if next.pools.iter().any(|pool| Arc::ptr_eq(pool, &old)) {
            continue;
        }
        end(inner, &old).await;
        let slug = old.plugin.slug();
        if let Some(new) = next.pool_of(slug) {
            subscribe_plugin(inner, new)?;
        } else {
            let what = if next.idles(slug) { Reload::Stopped } else { Reload::Removed };
            next.reloaded.push(Reloaded { slug: slug.to_owned(), what });
        }
    }
    Ok(())
}

/// Ends the pools that were to take the place of others and do not; who was told that they leave hears otherwise.
async fn undo(inner: &Arc<Inner>, before: &[Arc<Pool>], started: &[Arc<Pool>]) {
    for pool in started.iter().filter(|pool| !before.iter().any(|old| Arc::ptr_eq(old, pool))) {
        drop(pool.close(Duration::ZERO).await);
    }
    links::keep(inner);
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
