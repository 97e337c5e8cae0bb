//! How far retention has looked through the events of a topic, kept over restarts.
//!
//! Events come of age in the order of the log, so those before a mark were looked at once. Those of them that had to be
//! kept lie in stretches of the log, and each stretch is looked at again after a wait that doubles every time: what is
//! owed for a day costs some ten looks, and not one a minute. Neighbours with the same wait become one, so a topic has
//! a dozen stretches at most.

use super::{EVERY, Which};
use crate::api::HostError;
use crate::reader::store_error;
use contract_model::{ErrorCode, Sequence, TopicName};
use daemon_store::View;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest wait before what had to be kept is looked at again.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// How far it is with a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Every event up to here was looked at.
    through: Sequence,
    /// Where some of them were kept, in the order of the log.
    left: Vec<Left>,
}

/// Where events were kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    /// The first of them.
    from: Sequence,
    /// None of them lies after it.
    to: Sequence,
    /// When it is looked at again, milliseconds since 1970.
    again_ms: u64,
    /// How long that wait was.
    wait_ms: u64,
}

/// A stretch of the log that is being walked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    next: Sequence,
    last: Sequence,
    /// The last event that was walked over.
    through: Option<Sequence>,
    /// The first and the last that were kept.
    kept: Option<(Sequence, Sequence)>,
    /// What was noted when it was looked at before.
    before: Option<Left>,
}

impl Progress {
    pub(super) fn read(view: &View, topic: &TopicName) -> Result<Self, HostError> {
        let stored = view.meta(&key(topic)).map_err(|error| store_error(&error))?;
        let unreadable = |error| {
            let text = format!("how far the retention of `{topic}` is cannot be read: {error}");
            HostError::new(ErrorCode::Internal, text)
        };
        stored.map_or(Ok(Self::default()), serde_json::from_value).map_err(unreadable)
    }

    /// As it is stored.
    pub(super) fn entry(&self, topic: &TopicName) -> (String, Option<Value>) {
        (key(topic), Some(json!(self)))
    }

    /// What is to be walked now, in the order of the log, and what stays as it is meanwhile.
    pub(super) fn look(&self, now_ms: u64, end: Sequence, which: Which) -> (Vec<Stretch>, Self) {
        let is_due = |left: &&Left| which == Which::All || left.again_ms <= now_ms;
        let (due, left): (Vec<&Left>, Vec<&Left>) = self.left.iter().partition(is_due);
        let again = due.into_iter().map(|left| Stretch::of(left.from, left.to, Some(left.clone())));
        let new = Stretch::of(self.through.next(), end, None);
        (again.chain([new]).collect(), Self { through: self.through, left: left.into_iter().cloned().collect() })
    }

    /// A stretch was walked to its end.
    pub(super) fn add(&mut self, walked: Stretch, now_ms: u64) {
        let Stretch { through, kept, before, .. } = walked;
        self.through = through.map_or(self.through, |through| through.max(self.through));
        let Some((from, to)) = kept else { return };
        let longest = millis(WAIT_MAX);
        let wait_ms = match before {
            Some(Left { again_ms, wait_ms, .. }) if again_ms <= now_ms => (2 * wait_ms).min(longest),
            // It was looked at before its time.
            Some(Left { wait_ms, .. }) => wait_ms,
            None => millis(EVERY),
        };
        self.left.push(Left { from, to, again_ms: now_ms.saturating_add(wait_ms), wait_ms });
    }

    /// In the order of the log, neighbours with the same wait as one.
    pub(super) fn settled(mut self) -> Self {
        self.left.sort_by_key(|left| left.from);
        let mut settled: Vec<Left> = Vec::with_capacity(self.left.len());
        for left in self.left {
            match settled.last_mut() {
                Some(last) if last.wait_ms == left.wait_ms => {
                    last.to = left.to;
                    last.again_ms = last.again_ms.min(left.again_ms);
                }
                _ => settled.push(left),
            }
        }
        Self { left: settled, ..self }
    }
}

impl Stretch {
    fn of(next: Sequence, last: Sequence, before: Option<Left>) -> Self {
        Self { next, last, through: None, kept: None, before }
    }

    /// Whether all of it was looked at before, be it young or not.
    pub(super) fn was_seen(&self) -> bool {
        self.before.is_some()
    }

    /// The first and the last that are still to be looked at.
    pub(super) fn rest(&self) -> (Sequence, Sequence) {
        (self.next, self.last)
    }

    /// It was walked up to an event, and some were kept on the way, from one to another.
    pub(super) fn walked(&mut self, last: Option<Sequence>, kept: Option<(Sequence, Sequence)>) {
        if let Some(last) = last {
            self.through = Some(last);
            self.next = last.next();
        }
        if let Some((from, to)) = kept {
            self.kept = Some((self.kept.map_or(from, |(from, _)| from), to));
        }
    }
}

fn key(topic: &TopicName) -> String {
    format!("retention/{topic}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
