//! Dead letters as an operator handles them.

use crate::api::{DeadLetterView, HostError};
use crate::clock;
use crate::host::Host;
use crate::reader::{refused, store_error};
use crate::stamp::check_payload;
use crate::subscribe::begin_halted;
use contract_model::event::rfc3339;
use contract_model::limits::{DEAD_LETTERS_ROOM_MS_MAX, DEAD_LETTERS_TAKEN_MAX, SUBSCRIPTION_WINDOW_MAX};
use contract_model::{ErrorCode, PluginSlug, Sequence, SubscriptionId, TenantId, TopicPattern};
use daemon_bus::{Input, Lane};
use daemon_store::{
    DeadLetter, DeadLetterChange, LetterPlace, LettersOf, LettersPage, LettersWanted, ReadSet, Retry, RetryChange,
    Scope, Unit, Unsettled, View,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Letters that are handled in one unit of work.
const LETTERS_PER_UNIT: usize = 256;
/// How long many letters may take to find room, and how often they look.
const PATIENCE: Duration = Duration::from_millis(DEAD_LETTERS_ROOM_MS_MAX);
const ROOM_EVERY: Duration = Duration::from_millis(20);
const ROOM_AFTER: Duration = Duration::from_secs(1);

/// What became of dead letters that were to be retried or dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Those that are offered again, or gone.
    pub count: usize,
    /// Those that stay, for want of room.
    pub left: usize,
    /// The last that was looked at, where there are more: the next request goes on after it.
    pub next: Option<String>,
}

/// Whether there is room for dead letters that are to be retried.
enum Room {
    Now,
    /// When others are handled.
    Later,
    /// Not as long as a plugin does not run.
    Never,
}

/// A page of dead letters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeadLettersPage {
    /// By subscription, and of each in the order of the log.
    pub letters: Vec<DeadLetterView>,
    /// The last that was looked at, where there are more. A page that has one may be empty.
    pub next: Option<String>,
}

/// Which dead letters.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of topics under this pattern.
    pub topic: Option<TopicPattern>,
    /// Only of this plugin.
    pub plugin: Option<PluginSlug>,
    /// Only with this error code.
    pub code: Option<String>,
    /// Only those after this one, which need not be there any more.
    pub after: Option<String>,
}

impl DeadLetterQuery {
    fn wants(&self, letter: &DeadLetter) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == letter.tenant)
            && self.topic.as_ref().is_none_or(|topic| topic.matches(letter.topic.as_str()))
            && self.code.as_ref().is_none_or(|code| *code == letter.code)
    }

    /// At most so many of them; the page may end before, and then says where.
    fn page(&self, view: &View, limit: usize) -> Result<LettersPage, HostError> {
        let of = self.plugin.clone().map_or(LettersOf::All, LettersOf::Plugin);
        let after = self.after.as_deref().map(|id| place(id).ok_or_else(|| no_place(id))).transpose()?;
        let wanted = LettersWanted { of, after, limit };
        view.dead_letters(&wanted, |letter| self.wants(letter)).map_err(|error| store_error(&error))
    }
}

impl Host {
    /// A page of dead letters, of at most `limit`.
    pub fn dead_letters(&self, query: &DeadLetterQuery, limit: usize) -> Result<DeadLettersPage, HostError> {
        let LettersPage { letters, next } = query.page(&self.0.view()?, limit)?;
        Ok(DeadLettersPage { letters: letters.iter().map(view_of).collect(), next: next.as_ref().map(id_of) })
    }

    /// One dead letter.
    pub fn dead_letter(&self, id: &str) -> Result<DeadLetterView, HostError> {
        self.letter(id).map(|letter| view_of(&letter))
    }

    /// Delivers the event of a dead letter once more to the subscription that could not handle it, as it was delivered
    /// the last time or with another payload if one is given. Where its subscription has no room for it now, it stays.
    pub async fn retry_dead_letter(&self, id: &str, payload: Option<Value>) -> Result<(), HostError> {
        let letter = self.letter(id)?;
        if self.is_gone(&letter.subscription) {
            return Err(gone(&letter.subscription));
        }
        if let Some(payload) = &payload {
            let contracts = self.0.contracts();
            let (topic, contract) = contracts.known_topic(letter.topic.as_str())?;
            check_payload(&topic, contract, payload)?;
        }
        let subscription = letter.subscription.clone();
        match self.retry(vec![letter], payload, Duration::ZERO).await? {
            Taken { left: 1.., .. } => {
                let text = format!(
                    "`{subscription}` holds as many events as it may (SUBSCRIPTION_WINDOW_MAX), so the dead letter `{id}` \
                     stays; retry it later"
                );
                Err(HostError::new(ErrorCode::Overloaded, text).retry_after(ROOM_AFTER))
            }
            Taken { count: 0, .. } => Err(missing(id)),
            _ => Ok(()),
        }
    }

