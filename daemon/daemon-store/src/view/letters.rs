//! Dead letters, and what else is unsettled between a subscription and the log, in pages.

use super::View;
use crate::allowance::{CutShort, Spent};
use crate::delivery::DeadLetter;
use crate::error::StoreError;
use crate::eventlog::log_key;
use crate::key::{KeyBuilder, Keyspace, after, closing_u64, prefix_end};
use crate::rename::MOVED;
use crate::seal::damaged;
use crate::small::{decode_small, delivery_key};
use contract_model::{Event, PluginSlug, Sequence, SubscriptionId};

/// Where a dead letter stands: they are ordered by subscription, and of each by the log.
pub type LetterPlace = (SubscriptionId, Sequence);

/// Whose dead letters.
#[derive(Debug, Clone, Default)]
pub enum LettersOf {
    /// Everybody's.
    #[default]
    All,
    /// Those of a plugin's subscriptions.
    Plugin(PluginSlug),
    /// Those of one subscription.
    Subscription(SubscriptionId),
}

/// Which page of the dead letters.
#[derive(Debug, Clone, Default)]
pub struct LettersWanted {
    /// Whose.
    pub of: LettersOf,
    /// Only after this place.
    pub after: Option<LetterPlace>,
    /// At most so many.
    pub limit: usize,
}

/// A page of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LettersPage {
    /// In order.
    pub letters: Vec<DeadLetter>,
    /// The last place that was looked at where there is more. A page that has one may hold no letters.
    pub next: Option<LetterPlace>,
}

/// What may be unsettled of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It is to be tried again.
    Retry,
    /// It was given up.
    DeadLetter,
}

impl Unsettled {
    fn keyspace(self) -> Keyspace {
        match self {
            Self::Retry => Keyspace::Retries,
            Self::DeadLetter => Keyspace::DeadLetters,
        }
    }
}

impl View {
    /// A page of those dead letters that are wanted: at least one is looked at, so whoever follows `next` comes to the
    /// end.
    pub fn dead_letters(
        &self,
        wanted: &LettersWanted,
        wants: impl Fn(&DeadLetter) -> bool,
    ) -> Result<LettersPage, StoreError> {
        let (page, cut) = self.letters(wanted, wants)?;
        if let Some(cut) = cut {
            self.shared.meter.cut_short(cut);
        }
        Ok(page)
    }

    /// The same for who reads on by itself until the end: where a page ends is seen by nobody, nor counted.
    pub fn dead_letters_on(
        &self,
        wanted: &LettersWanted,
        wants: impl Fn(&DeadLetter) -> bool,
    ) -> Result<LettersPage, StoreError> {
        Ok(self.letters(wanted, wants)?.0)
    }

    fn letters(
        &self,
        wanted: &LettersWanted,
        wants: impl Fn(&DeadLetter) -> bool,
    ) -> Result<(LettersPage, Option<CutShort>), StoreError> {
        let (keyspace, mut spent) = (Keyspace::DeadLetters, Spent::default());
        let prefix = match &wanted.of {
            LettersOf::All => KeyBuilder::new(keyspace),
            LettersOf::Plugin(slug) => KeyBuilder::new(keyspace).raw(slug.as_str().as_bytes()).raw(b"/"),
            LettersOf::Subscription(id) => KeyBuilder::new(keyspace).text(id.as_str()),
        };
        let prefix = prefix.into_bytes();
        let first = wanted.after.as_ref().map(|(id, sequence)| after(&delivery_key(keyspace, id, *sequence)));
        let low = first.filter(|first| *first > prefix).unwrap_or_else(|| prefix.clone());
        let high = prefix_end(&prefix);
        let (mut letters, mut last) = (Vec::new(), None);
        if low >= high {
            return Ok((LettersPage { letters, next: None }, None));
        }
        for entry in self.layers().scan(&low, &high, false)? {
            let (key, value) = entry?;
            let cut = spent.cut(self.shared.query_limits);
            if letters.len() >= wanted.limit || cut.is_some() {
                return Ok((LettersPage { letters, next: last }, cut));
            }
            spent.add(value.len() as u64);
            let letter: DeadLetter = decode_small(keyspace, key, &value)?;
            last = Some((letter.subscription.clone(), letter.sequence));
            letters.extend(Some(letter).filter(&wants));
        }
        Ok((LettersPage { letters, next: None }, None))
    }

    /// The first `limit` events after one position and up to another of which any of this is so, in order.
    pub fn unsettled(
        &self,
        of: &SubscriptionId,
        what: &[Unsettled],
        (after, through): (Sequence, Sequence),
        limit: usize,
    ) -> Result<Vec<Sequence>, StoreError> {
        let mut found = Vec::new();
        if after >= through {
            return Ok(found);
        }
        for keyspace in what.iter().map(|what| what.keyspace()) {
            let low = delivery_key(keyspace, of, after.next());
            let high = crate::key::after(&delivery_key(keyspace, of, through));
            for entry in self.layers().scan(&low, &high, false)?.take(limit) {
                let (key, _) = entry?;
                found.push(Sequence(closing_u64(key).ok_or_else(|| damaged(keyspace, key))?));
            }
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(limit);
        Ok(found)
    }

    /// Whether a subscription has given its cursor to another name, and not yet all of its marks, retries and dead
    /// letters: there may be more of them than one unit moves.
    pub fn is_renamed_in_part(&self, old: &SubscriptionId) -> Result<bool, StoreError> {
        if self.has_cursor(old)? {
            return Ok(false);
        }
        for keyspace in MOVED {
            let low = KeyBuilder::new(keyspace).text(old.as_str()).into_bytes();
            if self.layers().scan(&low, &prefix_end(&low), false)?.next().is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The event at a position, as part of a page; none where the page's parts together have met a limit.
    pub fn event_within(&self, sequence: Sequence, spent: &mut Spent) -> Result<Option<Option<Event>>, StoreError> {
        if let Some(cut) = spent.cut(self.shared.query_limits) {
            self.shared.meter.cut_short(cut);
            return Ok(None);
        }
        let key = log_key(sequence);
        let Some(stored) = self.layers().get(&key)? else { return Ok(Some(None)) };
        spent.add(stored.len() as u64);
        super::events::event_of(sequence, &key[1..], &stored).map(Some)
    }
}
