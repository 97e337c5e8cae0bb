//! Dead letters as an operator handles them.

use crate::api::{DeadLetterView, HostError};
use crate::clock;
use crate::host::Host;
use crate::reader::{refused, store_error};
use crate::stamp::check_payload;
use contract_model::event::rfc3339;
use contract_model::limits::SUBSCRIPTION_WINDOW_MAX;
use contract_model::{ErrorCode, SubscriptionId, TenantId, TopicPattern};
use daemon_bus::{Input, Lane};
use daemon_store::{DeadLetter, DeadLetterChange, ReadSet, Retry, RetryChange, Scope, Unit};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Letters that are handled in one unit of work.
const LETTERS_PER_UNIT: usize = 256;
/// How long many letters may take to find room, and how often they look.
const PATIENCE: Duration = Duration::from_mins(1);
const ROOM_EVERY: Duration = Duration::from_millis(20);

/// What became of dead letters that were to be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// Those that are offered again.
    pub count: usize,
    /// Those that stay, for want of room.
    pub left: usize,
}

/// Which dead letters.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of topics under this pattern.
    pub topic: Option<TopicPattern>,
    /// Only of this plugin.
    pub plugin: Option<String>,
    /// Only with this error code.
    pub code: Option<String>,
    /// Only these; none is any.
    pub ids: Vec<String>,
}

impl DeadLetterQuery {
    /// The letter of this id.
    pub fn of(id: &str) -> Self {
        Self { ids: vec![id.to_owned()], ..Self::default() }
    }

    fn wants(&self, letter: &DeadLetter) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == letter.tenant)
            && self.topic.as_ref().is_none_or(|topic| topic.matches(letter.topic.as_str()))
            && self.plugin.as_ref().is_none_or(|plugin| plugin == letter.subscription.plugin())
            && self.code.as_ref().is_none_or(|code| *code == letter.code)
            && (self.ids.is_empty() || self.ids.contains(&letter_id(letter)))
    }
}

impl Host {
    /// The dead letters.
    pub fn dead_letters(&self, query: &DeadLetterQuery) -> Result<Vec<DeadLetterView>, HostError> {
        Ok(self.letters(query)?.iter().map(view_of).collect())
    }

    /// Delivers the events of dead letters once more to the subscriptions that could not handle them, in the order of
    /// the log; one of them with another payload, if it is given. Many are offered as the subscriptions find room for
    /// them; what found none for too long stays a dead letter.
    pub async fn retry_dead_letters(
        &self,
        query: &DeadLetterQuery,
        payload: Option<Value>,
    ) -> Result<Retried, HostError> {
        let letters = self.named(query)?;
        if let Some(payload) = &payload {
            self.check_edited(&letters, payload)?;
        }
        let until = Instant::now() + PATIENCE;
        let mut retried = Retried { count: 0, left: letters.len() };
        for some in letters.chunks(LETTERS_PER_UNIT) {
            while !self.has_room(some) {
                if Instant::now() > until {
                    return Ok(retried);
                }
                tokio::time::sleep(ROOM_EVERY).await;
            }
            let taken = self.remove(some, |letter| Some(retry_of(letter, payload.clone()))).await?;
            for letter in &taken {
                self.0.redeliver(letter.subscription.clone(), letter.sequence);
            }
            retried.count += taken.len();
            retried.left -= some.len();
        }
        if retried.count == 0 && !query.ids.is_empty() {
            return Err(missing(&query.ids[0]));
        }
        Ok(retried)
    }

    /// Forgets dead letters; their events stay in the log, unhandled by those subscriptions for good. Gives how many
    /// there were.
    pub async fn drop_dead_letters(&self, query: &DeadLetterQuery) -> Result<usize, HostError> {
        let letters = self.named(query)?;
        let mut dropped = 0;
        for some in letters.chunks(LETTERS_PER_UNIT) {
            for letter in self.remove(some, |_| None).await? {
                // The lane goes on, if this letter had parked it.
                if let Some(event) = self.0.event_at(letter.sequence) {
                    let lane = Lane { tenant: event.tenant.clone(), key: event.key.clone() };
                    self.0.input(Input::Unpark { subscription: letter.subscription, lane });
                }
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// Whether the subscriptions have room in memory for these.
    fn has_room(&self, letters: &[DeadLetter]) -> bool {
        let window = usize::try_from(SUBSCRIPTION_WINDOW_MAX).unwrap_or(usize::MAX);
        let mut wanted: BTreeMap<&SubscriptionId, usize> = BTreeMap::new();
        for letter in letters {
            *wanted.entry(&letter.subscription).or_default() += 1;
        }
        wanted.into_iter().all(|(subscription, count)| {
            // One that is not in force takes its retries up when it is again.
            let held = self.0.conductor.gauges(subscription).map_or(0, |gauges| gauges.pending + gauges.delayed);
            held + count <= window
        })
    }

    fn letters(&self, query: &DeadLetterQuery) -> Result<Vec<DeadLetter>, HostError> {
        let mut letters = self.0.view()?.dead_letters(None, usize::MAX).map_err(|error| store_error(&error))?;
        letters.retain(|letter| query.wants(letter));
        letters.sort_by_key(|letter| letter.sequence);
        Ok(letters)
    }

    /// The letters asked for; those asked for by id must be there.
    fn named(&self, query: &DeadLetterQuery) -> Result<Vec<DeadLetter>, HostError> {
        let letters = self.letters(query)?;
        match query.ids.iter().find(|id| !letters.iter().any(|letter| letter_id(letter) == **id)) {
            Some(id) => Err(missing(id)),
            None => Ok(letters),
        }
    }

    /// An edited payload is for one letter, and holds to the topic's contract as the first one did.
    fn check_edited(&self, letters: &[DeadLetter], payload: &Value) -> Result<(), HostError> {
        let [letter] = letters else {
            let text = format!("a payload is for one dead letter, and {} are asked for", letters.len());
            return Err(HostError::new(ErrorCode::QueryInvalid, text));
        };
        let contracts = self.0.contracts();
        let (topic, contract) = contracts.known_topic(letter.topic.as_str())?;
        check_payload(&topic, contract, payload)
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

fn retry_of(letter: &DeadLetter, payload: Option<Value>) -> Retry {
    let (sequence, error) = (letter.sequence, letter.reason.clone());
    Retry { sequence, attempts: 1, due_ms: clock::now_ms(), error, replay: false, payload }
}

fn letter_id(letter: &DeadLetter) -> String {
    format!("{}:{}", letter.subscription.as_str().replace('/', "."), letter.sequence)
}

fn view_of(letter: &DeadLetter) -> DeadLetterView {
    DeadLetterView {
        id: letter_id(letter),
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
    }
}