    /// Delivers the events of dead letters once more to the subscriptions that could not handle them, of each in the
    /// order of the log, [`DEAD_LETTERS_TAKEN_MAX`] of them at most. They are offered as the subscriptions find room for
    /// them; what found none for too long stays a dead letter.
    pub async fn retry_dead_letters(&self, query: &DeadLetterQuery) -> Result<Taken, HostError> {
        let LettersPage { letters, next } = query.page(&self.0.view()?, most())?;
        Ok(Taken { next: next.as_ref().map(id_of), ..self.retry(letters, None, PATIENCE).await? })
    }

    /// Forgets a dead letter; its event stays in the log, unhandled by that subscription for good.
    pub async fn drop_dead_letter(&self, id: &str) -> Result<(), HostError> {
        match self.forget(&[self.letter(id)?]).await? {
            0 => Err(missing(id)),
            _ => Ok(()),
        }
    }

    /// The same with many, [`DEAD_LETTERS_TAKEN_MAX`] at most.
    pub async fn drop_dead_letters(&self, query: &DeadLetterQuery) -> Result<Taken, HostError> {
        let LettersPage { letters, next } = query.page(&self.0.view()?, most())?;
        Ok(Taken { count: self.forget(&letters).await?, left: 0, next: next.as_ref().map(id_of) })
    }

    fn letter(&self, id: &str) -> Result<DeadLetter, HostError> {
        let (subscription, sequence) = place(id).ok_or_else(|| missing(id))?;
        let found = self.0.view()?.dead_letter(&subscription, sequence).map_err(|error| store_error(&error))?;
        found.ok_or_else(|| missing(id))
    }

    async fn retry(
        &self,
        letters: Vec<DeadLetter>,
        payload: Option<Value>,
        patience: Duration,
    ) -> Result<Taken, HostError> {
        let until = Instant::now() + patience;
        let mut retried = Taken { left: letters.len(), ..Taken::default() };
        let letters: Vec<_> = letters.into_iter().filter(|letter| !self.is_gone(&letter.subscription)).collect();
        for some in letters.chunks(LETTERS_PER_UNIT) {
            loop {
                match self.room(some)? {
                    Room::Now => break,
                    Room::Later if Instant::now() < until => tokio::time::sleep(ROOM_EVERY).await,
                    Room::Later | Room::Never => return Ok(retried),
                }
            }
            let taken = self.remove(some, |letter| Some(retry_of(letter, payload.clone()))).await?;
            for letter in &taken {
                self.0.redeliver(letter.subscription.clone(), letter.sequence);
            }
            begin_halted(&self.0, taken.iter().map(|letter| &letter.subscription)).await?;
            retried.count += taken.len();
            retried.left -= some.len();
        }
        Ok(retried)
    }

    async fn forget(&self, letters: &[DeadLetter]) -> Result<usize, HostError> {
        let mut dropped = 0;
        for some in letters.chunks(LETTERS_PER_UNIT) {
            let taken = self.remove(some, |_| None).await?;
            for letter in &taken {
                // The lane goes on, if this letter had parked it.
                if let Some(event) = self.0.event_at(letter.sequence) {
                    let lane = Lane { tenant: event.tenant.clone(), key: event.key.clone() };
                    self.0.input(Input::Unpark { subscription: letter.subscription.clone(), lane });
                }
            }
            begin_halted(&self.0, taken.iter().map(|letter| &letter.subscription)).await?;
            dropped += taken.len();
        }
        Ok(dropped)
    }

    /// Whether nothing would take up a retry: its plugin runs without such a handler, or is no part of the suite.
    fn is_gone(&self, subscription: &SubscriptionId) -> bool {
        let inner = &self.0;
        let may_come = || {
            let runs = PluginSlug::new(subscription.plugin()).is_ok_and(|slug| inner.pool(&slug).is_some());
            !runs && inner.parsed(subscription.plugin()).is_ok()
        };
        inner.conductor.gauges(subscription).is_none() && !may_come()
    }

    /// Whether the subscriptions have room in memory for these. One that is not in force takes its retries up when it is
    /// again, and then it must have room for them.
    fn room(&self, letters: &[DeadLetter]) -> Result<Room, HostError> {
        let window = usize::try_from(SUBSCRIPTION_WINDOW_MAX).unwrap_or(usize::MAX);
        let mut wanted: BTreeMap<&SubscriptionId, usize> = BTreeMap::new();
        for letter in letters {
            *wanted.entry(&letter.subscription).or_default() += 1;
        }
        for (subscription, count) in wanted {
            let (held, otherwise) = match self.0.conductor.gauges(subscription) {
                Some(gauges) => (gauges.pending + gauges.delayed, Room::Later),
                None => (self.stored_retries(subscription, window)?, Room::Never),
            };
            if held + count > window {
                return Ok(otherwise);
            }
        }
        Ok(Room::Now)
    }

