//! Quotas: what one tenant or one plugin may take of what all share. The usual ones are in the table of limits; an
//! operator sets others, for all or for one, and they are stored.

use crate::api::HostError;
use crate::clock;
use crate::host::{Host, Inner};
use crate::reader::{refused, store_error};
use contract_model::limits::{
    self, Limit, PLUGIN_EVENTS_PER_SECOND_MAX, TENANT_CALLS_WAITING_MAX, TENANT_EVENTS_PER_SECOND_MAX,
};
use contract_model::{ErrorCode, PluginSlug, TenantId};
use daemon_bus::Allowance;
use daemon_store::{ReadSet, Refused, Scope, Store, Tenant, Unit, View, tenant_meta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where the quotas that were set are kept among the daemon's free values.
const KEY: &str = "quotas";
/// How often a quota is tried to be stored while tenants come and go.
const STORE_TRIES: u32 = 16;
/// Wait of who has too many calls waiting.
const CALLS_WAIT: Duration = Duration::from_secs(1);

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    TenantEvents,
    PluginEvents,
    TenantCalls,
}

impl Kind {
    const ALL: [Self; 3] = [Self::TenantEvents, Self::PluginEvents, Self::TenantCalls];

    fn name(self) -> &'static str {
        match self {
            Self::TenantEvents => "TENANT_EVENTS_PER_SECOND_MAX",
            Self::PluginEvents => "PLUGIN_EVENTS_PER_SECOND_MAX",
            Self::TenantCalls => "TENANT_CALLS_WAITING_MAX",
        }
    }

    fn usual(self) -> u64 {
        match self {
            Self::TenantEvents => TENANT_EVENTS_PER_SECOND_MAX,
            Self::PluginEvents => PLUGIN_EVENTS_PER_SECOND_MAX,
            Self::TenantCalls => TENANT_CALLS_WAITING_MAX,
        }
    }

    fn limit(self) -> Option<&'static Limit> {
        limits::ALL.iter().find(|limit| limit.name == self.name())
    }

    fn of(name: &str) -> Result<Self, HostError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            HostError::new(ErrorCode::NotFound, format!("there is no quota `{name}`; there are {names}"))
        })
    }
}

/// A quota that an operator set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Set {
    name: String,
    /// The tenant or plugin it is for; without one, all that have none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    value: u64,
}

impl Set {
    /// The tenant that it is for.
    fn tenant(&self) -> Option<TenantId> {
        let of_tenants = [Kind::TenantEvents, Kind::TenantCalls].iter().any(|kind| kind.name() == self.name);
        self.of.as_deref().filter(|_| of_tenants).and_then(|of| TenantId::new(of).ok())
    }

    /// Where it is stored: a tenant's goes with the tenant.
    fn place(&self) -> String {
        self.tenant().map_or_else(|| KEY.to_owned(), |tenant| tenant_meta(&tenant, KEY))
    }
}

/// A quota in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaView {
    /// The limit's name.
    pub name: &'static str,
    /// The tenant or plugin it is for; none is all that have none of their own.
    pub of: Option<String>,
    /// What is allowed.
    pub value: u64,
    /// In which unit.
    pub unit: &'static str,
    /// Whether an operator set it.
    pub set: bool,
}

/// The quotas and what is left of them.
#[derive(Default)]
pub(crate) struct Quotas {
    state: Mutex<State>,
    refused: [AtomicU64; Kind::ALL.len()],
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    set: Vec<Set>,
    tenants: HashMap<TenantId, Allowance>,
    plugins: HashMap<String, Allowance>,
}

impl State {
    fn value(&self, kind: Kind, of: &str) -> u64 {
        let set = |of: Option<&str>| {
            let found = self.set.iter().find(|set| set.name == kind.name() && set.of.as_deref() == of);
            found.map(|set| set.value)
        };
        if self.set.is_empty() {
            return kind.usual();
        }
        set(Some(of)).or_else(|| set(None)).unwrap_or(kind.usual())
    }

    /// What a tenant may still publish; nothing is kept of one that is not there. That is asked while nobody can be
    /// forgotten: a unit that was begun before its tenant was erased would bring back what was, and keep it for ever.
    fn tenant(&mut self, tenant: &TenantId, is_there: impl FnOnce() -> bool, now_ms: u64) -> Option<&mut Allowance> {
        if !self.tenants.contains_key(tenant) && is_there() {
            let fresh = Allowance::new(self.value(Kind::TenantEvents, tenant.as_str()), now_ms);
            self.tenants.insert(tenant.clone(), fresh);
        }
        self.tenants.get_mut(tenant)
    }

