//! Subscriptions put in force: each from where the store says it stood.

use crate::api::HostError;
use crate::clock;
use crate::destination::{Destination, Handler, Route, deadline};
use crate::embedded;
use crate::hooks;
use crate::host::Inner;
use crate::jobs::{self, Since};
use crate::pool::Pool;
use crate::reader::{refused, store_error};
use crate::reservations;
use contract_model::filter::Filter;
use contract_model::job::HANDLER_PREFIX;
use contract_model::limits::SUBSCRIPTION_PARKED_KEYS_MAX;
use contract_model::manifest::AfterRetries;
use contract_model::{ErrorCode, Permission, PluginSlug, Sequence, SubscriptionId, TopicName, TopicPattern};
use daemon_bus::{Input, Lane, ParkedLane, StoredRetry, Subscription};
use daemon_frame::SubscriptionDeclared;
use daemon_store::{LettersOf, LettersPage, LettersWanted, ReadSet, Scope, StoreError, Unit, View};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A registration of a plugin's code with its index.
type Declared<'p> = (u32, &'p SubscriptionDeclared);

/// Puts all subscriptions in force, each from where it stood.
pub(crate) fn subscribe_all(inner: &Arc<Inner>) -> Result<(), HostError> {
    for pool in inner.pools() {
        subscribe_plugin(inner, &pool)?;
    }
    Ok(())
}

/// Puts the subscriptions and jobs of one plugin in force, each from where it stood.
pub(crate) fn subscribe_plugin(inner: &Arc<Inner>, pool: &Pool) -> Result<(), HostError> {
    let mut by_name: IndexMap<&str, Vec<Declared<'_>>> = IndexMap::new();
    for (index, declared) in (0_u32..).zip(&pool.registered().subscriptions) {
        by_name.entry(identity(declared)).or_default().push((index, declared));
    }
    for (name, declared) in by_name {
        subscribe(inner, pool, name, &declared)?;
    }
    jobs::subscribe(inner, pool)?;
    hooks::subscribe(inner, pool)?;
    reservations::subscribe(inner, pool)
}

/// What a subscription goes by: its group's name, if it has one, else its handler's.
fn identity(declared: &SubscriptionDeclared) -> &str {
    declared.options.group.as_deref().unwrap_or(&declared.name)
}

/// Whether all that a plugin wants to hear may be heard by it.
pub(crate) fn check_subscriptions(pool: &Pool) -> Result<(), HostError> {
    let all = &pool.registered().subscriptions;
    all.iter().try_for_each(|declared| {
        let names = [Some(&declared.name), declared.options.group.as_ref(), declared.options.formerly.as_ref()];
        if let Some(name) = names.into_iter().flatten().find(|name| name.starts_with(HANDLER_PREFIX)) {
            let text = format!(
                "the subscription `{}` goes by the name `{name}`: names that begin with `{HANDLER_PREFIX}` are those of jobs; give it another",
                declared.name
            );
            return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(pool.plugin.slug()));
        }
        let still_there = declared.options.formerly.as_ref().filter(|old| all.iter().any(|one| identity(one) == *old));
        if let Some(old) = still_there {
            let text = format!(
                "the subscription `{}` says `formerly: \"{old}\"`, but there still is a handler of that name, whose place it would take",
                declared.name
            );
            return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(pool.plugin.slug()));
        }
        let group = declared.options.group.as_ref();
        if let Some(group) = group.filter(|group| all.iter().any(|one| one.options.group.is_none() && one.name == **group)) {
            let text = format!(
                "the group `{group}` has the name of a handler that is not in it, and they would share one place in the log; give one of them another"
            );
            return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(pool.plugin.slug()));
        }
        allowed(pool, declared).map(drop)
    })
}

