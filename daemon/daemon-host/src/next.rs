//! The suite as it is going to be: what becomes of each plugin when another state of the suite, or of one plugin, is put
//! in force. Nothing is in force yet.

use crate::api::HostError;
use crate::contracts::Contracts;
use crate::host::Inner;
use crate::late::Ended as Started;
use crate::order::in_boot_order;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reload::{Reload, Reloaded};
use crate::routes::RouteSet;
use crate::settings::Said;
use crate::start::{LeftOut, Standing, admit, prepare, standing};
use contract_parse::ParsedPlugin;
use std::sync::Arc;
use std::time::Duration;

/// Why the suite is put in force once more.
#[derive(Default)]
pub(crate) struct Why {
    /// Providers leave, whoever refuses.
    pub(crate) force: bool,
    /// A plugin that was long in starting is up.
    pub(crate) joins: Option<Started>,
    /// It is about this plugin alone: others that could not be started are not tried once more.
    pub(crate) only: Option<String>,
}

impl Why {
    fn is_about(&self, slug: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == slug)
    }
}

/// The suite as it is going to be.
#[derive(Default)]
pub(crate) struct Next {
    /// The plugins as they run or would run: one that is refused stays as it was.
    pub(crate) effective: Vec<ParsedPlugin>,
    /// Those that run, in the order in which they began.
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) routes: RouteSet,
    pub(crate) left_out: Vec<LeftOut>,
    /// Those whose first worker is still loading.
    pub(crate) late: Vec<String>,
    pub(crate) reloaded: Vec<Reloaded>,
    /// Those that are not to run.
    idling: Vec<String>,
}

impl Next {
    /// Starts what has to be started.
    pub(crate) async fn of(
        inner: &Arc<Inner>,
        plugins: &[ParsedPlugin],
        contracts: &Contracts,
        before: &[Arc<Pool>],
        why: &mut Why,
    ) -> Self {
        let mut next = Self::default();
        let were_left_out = inner.left_out();
        for now in in_boot_order(plugins).into_iter().filter_map(|parsed| Now::of(parsed, before)) {
            match standing(inner, now.parsed) {
                Ok(Standing::Idle(idle)) => {
                    next.idling.push(now.slug.clone());
                    next.leave_out(&now, *idle);
                }
                Ok(Standing::Ready) if now.is_late(inner, contracts) => {
                    next.late.push(now.slug.clone());
                    next.leave_out(&now, LeftOut::starting(now.parsed));
                }
                Ok(Standing::Ready) => {
                    if let Some(failed) = now.has_failed(&were_left_out, why) {
                        next.leave_out(&now, failed);
                        continue;
                    }
                    let started = why.joins.take_if(|started| started.plugin.slug() == now.slug);
                    let pool = now.pool(inner, contracts, &mut next.routes, started).await;
                    next.take(now, pool);
                }
                Err(error) => next.take(now, Err(error)),
            }
        }
        next
    }

    fn leave_out(&mut self, now: &Now<'_>, why: LeftOut) {
        self.effective.push(now.parsed.clone());
        self.left_out.push(why);
    }

    fn take(&mut self, now: Now<'_>, pool: Result<(Arc<Pool>, Option<Reload>), HostError>) {
        let what = match pool {
            Ok((pool, what)) => {
                self.effective.push(now.parsed.clone());
                self.pools.push(pool);
                what
            }
            Err(error) => {
                let before = now.before.as_ref().map_or(now.parsed, |old| &old.plugin.parsed);
                self.effective.push(before.clone());
                let gone = now.before.is_none().then(|| LeftOut::of(now.parsed, error.clone()));
                self.left_out.extend(gone.inspect(LeftOut::log));
                self.pools.extend(now.keep(&mut self.routes));
                Some(Reload::Refused(Box::new(error)))
            }
        };
        self.reloaded.extend(what.map(|what| Reloaded { slug: now.slug, what }));
    }

    /// The pool that will run a plugin.
    pub(crate) fn pool_of(&self, slug: &str) -> Option<&Arc<Pool>> {
        self.pools.iter().find(|pool| pool.plugin.slug() == slug)
    }

    /// Whether a plugin is not to run.
    pub(crate) fn idles(&self, slug: &str) -> bool {
        self.idling.iter().any(|idle| idle == slug)
    }

    /// What the users of a plugin that leaves are told.
    pub(crate) fn why_leaves(&self, slug: &str) -> &'static str {
        match self.pool_of(slug) {
            Some(_) => "replaced",
            None if self.idles(slug) => "disabled",
            None => "removed",
        }
    }
}

/// A plugin of the suite as it is now, and the pool that runs it as it was.
struct Now<'p> {
    parsed: &'p ParsedPlugin,
    slug: String,
    before: Option<Arc<Pool>>,
}

impl<'p> Now<'p> {
    fn of(parsed: &'p ParsedPlugin, before: &[Arc<Pool>]) -> Option<Self> {
        let slug = parsed.manifest.as_ref()?.slug.value.as_str().to_owned();
        let before = before.iter().find(|pool| pool.plugin.slug() == slug).cloned();
        Some(Self { parsed, slug, before })
    }

    /// What stood in its way when it was last tried, where it is not to be tried now.
    fn has_failed(&self, left_out: &[LeftOut], why: &Why) -> Option<LeftOut> {
        left_out.iter().find(|one| one.slug == self.slug && one.is_error() && !why.is_about(&self.slug)).cloned()
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
