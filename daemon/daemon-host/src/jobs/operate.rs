//! What an operator may do with jobs: run one now, cancel one.

use super::list::{self, Found};
use super::schedules::daemon_event;
use super::{Since, keep_schedules, next_run, unique};
use crate::api::HostError;
use crate::clock;
use crate::host::{Host, Inner};
use crate::pool::Pool;
use crate::reader::{refused, store_error};
use crate::subscribe::begin_halted;
use contract_model::{ErrorCode, TenantId};
use daemon_bus::Input;
use daemon_store::{ReadSet, Refused, Tenant, Unit};
use serde_json::Value;
use std::sync::Arc;

impl Host {
    /// Enqueues a job of this kind or schedule for now, for one tenant or for each; `name` is `kind` or `plugin.kind`.
    /// Gives the jobs' ids. A schedule goes on as if nothing had happened.
    pub async fn run_job_now(
        &self,
        name: &str,
        tenant: Option<&TenantId>,
        args: Value,
    ) -> Result<Vec<String>, HostError> {
        let inner = &self.0;
        let (pool, kind) = registered(inner, name)?;
        let tenants = match tenant {
            Some(tenant) => vec![inner.tenant(tenant)?],
            None => inner.store.tenants(),
        };
        let mut ids = Vec::with_capacity(tenants.len());
        let epoch = inner.store.epoch();
        for tenant in tenants {
            ids.push(enqueue(inner, &pool, &kind, tenant, args.clone())?);
        }
        inner.synced_since(epoch).await?;
        Ok(ids)
    }

    /// A tenant was made: its schedules begin, and its plugins hear of one another.
    pub async fn tenant_made(&self, tenant: &TenantId) -> Result<(), HostError> {
        let epoch = self.0.store.epoch();
        self.0.quotas.forget(tenant);
        crate::links::keep(&self.0);
        keep_schedules(&self.0, &[self.0.tenant(tenant)?], Since::Running)?;
        self.0.synced_since(epoch).await
    }

    /// A tenant was erased: what is counted and kept of it in memory goes, and what its dead letters held up goes on.
    pub async fn tenant_erased(&self, tenant: &TenantId) -> Result<(), HostError> {
        self.0.quotas.forget(tenant);
        for pool in self.0.pools() {
            pool.plugin.meter.usage.forget(tenant);
        }
        self.0.input(Input::Erased { tenant: tenant.clone() });
        let subscriptions = self.0.conductor.destinations();
        begin_halted(&self.0, subscriptions.iter().map(|(id, _)| id)).await
    }

    /// Ends a job that has not ended: it does not run, or what it is just doing comes to nothing. Where it was a run of a
    /// schedule the next one follows.
    pub async fn cancel_job(&self, id: &str, tenant: Option<&TenantId>) -> Result<(), HostError> {
        let inner = &self.0;
        let Found { event, tenant, subscription } = list::find(inner, id, tenant)?;
        let now = clock::now_ms();
        let mut unit = Unit::new(tenant, now);
        unit.handled = Some((subscription.clone(), event.sequence));
        unit.meta.push(inner.job_ends.note(inner, &subscription, event.sequence, now, true)?);
        unit.events.extend(next_run(inner, &event, now));
        match inner.decide(unit, ReadSet::default()) {
            Ok(decided) => decided.synced.await.map_err(|error| store_error(&error)),
            Err(Refused::AlreadyHandled) => Err(HostError::new(
                ErrorCode::NotFound,
                format!("the job `{id}` has ended; there is nothing to cancel"),
            )),
            Err(other) => Err(refused(&other)),
        }
    }
}

fn enqueue(inner: &Arc<Inner>, pool: &Pool, kind: &str, tenant: Tenant, args: Value) -> Result<String, HostError> {
    let event = daemon_event(tenant.id(), &pool.plugin.manifest.slug.value, kind, args)?;
    let id = event.id.as_str().to_owned();
    let mut unit = Unit::new(tenant, event.time_ms);
    unit.events.push(unique(event));
    inner.decide(unit, ReadSet::default()).map(|_| id).map_err(|error| refused(&error))
}

/// The one plugin that has registered a kind of this name.
fn registered(inner: &Inner, name: &str) -> Result<(Arc<Pool>, String), HostError> {
    let mut found = Vec::new();
    let mut known = Vec::new();
    for pool in inner.pools() {
        for declared in &pool.registered().jobs {
            let full = format!("{}.{}", pool.plugin.slug(), declared.kind);
            if declared.kind == name || full == name {
                found.push((pool.clone(), declared.kind.clone()));
            }
            known.push(full);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            Err(HostError::new(ErrorCode::NotFound, format!("no plugin has a job `{name}`; there are {}", all(&known))))
        }
        _ => {
            let names: Vec<String> =
                found.iter().map(|(pool, kind)| format!("{}.{kind}", pool.plugin.slug())).collect();
            Err(HostError::new(ErrorCode::QueryInvalid, format!("`{name}` may be {}; name one of them", all(&names))))
        }
    }
}

fn all(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
