//! Plugins that take long to start. The others do not wait for them; each joins when its first worker is up.

use crate::api::HostError;
use crate::host::{Host, Inner};
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reload::Reloaded;
use contract_model::ErrorCode;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

/// The least that the others wait for a plugin that has not come up yet.
const PATIENCE_MIN: Duration = Duration::from_secs(1);
/// How many times as long as the slowest of the others a plugin may take before they go on without it.
const PATIENCE_TIMES: u32 = 4;

/// The start of a plugin has ended.
pub(crate) struct Ended {
    pub(crate) plugin: Arc<Plugin>,
    took: Duration,
    pub(crate) started: Result<Arc<Pool>, HostError>,
}

/// Starts of plugins that have begun, side by side.
pub(crate) struct Begun(JoinSet<Ended>);

impl Begun {
    /// Loading a plugin is work of its own process; but only so many load at a time as there are processors for, because
    /// each has a deadline to load by.
    pub(crate) fn start<'p>(inner: &Arc<Inner>, plugins: impl Iterator<Item = &'p Arc<Plugin>>) -> Self {
        let turns = Arc::new(Semaphore::new(2 * std::thread::available_parallelism().map_or(1, NonZero::get)));
        let mut starts = JoinSet::new();
        for plugin in plugins {
            starts.spawn(in_turn(inner.clone(), plugin.clone(), turns.clone()));
        }
        Self(starts)
    }

    /// Those that come up before patience with the rest is lost, which it never is where `is_endless`. A plugin may take
    /// as long as its like on this machine at this moment, and then some.
    pub(crate) async fn first_to_come(&mut self, is_endless: bool) -> Vec<Ended> {
        let mut ended: Vec<Ended> = Vec::new();
        loop {
            let slowest = ended.iter().filter(|one| one.started.is_ok()).map(|one| one.took).max();
            let next = match slowest.filter(|_| !is_endless) {
                None => self.0.join_next().await,
                Some(slowest) => {
                    let patience = PATIENCE_MIN.max(slowest * PATIENCE_TIMES);
                    timeout(patience, self.0.join_next()).await.unwrap_or_default()
                }
            };
            match next {
                Some(one) => ended.extend(one.ok()),
                None => return ended,
            }
        }
    }

    /// How many have not come up yet.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Has each of the rest join when it is up, and tells of it.
    pub(crate) async fn join(mut self, inner: Weak<Inner>, told: mpsc::Sender<Reloaded>) {
        while let Some(ended) = self.0.join_next().await {
            let (Ok(ended), Some(inner)) = (ended, inner.upgrade()) else { continue };
            if let Some(joined) = Host(inner).arrive(ended).await {
                // Whether anybody listens is not this task's business.
                let _ = told.send(joined).await;
            }
        }
    }
}

async fn in_turn(inner: Arc<Inner>, plugin: Arc<Plugin>, turns: Arc<Semaphore>) -> Ended {
    // It is never closed, so there is always a turn to come.
    let _turn = turns.acquire_owned().await.ok();
    let begun = Instant::now();
    let cut_off = |error: JoinError| HostError::new(ErrorCode::Internal, format!("starting it was cut off: {error}"));
    let started = tokio::spawn(Pool::start(inner, plugin.clone())).await.map_err(cut_off);
    Ended { plugin, took: begun.elapsed(), started: started.and_then(|started| started) }
}

/// The plugins that have not come up yet.
#[derive(Default)]
pub(crate) struct Late(Mutex<Vec<Arc<Plugin>>>);

impl Late {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Plugin>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This one will join.
    pub(crate) fn expect(&self, plugin: Arc<Plugin>) {
        self.all().push(plugin);
    }

    /// Whether the plugin is awaited as it would be started now.
    pub(crate) fn awaits(&self, now: &Plugin) -> bool {
        let is_same = |late: &Plugin| late.parsed.texts == now.parsed.texts && late.load == now.load;
        self.all().iter().any(|late| late.slug() == now.slug() && is_same(late))
    }

    /// Whether this start is still wanted; it is no longer awaited then.
    pub(crate) fn take(&self, plugin: &Arc<Plugin>) -> bool {
        let mut all = self.all();
        let before = all.len();
        all.retain(|late| !Arc::ptr_eq(late, plugin));
        all.len() < before
    }

    /// Only these are awaited from now on.
    pub(crate) fn keep(&self, slugs: &[String]) {
        self.all().retain(|late| slugs.iter().any(|slug| slug == late.slug()));
    }
}
