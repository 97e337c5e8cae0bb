//! The state of deliveries, and the daemon's free values.

use super::View;
use crate::answer::{AnswerKey, KeptAnswer, OldAnswer, answer_key, both_entries, old_range, tenant_of};
use crate::delivery::{DeadLetter, Needed, Place, Retry};
use crate::error::StoreError;
use crate::key::{KeyBuilder, Keyspace, closing_u64, prefix_end, whole_text};
use crate::seal::damaged;
use crate::small::{decode_small, delivery_key, meta_key, read_cursor, read_sequence};
use crate::tenant::Tenant;
use contract_model::{Sequence, SubscriptionId, TenantId};
use serde::de::DeserializeOwned;
use serde_json::Value;

impl View {
    /// Everything up to here has been handled by the subscription; 0 if it never said.
    pub fn cursor(&self, subscription: &SubscriptionId) -> Result<Sequence, StoreError> {
        read_cursor(&self.layers(), subscription)
    }

    /// Everybody who has a place in the log, by name, with what is known of the events from `low` to `high`. That none
    /// of them is to be tried again is something that the unit of work relies on.
    pub fn places(&self, low: Sequence, high: Sequence) -> Result<Vec<Place>, StoreError> {
        let keyspace = Keyspace::Cursors;
        let mut places = Vec::new();
        for entry in self.layers().scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
            let (name, value) = entry?;
            let key = |keyspace: Keyspace, at: Sequence| [&[keyspace as u8], name, &at.0.to_be_bytes()].concat();
            let retries = (key(Keyspace::Retries, low), key(Keyspace::Retries, high.next()));
            let has_any =
                |low: &[u8], high: &[u8]| self.layers().scan(low, high, false).map(|mut found| found.next().is_some());
            places.push(Place {
                subscription: whole_text(name).map(SubscriptionId::from),
                cursor: read_sequence(keyspace, name, &value)?,
                has_retries: has_any(&retries.0, &retries.1)?,
                has_dead: has_any(&key(Keyspace::DeadLetters, low), &key(Keyspace::DeadLetters, high.next()))?,
                name: name.to_vec(),
            });
            self.note_range(retries.0, retries.1);
        }
        Ok(places)
    }

    /// Why the subscription that has this place may still need an event of its stretch.
    pub fn needs(&self, place: &Place, sequence: Sequence) -> Result<Option<Needed>, StoreError> {
        let has = |keyspace: Keyspace| {
            self.layers().has(&[&[keyspace as u8], &place.name[..], &sequence.0.to_be_bytes()].concat())
        };
        Ok(if place.has_retries && has(Keyspace::Retries)? {
            Some(Needed::Retry)
        } else if place.has_dead && has(Keyspace::DeadLetters)? {
            Some(Needed::DeadLetter)
        } else if sequence > place.cursor && !has(Keyspace::Inbox)? {
            Some(Needed::Unhandled)
        } else {
            None
        })
    }

    /// Whether the subscription has a cursor, which tells a known subscription from a new one.
    pub fn has_cursor(&self, subscription: &SubscriptionId) -> Result<bool, StoreError> {
        self.layers().has(&crate::small::cursor_key(subscription))
    }

    /// Whether the subscription has handled this event.
    pub fn inbox_has(&self, subscription: &SubscriptionId, sequence: Sequence) -> Result<bool, StoreError> {
        let marked = || self.layers().has(&delivery_key(Keyspace::Inbox, subscription, sequence));
        Ok(sequence <= self.cursor(subscription)? || marked()?)
    }

    /// Whether the subscription has handled this event for good, as something that the unit of work relies on.
    pub fn is_handled(&self, subscription: &SubscriptionId, sequence: Sequence) -> Result<bool, StoreError> {
        let retry = delivery_key(Keyspace::Retries, subscription, sequence);
        let handled = !self.layers().has(&retry)? && self.inbox_has(subscription, sequence)?;
        self.note_key(retry);
        self.note_key(delivery_key(Keyspace::Inbox, subscription, sequence));
        Ok(handled)
    }

    /// The events above its cursor that the subscription has handled.
    pub fn inbox(&self, subscription: &SubscriptionId) -> Result<Vec<Sequence>, StoreError> {
        let low = KeyBuilder::new(Keyspace::Inbox).text(subscription.as_str()).into_bytes();
        let mut marks = Vec::new();
        for entry in self.layers().scan(&low, &prefix_end(&low), false)? {
            let (key, _) = entry?;
            marks.push(Sequence(closing_u64(key).ok_or_else(|| damaged(Keyspace::Inbox, key))?));
        }
        Ok(marks)
    }

    /// The subscription's deliveries that wait for another try.
    pub fn retries(&self, subscription: &SubscriptionId) -> Result<Vec<Retry>, StoreError> {
        let low = KeyBuilder::new(Keyspace::Retries).text(subscription.as_str()).into_bytes();
        let mut found = Vec::new();
        for entry in self.layers().scan(&low, &prefix_end(&low), false)? {
            let (key, value) = entry?;
            found.push(decode_small(Keyspace::Retries, key, &value)?);
        }
        Ok(found)
    }

    /// One delivery that waits for another try.
    pub fn retry(&self, subscription: &SubscriptionId, sequence: Sequence) -> Result<Option<Retry>, StoreError> {
        self.one_small(Keyspace::Retries, subscription, sequence)
    }

    /// One dead letter.
    pub fn dead_letter(&self, of: &SubscriptionId, sequence: Sequence) -> Result<Option<DeadLetter>, StoreError> {
        self.one_small(Keyspace::DeadLetters, of, sequence)
    }

    /// The answer that is kept under a caller's key.
    pub fn answer(&self, tenant: &Tenant, key: &AnswerKey) -> Result<Option<KeptAnswer>, StoreError> {
        let stored = answer_key(tenant.number(), key);
        self.layers().get(&stored)?.map(|value| decode_small(Keyspace::Answers, &stored[1..], &value)).transpose()
    }

    /// An answer that was kept long enough, with the name of its tenant; none if it is gone.
    pub fn old_answer(&self, old: &OldAnswer) -> Result<Option<(TenantId, KeptAnswer)>, StoreError> {
        let tenant = tenant_of(&old.by_time[1..]).and_then(|number| self.registry.tenant_of(number));
        let (Some(tenant), Some(kept)) = (tenant, self.layers().get(&old.by_key)?) else { return Ok(None) };
        Ok(Some((tenant.id().clone(), decode_small(Keyspace::Answers, &old.by_key[1..], &kept)?)))
    }

    /// At most `limit` answers that have been kept long enough at `now_ms`, the oldest first.
    pub fn old_answers(&self, now_ms: u64, limit: usize) -> Result<Vec<OldAnswer>, StoreError> {
        let (low, high) = old_range(now_ms);
        let mut old = Vec::new();
        for entry in self.layers().scan(&low, &high, false)?.take(limit) {
            let (key, _) = entry?;
            old.push(both_entries(key).ok_or_else(|| damaged(Keyspace::Answers, key))?);
        }
        Ok(old)
    }

    /// A free value of the daemon.
    pub fn meta(&self, name: &str) -> Result<Option<Value>, StoreError> {
        let key = meta_key(name);
        let value = self.layers().get(&key)?;
        let value = value.map(|value| decode_small(Keyspace::Meta, &key[1..], &value)).transpose()?;
        self.note_key(key);
        Ok(value)
    }

    fn one_small<T: DeserializeOwned>(
        &self,
        keyspace: Keyspace,
        subscription: &SubscriptionId,
        sequence: Sequence,
    ) -> Result<Option<T>, StoreError> {
        let key = delivery_key(keyspace, subscription, sequence);
        self.layers().get(&key)?.map(|value| decode_small(keyspace, &key[1..], &value)).transpose()
    }
}