/// The topic or pattern of a subscription, if the manifest allows it. The worker refuses this too; here it holds
/// even if the worker was subverted.
fn allowed(pool: &Pool, declared: &SubscriptionDeclared) -> Result<TopicPattern, HostError> {
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

fn subscribe(inner: &Arc<Inner>, pool: &Pool, name: &str, declared: &[Declared<'_>]) -> Result<(), HostError> {
    let plugin = pool.plugin.manifest.slug.value.clone();
    let routes: Arc<[Route]> = declared.iter().map(|one| route(pool, *one)).collect::<Result<_, _>>()?;
    let id = SubscriptionId::new(&plugin, name);
    let formerly = declared.iter().find_map(|(_, one)| one.options.formerly.as_deref());
    let formerly = formerly.map(|name| SubscriptionId::new(&plugin, name));
    let contracts = inner.contracts();
    let patterns: Vec<TopicPattern> = routes.iter().map(|route| route.pattern.clone()).collect();
    let mut subscription = Subscription::new(id.clone(), patterns);
    subscription.priority = declared.iter().filter_map(|(_, one)| one.options.priority).max().unwrap_or(0);
    subscription.concurrency = declared.iter().filter_map(|(_, one)| one.options.concurrency).min();
    let heard = contracts.names().filter(|name| subscription.hears(name));
    subscription.retry.rules = heard.map(|name| (name.clone().into(), contracts.retry_policy(name))).collect();
    let is_group = declared.iter().any(|(_, one)| one.options.group.is_some());
    put_in_force(inner, subscription, formerly.as_ref(), Destination { plugin, routes, is_group })
}

/// Puts a subscription in force from where it stood.
pub(crate) fn put_in_force(
    inner: &Arc<Inner>,
    subscription: Subscription,
    formerly: Option<&SubscriptionId>,
    destination: Destination,
) -> Result<(), HostError> {
    let id = subscription.id.clone();
    take_place(inner, &id, formerly)?;
    let (cursor, retries, parked) = position(inner, &id).map_err(|error| store_error(&error))?;
    inner.subscribe(id.clone(), destination, Input::Subscribe { subscription, cursor, retries, parked });
    tell_if_halted(inner, &id);
    Ok(())
}

fn route(pool: &Pool, (index, declared): Declared<'_>) -> Result<Route, HostError> {
    let pattern = allowed(pool, declared)?;
    let when = wanted(&pool.plugin.manifest.slug.value, declared)?;
    Ok(Route {
        handler: Handler::Subscription(index),
        pattern,
        when,
        deadline: deadline(declared.options.deadline.as_deref()),
    })
}

/// The condition that events must meet. The worker refuses a wrong one too, with its place.
fn wanted(slug: &PluginSlug, declared: &SubscriptionDeclared) -> Result<Option<Filter>, HostError> {
    let Some(when) = &declared.options.when else { return Ok(None) };
    let filter = Filter::parse_over_payload(when).map_err(|error| {
        let text = format!("`when` of the subscription `{}` to `{}`: {error}", declared.name, declared.topic);
        HostError::new(ErrorCode::PluginInvalid, text).of_plugin(slug.as_str())
    })?;
    Ok(Some(filter))
}

/// Dead letters read at once.
const LETTERS_READ: usize = 256;

/// Where a subscription stands: its cursor, its retries and its parked lanes.
pub(crate) type Position = (Sequence, Vec<StoredRetry>, Vec<ParkedLane>);

/// A new subscription begins at the end of the log, or where the one stood that it was before its handler got another
/// name. Either is noted at once, or the subscription is not put in force: without a place it would hear the whole log.
fn take_place(inner: &Arc<Inner>, id: &SubscriptionId, formerly: Option<&SubscriptionId>) -> Result<(), HostError> {
    let failed = |error| store_error(&error);
    let view = inner.view()?;
    let is_new = !view.has_cursor(id).map_err(failed)?;
    if let Some(old) = formerly
        && (is_new && view.has_cursor(old).map_err(failed)? || view.is_renamed_in_part(old).map_err(failed)?)
    {
        drop(view);
        return rename(inner, old, id);
    }
    if is_new {
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        unit.cursors.push((id.clone(), view.sequence()));
        inner.store.decide(unit, ReadSet::default()).map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Moves what is kept of a subscription to its new name, in as many units as that takes. A start goes on with what was
/// cut off.
fn rename(inner: &Arc<Inner>, old: &SubscriptionId, new: &SubscriptionId) -> Result<(), HostError> {
    let failed = |error| store_error(&error);
    loop {
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        unit.renamed.push((old.clone(), new.clone()));
        let decided = inner.store.decide(unit, ReadSet::default()).map_err(|error| refused(&error))?;
        if !inner.view()?.is_renamed_in_part(old).map_err(failed)? {
            return Ok(());
        }
        // So that the parts do not pile up in memory.
        decided.synced.wait().map_err(failed)?;
    }
}

fn position(inner: &Arc<Inner>, id: &SubscriptionId) -> Result<Position, StoreError> {
    let view = inner.store.view()?;
    let (cursor, retries) = (view.cursor(id)?, embedded::retries(&view, id)?);
    // Up to there everything would be taken for handled that is yet to come.
    if cursor > view.sequence() {
        let (at, end) = (cursor, view.sequence());
        let what = format!("the cursor of `{id}` (it is at {at}, the log ends at {end})");
        return Err(StoreError::Damaged { what });
    }
    Ok((cursor, retries, parked_lanes(inner, &view, id)?))
}

/// The lanes whose contract says that they wait for an operator once an event has become a dead letter.
/// They are looked for where there is such a contract at all, and in pages, until one more is found than the bus keeps.
fn parked_lanes(inner: &Arc<Inner>, view: &View, id: &SubscriptionId) -> Result<Vec<ParkedLane>, StoreError> {
    let contracts = inner.contracts();
    let parks = |topic: &TopicName| contracts.retry_policy(topic).then == AfterRetries::Park;
    let mut parked = BTreeMap::new();
    if !contracts.names().any(&parks) {
        return Ok(Vec::new());
    }
    let of = LettersOf::Subscription(id.clone());
    let mut wanted = LettersWanted { of, after: None, limit: LETTERS_READ };
    loop {
        let LettersPage { letters, next } = view.dead_letters_on(&wanted, |letter| parks(&letter.topic))?;
        for letter in letters {
            if let Some(event) = view.event(letter.sequence)? {
                parked.insert(Lane { tenant: event.tenant, key: event.key }, letter.sequence);
            }
        }
        wanted.after = next;
        if wanted.after.is_none() || parked.len() as u64 > SUBSCRIPTION_PARKED_KEYS_MAX {
            return Ok(parked.into_iter().map(|(lane, by)| ParkedLane { lane, by }).collect());
        }
    }
}

/// Dead letters of these subscriptions were taken away: those of them that stood still, since more keys were parked than may
/// be, go on if few enough are left.
pub(crate) async fn begin_halted(
    inner: &Arc<Inner>,
    of: impl IntoIterator<Item = &SubscriptionId>,
) -> Result<(), HostError> {
    for id in of.into_iter().collect::<BTreeSet<_>>() {
        if !inner.conductor.gauges(id).is_some_and(|gauges| gauges.halted) {
            continue;
        }
        // What others store of retries meanwhile would not be in what is read here.
        let _one = inner.mending.lock().await;
        inner.begin_halted(id, position(inner, id).map_err(|error| store_error(&error))?);
        tell_if_halted(inner, id);
    }
    Ok(())
}

fn tell_if_halted(inner: &Inner, id: &SubscriptionId) {
    if inner.conductor.gauges(id).is_some_and(|gauges| gauges.halted) {
        tracing::error!(
            subscription = id.as_str(),
            "more keys wait for an operator than may (SUBSCRIPTION_PARKED_KEYS_MAX): nothing is delivered to it until dead letters of it are retried or dropped, or its topic says `then: dead-letter`"
        );
    }
}

/// How long the bus stays as it was where it cannot begin anew.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// When a flush has failed, everything unsynced is undone: the bus starts anew from what is stored.
pub(crate) async fn watch_epoch(inner: Weak<Inner>) {
    let Some(mut epochs) = inner.upgrade().map(|inner| inner.store.epochs()) else { return };
    while epochs.changed().await.is_ok() {
        tracing::error!("a flush failed; unsynced work was undone and the bus starts anew from the log");
        while let Some(error) = inner.upgrade().and_then(|inner| begin_anew(&inner).err()) {
            tracing::error!(error = error.line(), "subscriptions could not be put in force again; they will be");
            tokio::time::sleep(BEGIN_AGAIN_AFTER).await;
        }
    }
}

/// Subscribes all with what the store still knows of retries and parked lanes.
fn begin_anew(inner: &Arc<Inner>) -> Result<(), HostError> {
    inner.begin_epoch()?;
    subscribe_all(inner)?;
    jobs::keep_schedules(inner, &inner.store.tenants(), Since::Running)
}
