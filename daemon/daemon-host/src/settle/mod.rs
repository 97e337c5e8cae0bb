//! The end of a handler call: its buffered effects become one decision of the store, or nothing.

mod answer;
mod unit;

pub(crate) use answer::{PendingAnswer, PendingOutcome, outcome_of_stored};
pub(crate) use unit::new_event;

use crate::api::{HostError, VerbRequest};
use crate::fetching::Fetched;
use crate::held::Relied;
use crate::host::Inner;
use crate::lane::Waits;
use crate::plugin::Plugin;
use crate::reader::store_error;
use crate::spoken;
use crate::stamp::Cause;
use crate::task::{Task, Work};
use answer::{changed, pending};
use contract_model::{ErrorCode, TenantId};
use daemon_frame::{Done, Draft, Ended};
use daemon_store::{ReadSet, Refused, Scope, Synced, View};
use std::sync::Arc;
use unit::{Call, Drafted, Kept};

/// A task whose effects are decided; a verb's answer still waits for the flush.
pub(crate) struct Settled {
    pub(crate) answer: Option<PendingAnswer>,
    pub(crate) durable: Durable,
    /// The position at which its changes were decided, if it made any.
    pub(crate) decided: Option<u64>,
    /// The call, if it only read and may be run again should what it read be undone.
    pub(crate) again: Option<Box<ReadAgain>>,
}

/// A call that changed nothing.
pub(crate) struct ReadAgain {
    pub(crate) request: VerbRequest,
    pub(crate) fetched: Fetched,
}

/// As of when something was read.
#[derive(Clone, Copy)]
pub(crate) struct AsOf {
    epoch: u64,
    position: u64,
    /// All of it was on disk then.
    is_synced: bool,
}

impl AsOf {
    pub(crate) fn of(view: &View) -> Self {
        Self { epoch: view.epoch(), position: view.position(), is_synced: view.is_synced() }
    }
}

/// What a task's effects stand on.
pub(crate) struct Basis {
    /// The snapshot that it asked, if it asked one of its own.
    pub(crate) view: Option<View>,
    /// As of when that is so which it brought along; it changes nothing then.
    pub(crate) brought: Option<AsOf>,
    /// What it took from items before it.
    pub(crate) relied: Relied,
    /// The `traceparent` of the unit of work.
    pub(crate) trace: Option<String>,
}

impl Basis {
    /// The position that what was read is of, as far as the disk is concerned.
    fn read(&self) -> Durable {
        let read = self.view.as_ref().map(AsOf::of).into_iter().chain(self.brought);
        let unsynced = read.filter(|read| !read.is_synced).map(|read| (read.epoch, read.position));
        let relied = self.relied.newest().map(|position| (self.relied.epoch, position));
        unsynced.chain(relied).max().map_or(Durable::Already, |(epoch, position)| Durable::Read { epoch, position })
    }

    fn into_reads(self, inner: &Inner, tenant: &TenantId) -> Result<ReadSet, HostError> {
        let reads = self.view.map_or_else(ReadSet::default, View::into_reads);
        if self.relied.is_empty() {
            return Ok(reads);
        }
        let scope = Scope::Tenant(inner.tenant(tenant)?);
        let records = self.relied.records.iter().map(|(collection, id, at)| (collection.as_str(), id.as_str(), *at));
        inner.store.rely(reads, self.relied.epoch, &scope, records).map_err(|error| store_error(&error))
    }

    /// Refuses what stands on records that an item before it left and that are not so any more.
    fn hold(self, inner: &Inner, plugin: &Plugin, tenant: &TenantId) -> Result<(), Refusal> {
        if self.relied.is_empty() {
            return Ok(());
        }
        let reads = self.into_reads(inner, tenant)?;
        inner.store.holds(&reads).map_err(|refused| refusal(plugin, refused))
    }
}

/// What an answer waits for before it may be given.
pub(crate) enum Durable {
    /// Nothing.
    Already,
    /// Its own unit of work.
    Unit(Synced),
    /// What it has read, as a view of this epoch and position saw it.
    Read { epoch: u64, position: u64 },
}