    fn plugin(&mut self, plugin: &str, now_ms: u64) -> &mut Allowance {
        let value = self.value(Kind::PluginEvents, plugin);
        self.plugins.entry(plugin.to_owned()).or_insert_with(|| Allowance::new(value, now_ms))
    }
}

impl Quotas {
    /// With the quotas that were stored.
    pub(crate) fn of(view: &View, tenants: &[Tenant]) -> Result<Self, HostError> {
        let quotas = Self::default();
        quotas.state().set = stored(view, tenants)?;
        Ok(quotas)
    }

    /// A tenant was erased, or one begins: what was set for one of its name is not for it.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut state = self.state();
        state.set.retain(|set| set.tenant().as_ref() != Some(tenant));
        state.tenants.remove(tenant);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `count` events out of what their tenant, and the plugin if one publishes them, may publish. Those of a tenant
    /// that was erased meanwhile are left to the store, which refuses them.
    pub(crate) fn admit_events(
        &self,
        store: &Store,
        tenant: &TenantId,
        plugin: Option<&str>,
        count: usize,
    ) -> Result<(), HostError> {
        if count == 0 {
            return Ok(());
        }
        let (now_ms, count) = (clock::now_ms(), count as u64);
        let mut state = self.state();
        let allowance = state.tenant(tenant, || store.tenant(tenant).is_some(), now_ms);
        if let Some(Err(wait_ms)) = allowance.map(|allowance| allowance.take(now_ms, count)) {
            return Err(self.refuse(Kind::TenantEvents, &format!("tenant `{tenant}`"), wait_ms));
        }
        if let Some(slug) = plugin
            && let Err(wait_ms) = state.plugin(slug, now_ms).take(now_ms, count)
        {
            if let Some(allowance) = state.tenants.get_mut(tenant) {
                allowance.give_back(count);
            }
            return Err(self.refuse(Kind::PluginEvents, &format!("plugin `{slug}`"), wait_ms).of_plugin(slug));
        }
        Ok(())
    }

    /// Gives back what was taken for events that were not published after all.
    pub(crate) fn give_back(&self, tenant: &TenantId, plugin: Option<&str>, count: usize) {
        let (now_ms, count) = (clock::now_ms(), count as u64);
        let mut state = self.state();
        // Of one that was erased meanwhile nothing is kept.
        if let Some(allowance) = state.tenants.get_mut(tenant) {
            allowance.give_back(count);
        }
        if let Some(plugin) = plugin {
            state.plugin(plugin, now_ms).give_back(count);
        }
    }

    /// Whether one more call of a tenant may wait, of which so many wait already.
    pub(crate) fn admit_call(&self, tenant: &TenantId, waiting: u64) -> Result<(), HostError> {
        let most = self.state().value(Kind::TenantCalls, tenant.as_str());
        if waiting < most {
            return Ok(());
        }
        self.count(Kind::TenantCalls);
        let name = Kind::TenantCalls.name();
        let text = format!("{waiting} calls of tenant `{tenant}` already wait for the plugin ({name})");
        Err(HostError::new(ErrorCode::QuotaExceeded, text).retry_after(CALLS_WAIT))
    }

    /// Refusals since the start, by limit.
    pub(crate) fn refusals(&self) -> Vec<(&'static str, u64)> {
        Kind::ALL.iter().zip(&self.refused).map(|(kind, count)| (kind.name(), count.load(Relaxed))).collect()
    }

    fn count(&self, kind: Kind) {
        self.refused[kind as usize].fetch_add(1, Relaxed);
    }

    fn refuse(&self, kind: Kind, who: &str, wait_ms: u64) -> HostError {
        self.count(kind);
        let text = format!("{who} has published all the events that it may for now ({})", kind.name());
        HostError::new(ErrorCode::QuotaExceeded, text).retry_after(Duration::from_millis(wait_ms))
    }

    /// The usual quotas, and those that were set.
    fn list(&self) -> Vec<QuotaView> {
        let state = self.state();
        let own = |kind: Kind| state.set.iter().filter(move |set| set.name == kind.name() && set.of.is_some());
        Kind::ALL
            .into_iter()
            .flat_map(|kind| {
                let unit = kind.limit().map_or("", |limit| limit.unit);
                let is_set = state.set.iter().any(|set| set.name == kind.name() && set.of.is_none());
                let view = move |of, value, set| QuotaView { name: kind.name(), of, value, unit, set };
                let all = view(None, state.value(kind, ""), is_set);
                std::iter::once(all).chain(own(kind).map(move |set| view(set.of.clone(), set.value, true)))
            })
            .collect()
    }

