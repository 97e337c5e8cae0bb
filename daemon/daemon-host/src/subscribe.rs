//! Subscriptions put in force: each from where the store says it stood.

use crate::api::HostError;
use crate::clock;
use crate::conductor::{Destination, deadline, store_id};
use crate::host::Inner;
use crate::pool::Pool;
use contract_model::filter::Filter;
use contract_model::manifest::AfterRetries;
use contract_model::{ErrorCode, Permission, PluginSlug, Sequence, TopicPattern};
use daemon_bus::{Input, Lane, ParkedLane, StoredRetry, Subscription, SubscriptionId};
use daemon_store::{ReadSet, Scope, StoreError, Unit, View};
use std::sync::{Arc, Weak};

/// Puts all subscriptions in force, each from where it stood.
pub(crate) fn subscribe_all(inner: &Arc<Inner>) -> Result<(), HostError> {
    for pool in inner.pools() {
        for (index, declared) in (0_u32..).zip(&pool.registered().subscriptions) {
            subscribe(inner, &pool, index, declared)?;
        }
    }
    Ok(())
}

/// Whether all that a plugin wants to hear may be heard by it.
pub(crate) fn check_subscriptions(pool: &Pool) -> Result<(), HostError> {
    pool.registered().subscriptions.iter().try_for_each(|declared| allowed(pool, declared).map(drop))
}

/// The topic or pattern of a subscription, if the manifest allows it. The worker refuses this too; here it holds
/// even if the worker was subverted.
fn allowed(pool: &Pool, declared: &daemon_frame::SubscriptionDeclared) -> Result<TopicPattern, HostError> {
    let manifest = &pool.plugin.manifest;
    let slug = manifest.slug.value.clone();
    let pattern = TopicPattern::new(&declared.topic)
        .map_err(|error| HostError::new(ErrorCode::PluginInvalid, error.to_string()).of_plugin(slug.as_str()))?;
    pool.plugin.demand(&Permission::Subscribe, "subscribe")?;
    if !manifest.may_consume(&pattern) {
        let text =
            format!("plugin `{slug}` subscribes to `{pattern}`, which its plugin.yaml does not list under `consumes`");
        return Err(HostError::new(ErrorCode::TopicUndeclared, text).of_plugin(slug.as_str()));
    }
    Ok(pattern)
}

fn subscribe(
    inner: &Arc<Inner>,
    pool: &Arc<Pool>,
    index: u32,
    declared: &daemon_frame::SubscriptionDeclared,
) -> Result<(), HostError> {
    let pattern = allowed(pool, declared)?;
    let slug = pool.plugin.manifest.slug.value.clone();
    let id = SubscriptionId::new(slug.as_str(), &declared.name);
    let (cursor, retries, parked) = position(inner, &id).map_err(|error| crate::reader::store_error(&error))?;
    let contracts = inner.contracts();
    let mut subscription = Subscription::new(id.clone(), vec![pattern.clone()]);
    subscription.priority = declared.options.priority.unwrap_or(0);
    subscription.concurrency = declared.options.concurrency;
    let heard = contracts.names().filter(|name| pattern.matches(name.as_str()));
    subscription.retry.rules = heard.map(|name| (name.clone().into(), contracts.retry_policy(name))).collect();
    let deadline = deadline(declared.options.deadline.as_deref());
    let when = wanted(&slug, declared)?;
    let destination = Destination { plugin: slug, index, pattern, when, deadline };
    inner.subscribe(id, destination, Input::Subscribe { subscription, cursor, retries, parked });
    Ok(())
}

/// The condition that events must meet. The worker refuses a wrong one too, with its place.
fn wanted(slug: &PluginSlug, declared: &daemon_frame::SubscriptionDeclared) -> Result<Option<Arc<Filter>>, HostError> {
    let Some(when) = &declared.options.when else { return Ok(None) };
    let filter = Filter::parse_over_payload(when).map_err(|error| {
        let text = format!("`when` of the subscription `{}` to `{}`: {error}", declared.name, declared.topic);
        HostError::new(ErrorCode::PluginInvalid, text).of_plugin(slug.as_str())
    })?;
    Ok(Some(Arc::new(filter)))
}

/// Where a subscription stands: its cursor, its retries and its parked lanes.
type Standing = (Sequence, Vec<StoredRetry>, Vec<ParkedLane>);

/// A new subscription begins at the end of the log, and that is noted at once.
fn position(inner: &Arc<Inner>, id: &SubscriptionId) -> Result<Standing, StoreError> {
    let view = inner.store.view()?;
    let stored = store_id(id);
    if !view.has_cursor(&stored)? {
        let head = view.sequence();
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        unit.cursors.push((stored, head));
        if let Err(refused) = inner.store.decide(unit, ReadSet::default()) {
            tracing::error!(why = refused.to_string(), "a new subscription's cursor was refused");
        }
        return Ok((head, Vec::new(), Vec::new()));
    }
    let cursor = view.cursor(&stored)?;
    let mut retries = Vec::new();
    for retry in view.retries(&stored)? {
        if let Some(event) = view.event(retry.sequence)? {
            retries.push(StoredRetry { attempt: retry.attempts, due_ms: retry.due_ms, head: event.head() });
        }
    }
    Ok((cursor, retries, parked_lanes(inner, &view, &stored)?))
}

/// The lanes whose contract says that they wait for an operator once an event has become a dead letter.
fn parked_lanes(
    inner: &Arc<Inner>,
    view: &View,
    id: &daemon_store::SubscriptionId,
) -> Result<Vec<ParkedLane>, StoreError> {
    let contracts = inner.contracts();
    let mut parked = Vec::new();
    for letter in view.dead_letters(Some(id), usize::MAX)? {
        if contracts.retry_policy(&letter.topic).then != AfterRetries::Park {
            continue;
        }
        if let Some(event) = view.event(letter.sequence)? {
            let lane = Lane { tenant: event.tenant.clone(), key: event.key.clone() };
            parked.push(ParkedLane { lane, by: letter.sequence });
        }
    }
    Ok(parked)
}

/// When a flush has failed, everything unsynced is undone: the bus starts anew from what is stored.
pub(crate) async fn watch_epoch(inner: Weak<Inner>) {
    let Some(mut epochs) = inner.upgrade().map(|inner| inner.store.epochs()) else { return };
    while epochs.changed().await.is_ok() {
        let Some(inner) = inner.upgrade() else { return };
        let epoch = *epochs.borrow_and_update();
        tracing::error!(epoch, "a flush failed; unsynced work was undone and the bus starts anew from the log");
        inner.conductor.begin_epoch(epoch);
        inner.live.clear();
        match inner.view() {
            Ok(view) => {
                inner.input(Input::Undo { after: view.sequence() });
                // With what the store still knows of retries and parked lanes.
                if let Err(error) = subscribe_all(&inner) {
                    tracing::error!(error = error.line(), "subscriptions could not be put in force again");
                }
            }
            Err(error) => tracing::error!(error = error.line(), "the log cannot be read"),
        }
    }
}
