//! Pages of the log for whoever asks from outside: bounded in what they look at, whatever the filter lets through.
//!
//! A filter that nothing passes would otherwise read the whole log for one answer. A page that meets a limit ends there
//! and says where the next one begins.

use super::{EventFilter, View};
use crate::allowance::{CutShort, Spent};
use crate::error::StoreError;
use crate::eventlog::{log_key, story_prefix, topic_prefix};
use crate::key::{KeyBuilder, Keyspace, closing_u64, prefix_end};
use crate::seal::damaged;
use contract_model::{Event, Sequence, TopicPattern, memory};

/// Which page of the log.
#[derive(Debug, Clone, Default)]
pub struct EventsWanted {
    /// What passes.
    pub filter: EventFilter,
    /// Only of this story.
    pub correlation: Option<String>,
    /// Only after this position.
    pub after: Sequence,
    /// Only before this position.
    pub before: Option<Sequence>,
    /// From the end backwards.
    pub newest_first: bool,
    /// At most so many.
    pub limit: usize,
    /// Where this is set the page is full, too, when its events take so much in memory.
    pub bytes: Option<u64>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsPage<E = Event> {
    /// In the order in which they were asked for.
    pub events: Vec<E>,
    /// The last position that was looked at where there is more: the next page is what comes after it, or before it
    /// where the newest come first. A page that has one may hold no events.
    pub next: Option<Sequence>,
}

/// Where the entries of a page are found. All end in the event's sequence.
enum Entries {
    Log,
    Topic(KeyBuilder),
    Story(KeyBuilder),
}

impl Entries {
    /// The shortest way to what is wanted.
    fn of(wanted: &EventsWanted) -> Self {
        let EventFilter { tenant, topic } = &wanted.filter;
        if let (Some(correlation), Some(tenant)) = (&wanted.correlation, tenant) {
            return Self::Story(story_prefix(tenant.number(), correlation));
        }
        match topic.as_ref().and_then(TopicPattern::as_exact) {
            Some(topic) => Self::Topic(topic_prefix(topic.as_str())),
            None => Self::Log,
        }
    }

    fn keyspace(&self) -> Keyspace {
        match self {
            Self::Log => Keyspace::Log,
            Self::Topic(_) => Keyspace::TopicLog,
            Self::Story(_) => Keyspace::Story,
        }
    }

    fn at(&self, sequence: Sequence) -> Vec<u8> {
        match self {
            Self::Log => log_key(sequence).to_vec(),
            Self::Topic(prefix) | Self::Story(prefix) => prefix.clone().u64(sequence.0).into_bytes(),
        }
    }

    /// From the first position to before the last one; without one, to the end.
    fn range(&self, after: Sequence, before: Option<Sequence>) -> (Vec<u8>, Vec<u8>) {
        let end = || match self {
            Self::Log => vec![Keyspace::Log as u8 + 1],
            Self::Topic(prefix) | Self::Story(prefix) => prefix_end(&prefix.clone().into_bytes()),
        };
        (self.at(after.next()), before.map_or_else(end, |before| self.at(before)))
    }
}

impl View {
    /// A page of the log: at least one entry is looked at, so whoever follows `next` comes to the end.
    pub fn events_page(&self, wanted: &EventsWanted) -> Result<EventsPage, StoreError> {
        self.events_within(wanted, &mut Spent::default())
    }

    /// A part of a page of something else, which ends where all its parts together have met a limit. Then it may have
    /// looked at nothing.
    pub fn events_within(&self, wanted: &EventsWanted, spent: &mut Spent) -> Result<EventsPage, StoreError> {
        let (page, cut) = self.part(wanted, spent)?;
        if let Some(cut) = cut {
            self.shared.meter.cut_short(cut);
        }
        Ok(page)
    }

    /// The same for who reads on by itself until it has what it wants: where a page ends is seen by nobody, nor counted.
    pub fn events_on(&self, wanted: &EventsWanted) -> Result<EventsPage, StoreError> {
        Ok(self.part(wanted, &mut Spent::default())?.0)
    }

    fn part(&self, wanted: &EventsWanted, spent: &mut Spent) -> Result<(EventsPage, Option<CutShort>), StoreError> {
        let entries = Entries::of(wanted);
        let (low, high) = entries.range(wanted.after, wanted.before);
        let begin = if wanted.newest_first { wanted.before.unwrap_or(Sequence(u64::MAX)) } else { wanted.after };
        let (mut events, mut held, mut last) = (Vec::new(), 0, begin);
        for entry in self.layers().scan(&low, &high, wanted.newest_first)? {
            let (key, value) = entry?;
            let cut = spent.cut(self.shared.query_limits);
            let is_full = events.len() >= wanted.limit || wanted.bytes.is_some_and(|bytes| held >= bytes);
            if is_full || cut.is_some() {
                return Ok((EventsPage { events, next: Some(last) }, cut));
            }
            last = Sequence(closing_u64(key).ok_or_else(|| damaged(entries.keyspace(), key))?);
            let (event, read) = self.looked_at(&entries, &wanted.filter, last, key, &value)?;
            let of_story = |event: &Event| wanted.correlation.as_ref().is_none_or(|story| *story == event.correlation);
            let event = event.filter(|event| wanted.filter.matches(event) && of_story(event));
            let takes =
                event.as_ref().map_or(0, |event| memory::of(&event.payload) + memory::of_fields(&event.headers));
            held += takes;
            spent.add(read.max(takes));
            events.extend(event);
        }
        Ok((EventsPage { events, next: None }, None))
    }

    /// The event of an entry, none if it was compacted or is another tenant's, and how many bytes were read for it.
    fn looked_at(
        &self,
        entries: &Entries,
        filter: &EventFilter,
        sequence: Sequence,
        key: &[u8],
        value: &[u8],
    ) -> Result<(Option<Event>, u64), StoreError> {
        if matches!(entries, Entries::Log) {
            return Ok((super::events::event_of(sequence, key, value)?, value.len() as u64));
        }
        let is_other = |tenant: &crate::Tenant| *value != tenant.number().to_le_bytes();
        if matches!(entries, Entries::Topic(_)) && filter.tenant.as_ref().is_some_and(is_other) {
            return Ok((None, value.len() as u64));
        }
        let stored = self.layers().get(&log_key(sequence))?.ok_or_else(|| damaged(entries.keyspace(), key))?;
        Ok((super::events::event_of(sequence, key, &stored)?, stored.len() as u64))
    }
}