    /// Puts in force what is stored. It is read while nobody can be forgotten, so that of a tenant that is erased either
    /// nothing is read any more, or what was read is forgotten after that.
    fn renew(&self, store: &Store) -> Result<(), HostError> {
        let mut state = self.state();
        let view = store.view().map_err(|error| store_error(&error))?;
        *state = State { set: stored(&view, &store.tenants())?, ..State::default() };
        Ok(())
    }
}

/// What an operator wants of a quota.
struct Wanted {
    kind: Kind,
    /// The tenant or plugin it is for.
    of: Option<String>,
    /// Without one, what was set is taken back.
    value: Option<u64>,
}

impl Wanted {
    /// The unit that stores it, and what that relies on: the tenants, too, for a view from before one came or went is too
    /// old for the store. So nothing can be stored of a tenant that is erased meanwhile.
    fn draft(&self, store: &Store) -> Result<(Unit, ReadSet), HostError> {
        let Self { kind, of, value } = self;
        let name = kind.name();
        let view = store.view().map_err(|error| store_error(&error))?;
        let this = Set { name: name.to_owned(), of: of.clone(), value: value.unwrap_or_default() };
        if let Some(tenant) = this.tenant().filter(|tenant| store.tenant(tenant).is_none()) {
            return Err(missing("tenant", tenant.as_str()));
        }
        let mut set = stored(&view, &store.tenants())?;
        set.retain(|set| set.name != name || set.of != *of);
        set.extend(value.map(|_| this.clone()));
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        for place in set.iter().chain([&this]).map(Set::place).chain([KEY.to_owned()]).collect::<BTreeSet<_>>() {
            let there: Vec<&Set> = set.iter().filter(|set| set.place() == place).collect();
            unit.meta.push((place, (!there.is_empty()).then(|| json!(there))));
        }
        Ok((unit, view.into_reads()))
    }

    fn store(&self, store: &Store) -> Result<(), HostError> {
        for _ in 0..STORE_TRIES {
            let (unit, reads) = self.draft(store)?;
            match store.decide(unit, reads) {
                Err(Refused::Conflict { .. }) => {}
                decided => return decided.map(drop).map_err(|error| refused(&error)),
            }
        }
        let text = format!("the quota `{}` was not set: tenants came and went meanwhile; try again", self.kind.name());
        Err(HostError::new(ErrorCode::Conflict, text).retry_after(Duration::from_secs(1)))
    }
}

impl Host {
    /// The quotas in force.
    pub fn quotas(&self) -> Vec<QuotaView> {
        self.0.quotas.list()
    }

    /// Sets a quota for one tenant or plugin, or for all; without a value, takes what was set back. When this returns it
    /// is on disk.
    pub async fn set_quota(&self, name: &str, of: Option<String>, value: Option<u64>) -> Result<(), HostError> {
        let inner = &self.0;
        let kind = Kind::of(name)?;
        known(inner, kind, of.as_deref())?;
        let _turn = inner.quotas.turn.lock().await;
        let epoch = inner.store.epoch();
        Wanted { kind, of, value }.store(&inner.store)?;
        inner.synced_since(epoch).await?;
        inner.quotas.renew(&inner.store)
    }
}

fn known(inner: &Inner, kind: Kind, of: Option<&str>) -> Result<(), HostError> {
    let Some(of) = of else { return Ok(()) };
    match kind {
        Kind::TenantEvents | Kind::TenantCalls => {
            let tenant = TenantId::new(of).map_err(|_| missing("tenant", of))?;
            inner.tenant(&tenant).map(drop)
        }
        Kind::PluginEvents => {
            let slug = PluginSlug::new(of).map_err(|_| missing("plugin", of))?;
            inner.parsed(slug.as_str()).map(drop)
        }
    }
}

fn missing(what: &str, of: &str) -> HostError {
    HostError::new(ErrorCode::NotFound, format!("there is no {what} `{of}`"))
}

/// What was set, as far as those that it is for are there.
fn stored(view: &View, tenants: &[Tenant]) -> Result<Vec<Set>, HostError> {
    let unreadable = |error| HostError::new(ErrorCode::Internal, format!("the quotas cannot be read: {error}"));
    let places = tenants.iter().map(|tenant| tenant_meta(tenant.id(), KEY)).chain([KEY.to_owned()]);
    let mut all: Vec<Set> = Vec::new();
    for place in places {
        let value = view.meta(&place).map_err(|error| store_error(&error))?;
        all.extend(value.map_or(Ok(Vec::new()), serde_json::from_value::<Vec<Set>>).map_err(unreadable)?);
    }
    let is_there = |id: &TenantId| tenants.iter().any(|tenant| tenant.id() == id);
    all.retain(|set| set.tenant().as_ref().is_none_or(is_there));
    Ok(all)
}

#[cfg(test)]
mod tests;