/// Why a task did not settle.
pub(crate) enum Refusal {
    /// It met another unit of work, named here, and must run again.
    Again(String),
    /// It failed.
    Failed(HostError),
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        Self::Failed(error)
    }
}

/// Settles one item that has come back from a worker; `now_ms` is the time its handler was told.
pub(crate) fn settle(
    inner: &Arc<Inner>,
    plugin: &Plugin,
    task: &Task,
    done: Done,
    basis: Basis,
    now_ms: u64,
) -> Result<Settled, Refusal> {
    spoken::log(plugin, &done);
    plugin.count_denied(done.usage.denied);
    let (draft, response) = match done.ended {
        Ended::Returned { draft, response } => (draft, response),
        Ended::Threw(failure) => {
            basis.hold(inner, plugin, task.tenant_id())?;
            return Err(of_the_call(HostError::from_failure(plugin.slug(), failure), task).into());
        }
    };
    let cause = Cause { trace: basis.trace.clone(), ..task.cause(plugin.slug(), now_ms) };
    // Registered before the request can be answered, so that no reply is missed.
    let answer = match &task.work {
        Work::Verb(verb) => match pending(inner, &verb.request, &draft, response) {
            Ok(answer) => Some(answer),
            // As with an exception: what stands on records that are not so any more tells nothing, and runs again.
            Err(error) => {
                basis.hold(inner, plugin, task.tenant_id())?;
                return Err(of_the_call(error, task).into());
            }
        },
        Work::Change(_) => Some(changed(response)),
        Work::Event(_) | Work::Link(_) => None,
    };
    let kept = match (task.keyed(), &answer) {
        (Some(keyed), Some(answer)) => Some(Kept::of(keyed, answer, &cause)?),
        _ => None,
    };
    let (durable, decided) = commit(&Call { inner, plugin, task, cause: &cause }, draft, kept, basis)?;
    Ok(Settled { answer, durable, decided, again: None })
}

/// What is wrong with a call or its answer as a whole has no line but that of its verb. What the store refuses for its
/// own sake, as when its queue is full, has none.
fn of_the_call(error: HostError, task: &Task) -> HostError {
    match &task.work {
        Work::Verb(verb) => error.at(verb.request.route.at.as_ref()),
        _ => error,
    }
}

fn commit(call: &Call<'_>, draft: Draft, kept: Option<Kept>, basis: Basis) -> Result<(Durable, Option<u64>), Refusal> {
    let Call { inner, plugin, task, cause } = *call;
    let changes_nothing = draft.writes.is_empty()
        && draft.events.is_empty()
        && draft.continuations.is_empty()
        && draft.reservations.is_empty();
    if task.is_read_only() && !changes_nothing {
        let text = "the route is declared readOnly, but its handler wrote records or published events";
        let denied = HostError::new(ErrorCode::PermissionDenied, text).of_plugin(plugin.slug());
        return Err(of_the_call(denied, task).into());
    }
    if task.has_client() && changes_nothing && kept.is_none() && task.mark().is_none() {
        // What was read may not be synced yet; the answer must not be ahead of the disk.
        let durable = basis.read();
        basis.hold(inner, plugin, &cause.tenant)?;
        return Ok((durable, None));
    }
    let Drafted { unit, published, news } = call.draft(draft, kept)?;
    let reads = basis.into_reads(inner, &cause.tenant)?;
    inner.quotas.admit_events(&inner.store, &cause.tenant, Some(plugin.slug()), published)?;
    match inner.decide_traced(cause.trace.as_deref(), unit, reads) {
        Ok(decided) => {
            call.tell(news);
            Ok((Durable::Unit(decided.synced), Some(decided.position)))
        }
        Err(refused) => {
            inner.quotas.give_back(&cause.tenant, Some(plugin.slug()), published);
            match refused {
                // Another delivery of the same event was quicker; its effects stand, and ours must not.
                Refused::AlreadyHandled => Ok((Durable::Already, None)),
                refused => Err(refusal(plugin, refused)),
            }
        }
    }
}

fn refusal(plugin: &Plugin, refused: Refused) -> Refusal {
    match refused {
        Refused::Conflict { on } => Refusal::Again(on),
        other => Refusal::Failed(crate::reader::refused(&other).of_plugin(plugin.slug())),
    }
}
