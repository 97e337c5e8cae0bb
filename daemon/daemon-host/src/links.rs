//! Who uses whose capabilities, and telling the users when a provider comes or is about to leave.
//!
//! A link is one plugin's use of one version of one provider's capability. Which links a plugin has heard of is
//! remembered for each tenant, in the same commit as what the plugin did on hearing of it, so that it hears of each
//! once, over restarts and crashes too.

use crate::api::HostError;
use crate::capability::providers;
use crate::chance;
use crate::clock;
use crate::host::Inner;
use crate::pool::Pool;
use crate::reader::{refused, store_error};
use crate::settle::{Durable, Settled};
use crate::stamp::Cause;
use crate::task::{LinkTask, Task};
use contract_model::ids::ulid;
use contract_model::manifest::Provided;
use contract_model::{ErrorCode, TenantId};
use daemon_frame::LinkRun;
use daemon_store::{ReadSet, Scope, Unit, tenant_meta};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

/// One plugin's use of one version of one provider's capability.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    user: String,
    capability: String,
    provider: String,
    version: String,
}

impl Link {
    /// How its user's list of links names it. None of the three parts can hold a space.
    fn name(&self) -> String {
        format!("{} {} {}", self.capability, self.provider, self.version)
    }

    fn of_name(user: &str, name: &str) -> Option<Self> {
        let mut parts = name.split(' ').map(str::to_owned);
        let (capability, provider, version) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { user: user.to_owned(), capability, provider, version })
    }

    fn run(&self, reason: Option<&str>) -> LinkRun {
        LinkRun {
            attaches: reason.is_none(),
            capability: self.capability.clone(),
            provider: self.provider.clone(),
            version: self.version.clone(),
            reason: reason.unwrap_or_default().to_owned(),
        }
    }
}

/// All links between these plugins.
fn all(pools: &[Arc<Pool>]) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    for pool in pools {
        let user = pool.plugin.slug();
        for used in &pool.plugin.manifest.uses {
            links.extend(providers(pools, user, &used.value).into_iter().map(|(provider, version)| Link {
                user: user.to_owned(),
                capability: used.value.name.clone(),
                provider: provider.plugin.slug().to_owned(),
                version: version.to_string(),
            }));
        }
    }
    links
}

/// Whether the provider of a link still offers what it is used for.
fn is_offered(pools: &[Arc<Pool>], link: &Link) -> bool {
    let provider = pools.iter().find(|pool| pool.plugin.slug() == link.provider);
    let is_it = |offer: &Provided| offer.name == link.capability && offer.version.to_string() == link.version;
    provider.is_some_and(|pool| {
        pool.registered().provides.iter().any(|one| one.name == link.capability)
            && pool.plugin.manifest.provides.iter().any(|offer| is_it(&offer.value))
    })
}

/// Whether a plugin's code wants to hear of its links.
fn listens(pool: &Pool) -> bool {
    !(pool.registered().attaches.is_empty() && pool.registered().detaches.is_empty())
}

/// The links that a plugin has heard of, by name.
fn heard(inner: &Inner, tenant: &TenantId, user: &str) -> Result<BTreeSet<String>, HostError> {
    let kept = inner.view()?.meta(&key(tenant, user)).map_err(|error| store_error(&error))?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
}

fn key(tenant: &TenantId, user: &str) -> String {
    tenant_meta(tenant, &format!("links/{user}"))
}

/// Tells the users of providers that are about to leave, in every tenant, as the plugins run now.
///
/// # Errors
/// `DETACH_VETOED`, where one of them throws and nobody insists. Those that were told before hear that it is there
/// again with the next [`keep`].
pub(crate) async fn leave(
    inner: &Arc<Inner>,
    before: &[Arc<Pool>],
    after: &[Arc<Pool>],
    reason: impl Fn(&str) -> &'static str,
    force: bool,
) -> Result<(), HostError> {
    for link in all(before).into_iter().filter(|link| !is_offered(after, link)) {
        let slug = link.user.as_str();
        // Who leaves itself, loses nothing by it.
        let stays = after.iter().any(|pool| pool.plugin.slug() == slug);
        let Some(user) = before.iter().find(|pool| pool.plugin.slug() == slug && stays && listens(pool)) else {
            continue;
        };
        for tenant in tenants(inner) {
            let mut heard = heard(inner, &tenant, slug)?;
            if !heard.remove(&link.name()) {
                continue;
            }
            let run = link.run(Some(reason(&link.provider)));
            match tell(inner, user, &tenant, run, &heard).await {
                Err(error) if is_veto(&error) && !force => return Err(vetoed(&link, &tenant, &error)),
                Err(error) => let_go(inner, &link, &tenant, &heard, &error)?,
                Ok(()) => {}
            }
        }
    }
    Ok(())
}

