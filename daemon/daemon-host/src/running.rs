//! What of a plugin a worker was running, for whoever hears that the worker is no more.

use crate::api::HostError;
use crate::destination::Handler;
use crate::hooks;
use crate::task::{Task, Work};
use crate::usage::{Callee, method_name, when_name};
use crate::worker::WorkerEnd;
use daemon_frame::{HookDeclared, HookTime, Position, Proposed, RecordOperation, Registered, SubscriptionDeclared};

/// Something that a plugin registered, as a sentence names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    what: String,
    /// Where the plugin's code registers it.
    at: Option<Position>,
}

/// A worker that is no more.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) end: WorkerEnd,
    /// None where it ran nothing yet.
    pub(crate) running: Option<Running>,
}

impl Loss {
    /// For whoever waited for the worker.
    pub(crate) fn error(&self, slug: &str) -> HostError {
        let (code, text) = self.end.describe(slug, self.running.as_ref().map(|running| running.what.as_str()));
        HostError::new(code, text).of_plugin(slug).at(self.running.as_ref().and_then(|running| running.at.as_ref()))
    }
}

impl From<WorkerEnd> for Loss {
    fn from(end: WorkerEnd) -> Self {
        Self { end, running: None }
    }
}

impl Running {
    pub(crate) fn of_task(task: &Task, registered: &Registered) -> Option<Self> {
        match &task.work {
            Work::Change(change) => Self::hooks(HookTime::Before, change.changes.iter().map(proposed), registered),
            Work::Event(event) if matches!(event.handler, Handler::Hooks | Handler::Reservation) => {
                let told = hooks::told(&event.event, event.attempt);
                Self::hooks(HookTime::After, [(told.operation, told.collection.as_str())].into_iter(), registered)
            }
            _ => Self::of(task.callee(), registered),
        }
    }

    pub(crate) fn of(callee: Callee, registered: &Registered) -> Option<Self> {
        let (what, at) = match callee {
            Callee::Verb(index) => {
                let route = registered.routes.get(index as usize)?;
                (format!("the verb {} {}", route.method, route.path), route.at.clone())
            }
            Callee::Event(index) => {
                let SubscriptionDeclared { topic, name, at, .. } = registered.subscriptions.get(index as usize)?;
                let named = if topic == name { String::new() } else { format!("{name} ") };
                (format!("the subscription {named}to {topic}"), at.clone())
            }
            Callee::Job(index) => {
                let job = registered.jobs.get(index as usize)?;
                (format!("the job {}", job.kind), job.at.clone())
            }
            Callee::Outcome(index) => {
                let outcome = registered.outcomes.get(index as usize)?;
                (format!("the continuation {}", outcome.name), outcome.at.clone())
            }
            Callee::Provided(capability, method) => {
                let provided = registered.provides.get(capability as usize)?;
                let method = provided.methods.get(method as usize)?;
                (format!("the method {}", method_name(&provided.name, method)), provided.at.clone())
            }
            Callee::Attach => ("an attach hook".to_owned(), None),
            Callee::Detach => ("a detach hook".to_owned(), None),
            Callee::Hooks | Callee::Reservations => ("a record hook".to_owned(), None),
        };
        Some(Self { what, at })
    }

    /// One call runs all hooks of its changes one after another. Where there is one only, it has a place.
    fn hooks<'a>(
        when: HookTime,
        changes: impl Iterator<Item = (RecordOperation, &'a str)>,
        registered: &Registered,
    ) -> Option<Self> {
        let changes: Vec<(RecordOperation, &str)> = changes.collect();
        let wanted =
            |hook: &&HookDeclared| hook.when == when && changes.contains(&(hook.operation, hook.collection.as_str()));
        let hooks: Vec<&HookDeclared> = registered.hooks.iter().filter(wanted).collect();
        let first = hooks.first()?;
        if let [only] = hooks.as_slice() {
            let what = format!("the record hook {} {} {}", when_name(when), only.operation.as_str(), only.collection);
            return Some(Self { what, at: only.at.clone() });
        }
        let count = hooks.len();
        let what = format!("one of {count} record hooks {} changes of {}", when_name(when), first.collection);
        Some(Self { what, at: None })
    }
}

fn proposed(change: &Proposed) -> (RecordOperation, &str) {
    let operation = match (&change.record, &change.previous) {
        (None, _) => RecordOperation::Delete,
        (Some(_), None) => RecordOperation::Create,
        (Some(_), Some(_)) => RecordOperation::Update,
    };
    (operation, change.collection.as_str())
}
