//! When jobs ended, and how. The last ends of each kind are kept, in places that are used by turns, so that they are
//! written with the unit that ends the job and never grow in number.

use crate::api::HostError;
use crate::host::Inner;
use crate::reader::store_error;
use contract_model::limits::JOB_ENDS_MAX;
use contract_model::{Sequence, SubscriptionId};
use daemon_store::{StoreError, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How a job ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobEnd {
    /// Counts the ends of its kind; its remainder is its place.
    number: u64,
    /// The job.
    pub(super) sequence: Sequence,
    /// Milliseconds since 1970.
    pub(super) at_ms: u64,
    /// Whether an operator ended it.
    pub(super) cancelled: bool,
}

/// How many jobs of each kind have ended.
#[derive(Default)]
pub(crate) struct Ends(Mutex<HashMap<SubscriptionId, u64>>);

impl Ends {
    /// What to write with the unit of work that ends a job.
    pub(crate) fn note(
        &self,
        inner: &Inner,
        subscription: &SubscriptionId,
        sequence: Sequence,
        at_ms: u64,
        cancelled: bool,
    ) -> Result<(String, Option<Value>), HostError> {
        let number = self.next(inner, subscription)?;
        let end = JobEnd { number, sequence, at_ms, cancelled };
        Ok((key(subscription, number), Some(json!(end))))
    }

    /// The next number, after the last that is stored.
    fn next(&self, inner: &Inner, subscription: &SubscriptionId) -> Result<u64, HostError> {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = ended.get_mut(subscription) {
            *count += 1;
            return Ok(*count);
        }
        let known = all(&inner.view()?, subscription).map_err(|error| store_error(&error))?;
        let next = known.iter().map(|end| end.number + 1).max().unwrap_or(0);
        ended.insert(subscription.clone(), next);
        Ok(next)
    }
}

/// The ends that are kept of the jobs of one kind.
pub(super) fn all(view: &View, subscription: &SubscriptionId) -> Result<Vec<JobEnd>, StoreError> {
    let mut ends = Vec::new();
    for place in 0..JOB_ENDS_MAX {
        let kept = view.meta(&key(subscription, place))?;
        ends.extend(kept.and_then(|end| serde_json::from_value::<JobEnd>(end).ok()));
    }
    Ok(ends)
}

fn key(subscription: &SubscriptionId, number: u64) -> String {
    format!("job-end/{}/{}", subscription.as_str(), number % JOB_ENDS_MAX)
}