    /// How many retries are stored of a subscription, counted up to so many.
    fn stored_retries(&self, of: &SubscriptionId, most: usize) -> Result<usize, HostError> {
        let everywhere = (Sequence(0), Sequence(u64::MAX));
        let stored = self.0.view()?.unsettled(of, &[Unsettled::Retry], everywhere, most);
        stored.map(|stored| stored.len()).map_err(|error| store_error(&error))
    }

    /// Takes away those that are still there, as something else or for good, and gives them.
    async fn remove(
        &self,
        letters: &[DeadLetter],
        again: impl Fn(&DeadLetter) -> Option<Retry>,
    ) -> Result<Vec<DeadLetter>, HostError> {
        let epoch = self.0.store.epoch();
        let one = self.0.mending.lock().await;
        let view = self.0.view()?;
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        let mut taken = Vec::with_capacity(letters.len());
        for letter in letters {
            let there = view.dead_letter(&letter.subscription, letter.sequence).map_err(|error| store_error(&error))?;
            if there.as_ref() != Some(letter) {
                continue;
            }
            unit.dead_letters.push(DeadLetterChange::Remove(letter.subscription.clone(), letter.sequence));
            // It survives a restart, and lets the event be handled although it was given up before.
            unit.retries.extend(again(letter).map(|retry| RetryChange::Put(letter.subscription.clone(), retry)));
            taken.push(letter.clone());
        }
        self.0.store.decide(unit, ReadSet::default()).map_err(|error| refused(&error))?;
        drop(one);
        self.0.synced_since(epoch).await?;
        Ok(taken)
    }
}

fn missing(id: &str) -> HostError {
    HostError::new(ErrorCode::NotFound, format!("there is no dead letter `{id}`"))
}

fn gone(subscription: &SubscriptionId) -> HostError {
    let handler = subscription.handler();
    let text = format!(
        "there is no handler `{subscription}` any more that could take it; let another one take its place with `formerly: \"{handler}\"`, or give it up with `trunkline dead drop`"
    );
    HostError::new(ErrorCode::SubscriptionGone, text)
}

fn retry_of(letter: &DeadLetter, payload: Option<Value>) -> Retry {
    let (sequence, error) = (letter.sequence, letter.reason.clone());
    let payload = payload.or_else(|| letter.payload.clone());
    Retry { sequence, attempts: 1, due_ms: clock::now_ms(), error, replay: letter.replay, payload }
}

fn most() -> usize {
    usize::try_from(DEAD_LETTERS_TAKEN_MAX).unwrap_or(usize::MAX)
}

/// `plugin.handler:sequence`. A slug has no dot, so a handler's name may have any.
fn id_of((subscription, sequence): &LetterPlace) -> String {
    format!("{}.{}:{sequence}", subscription.plugin(), subscription.handler())
}

fn place(id: &str) -> Option<LetterPlace> {
    let (name, sequence) = id.rsplit_once(':')?;
    let (plugin, handler) = name.split_once('.')?;
    Some((SubscriptionId::new(&PluginSlug::new(plugin).ok()?, handler), Sequence(sequence.parse().ok()?)))
}

fn no_place(id: &str) -> HostError {
    let text =
        format!("`{id}` is no dead letter's id, as `plugin.handler:sequence`; take the one that a page ended with");
    HostError::new(ErrorCode::QueryInvalid, text)
}

fn view_of(letter: &DeadLetter) -> DeadLetterView {
    DeadLetterView {
        id: id_of(&(letter.subscription.clone(), letter.sequence)),
        topic: letter.topic.as_str().to_owned(),
        plugin: letter.subscription.plugin().to_owned(),
        subscription: letter.subscription.as_str().to_owned(),
        attempts: letter.attempts,
        reason: letter.reason.clone(),
        code: letter.code.clone(),
        stack: letter.stack.clone(),
        version: letter.version.clone(),
        time: rfc3339(letter.time_ms),
        event: letter.event.as_str().to_owned(),
        tenant: letter.tenant.as_str().to_owned(),
        replay: letter.replay,
        payload: letter.payload.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_place_whatever_the_handler_is_called() {
        for handler in ["post", "gl.journal/post", "a.b:7", "", "/x", "tür 1"] {
            let at = (SubscriptionId::new(&PluginSlug::new("gl-x").expect("a slug"), handler), Sequence(70));
            assert_eq!(place(&id_of(&at)), Some(at), "{handler}");
        }
        for wrong in ["", "gl.post", "gl:7", "gl.post:", "gl.post:x", "Gl.post:7", ":7"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