/// Tells users of what they have not heard yet, again and again where one of them fails, until all have heard of it or
/// this is begun anew.
pub(crate) fn keep(inner: &Arc<Inner>) {
    let turn = inner.link_turns.fetch_add(1, Ordering::SeqCst) + 1;
    inner.telling.fetch_add(1, Ordering::SeqCst);
    tokio::spawn(keep_on(inner.clone(), turn));
}

async fn keep_on(mut inner: Arc<Inner>, turn: u64) {
    for attempt in 0.. {
        let is_last = inner.link_turns.load(Ordering::SeqCst) != turn || keep_once(&inner).await;
        inner.telling.fetch_sub(1, Ordering::SeqCst);
        if is_last {
            return;
        }
        // Who only waits keeps nothing alive.
        let waits = Arc::downgrade(&inner);
        drop(inner);
        tokio::time::sleep(pause(attempt)).await;
        let Some(there) = waits.upgrade() else { return };
        inner = there;
        inner.telling.fetch_add(1, Ordering::SeqCst);
    }
}

/// How long after a try the next one follows: twice as long each time, and never more than about a minute.
fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.min(6))
}

/// Gives whether everybody has heard of everything.
async fn keep_once(inner: &Arc<Inner>) -> bool {
    let _one = inner.linking.lock().await;
    let pools = inner.pools();
    let links = all(&pools);
    let mut is_told = true;
    for user in pools.iter().filter(|pool| listens(pool)) {
        for tenant in tenants(inner) {
            is_told &= keep_user(inner, user, &tenant, &links).await.unwrap_or_else(|error| {
                let (slug, tenant) = (user.plugin.slug(), tenant.as_str());
                tracing::warn!(plugin = slug, tenant, error = error.line(), "what a plugin has heard of is not known");
                false
            });
        }
    }
    is_told
}

/// Gives whether a plugin has heard of everything. Where it fails to hear of one provider, it hears of the others.
async fn keep_user(
    inner: &Arc<Inner>,
    user: &Arc<Pool>,
    tenant: &TenantId,
    links: &BTreeSet<Link>,
) -> Result<bool, HostError> {
    let slug = user.plugin.slug();
    let mut heard = heard(inner, tenant, slug)?;
    let own: Vec<&Link> = links.iter().filter(|link| link.user == slug).collect();
    let gone = heard.iter().filter(|name| own.iter().all(|link| link.name() != **name));
    // They left while nobody was looking, so nobody can keep them.
    for link in gone.filter_map(|name| Link::of_name(slug, name)).collect::<Vec<_>>() {
        heard.remove(&link.name());
        if let Err(error) = tell(inner, user, tenant, link.run(Some("removed")), &heard).await {
            let_go(inner, &link, tenant, &heard, &error)?;
        }
    }
    let mut is_told = true;
    for link in own {
        if !heard.insert(link.name()) {
            continue;
        }
        if let Err(error) = tell(inner, user, tenant, link.run(None), &heard).await {
            heard.remove(&link.name());
            let Link { capability, provider, .. } = link;
            let (tenant, error) = (tenant.as_str(), error.line());
            tracing::warn!(
                plugin = slug,
                provider,
                capability,
                tenant,
                error,
                "a plugin could not be told of a provider; it is tried again"
            );
            is_told = false;
        }
    }
    Ok(is_told)
}

fn tenants(inner: &Inner) -> Vec<TenantId> {
    inner.store.tenants().iter().map(|tenant| tenant.id().clone()).collect()
}

/// Has a plugin's functions run in a unit of work that remembers what it has heard of then.
async fn tell(
    inner: &Arc<Inner>,
    user: &Arc<Pool>,
    tenant: &TenantId,
    run: LinkRun,
    heard: &BTreeSet<String>,
) -> Result<(), HostError> {
    let (answer, answered) = oneshot::channel();
    let now_ms = clock::now_ms();
    let cause = Cause {
        tenant: tenant.clone(),
        publisher: format!("plugin:{}", user.plugin.slug()),
        actor: "daemon".to_owned(),
        roles: Vec::new(),
        correlation: ulid(now_ms, chance::number()),
        causation: None,
        hops: 0,
        trace: None,
        now_ms,
    };
    let task = LinkTask { cause, run, mark: mark(tenant, user.plugin.slug(), heard), answer };
    user.enqueue(None, Task::link(task)).map_err(|(_, error)| error)?;
    let stopped = || HostError::new(ErrorCode::ShuttingDown, "the daemon is stopping; try again");
    let Settled { durable, .. } = answered.await.map_err(|_| stopped())??;
    match durable {
        Durable::Unit(synced) => synced.await.map_err(|error| store_error(&error)),
        Durable::Already => Ok(()),
        Durable::Read { epoch, position } => {
            inner.store.synced_at(epoch, position).await.map_err(|error| store_error(&error))
        }
    }
}

fn mark(tenant: &TenantId, user: &str, heard: &BTreeSet<String>) -> (String, Option<Value>) {
    let names = heard.iter().map(|name| Value::from(name.as_str())).collect();
    (key(tenant, user), (!heard.is_empty()).then_some(Value::Array(names)))
}

/// A link ends although its user failed to hear of it.
fn let_go(
    inner: &Arc<Inner>,
    link: &Link,
    tenant: &TenantId,
    heard: &BTreeSet<String>,
    error: &HostError,
) -> Result<(), HostError> {
    let Link { user, capability, provider, .. } = link;
    let error = error.line();
    tracing::warn!(
        plugin = user,
        provider,
        capability,
        tenant = tenant.as_str(),
        error,
        "a provider leaves all the same"
    );
    let mut unit = Unit::new(Scope::System, clock::now_ms());
    unit.meta.push(mark(tenant, user, heard));
    inner.store.decide(unit, ReadSet::default()).map(drop).map_err(|error| refused(&error))
}

/// What a plugin throws is a veto. That it has no time, no worker or no memory is none: who cannot answer cannot
/// keep others either.
fn is_veto(error: &HostError) -> bool {
    use ErrorCode as Code;
    error.thrown
        || !matches!(
            error.code(),
            Some(
                Code::PluginDeadline
                    | Code::PluginMemory
                    | Code::PluginCrashed
                    | Code::PluginUnavailable
                    | Code::Conflict
                    | Code::ShuttingDown
            )
        )
}

fn vetoed(link: &Link, tenant: &TenantId, why: &HostError) -> HostError {
    let Link { user, capability, provider, .. } = link;
    let text = format!(
        "`{provider}` cannot leave: `{user}`, which uses its capability `{capability}`, refuses in tenant `{tenant}`: {}; \
         `trunkline plugin disable {provider} --force` does not ask",
        why.line()
    );
    HostError::new(ErrorCode::DetachVetoed, text).of_plugin(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_again_by_its_name() {
        let link = Link {
            user: "ap".to_owned(),
            capability: "fx.rate".to_owned(),
            provider: "fx".to_owned(),
            version: "1.0.0".to_owned(),
        };
        assert_eq!(Link::of_name("ap", &link.name()), Some(link));
        assert_eq!(Link::of_name("ap", "fx.rate"), None);
    }

    #[test]
    fn pauses_grow_to_a_minute_and_tries_do_not_end() {
        let pauses: Vec<u64> = (0..8).map(|attempt| pause(attempt).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64]);
        assert_eq!(pause(u32::MAX).as_secs(), 64);
    }

    #[test]
    fn who_cannot_answer_cannot_refuse() {
        assert!(is_veto(&HostError::new(ErrorCode::PluginError, "Error: no")));
        let mut own = HostError::new(ErrorCode::PluginError, "");
        own.error.code = "STILL_NEEDED".to_owned();
        assert!(is_veto(&own));
        for code in [ErrorCode::PluginDeadline, ErrorCode::PluginCrashed, ErrorCode::PluginUnavailable] {
            assert!(!is_veto(&HostError::new(code, "")), "{code}");
        }
    }
}
