//! What of a plugin a worker was running, for whoever hears that the worker is no more.

use crate::api::HostError;
use crate::destination::Handler;
use crate::hooks;
use crate::task::{Task, Work};
use crate::usage::{Callee, method_name, when_name};
use crate::worker::WorkerEnd;
use daemon_frame::{HookDeclared, HookTime, Position, RecordOperation, Registered, SubscriptionDeclared};

/// Something that a plugin registered, as a sentence names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) what: String,
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
    /// What a task runs. `at` is the place of the hook that its worker named last, which it does where there are several.
    pub(crate) fn of_task(task: &Task, registered: &Registered, at: Option<u16>) -> Option<Self> {
        match &task.work {
            Work::Change(change) => {
                let changes = change.changes.iter().map(|change| (change.operation(), change.collection.as_str()));
                Self::hooks(HookTime::Before, changes, registered, at)
            }
            Work::Event(event) if matches!(event.handler, Handler::Hooks | Handler::Reservation) => {
                let told = hooks::told(&event.event, event.attempt);
                let changes = [(told.operation, told.collection.as_str())].into_iter();
                Self::hooks(HookTime::After, changes, registered, at)
            }
            Work::Link(link) if link.run.attaches => Self::link("attach", &registered.attaches, at),
            Work::Link(_) => Self::link("detach", &registered.detaches, at),
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
            Callee::Attach | Callee::Detach | Callee::Hooks | Callee::Reservations => return None,
        };
        Some(Self { what, at })
    }

    /// One call runs all hooks of its changes one after another: the only one, or the one that the worker has named.
    fn hooks<'a>(
        when: HookTime,
        changes: impl Iterator<Item = (RecordOperation, &'a str)>,
        registered: &Registered,
        at: Option<u16>,
    ) -> Option<Self> {
        let changes: Vec<(RecordOperation, &str)> = changes.collect();
        let wanted =
            |hook: &&HookDeclared| hook.when == when && changes.contains(&(hook.operation, hook.collection.as_str()));
        let hooks: Vec<&HookDeclared> = registered.hooks.iter().filter(wanted).collect();
        let first = hooks.first()?;
        let named = at.and_then(|at| registered.hooks.get(usize::from(at)));
        let only = if let [only] = hooks.as_slice() { Some(*only) } else { None };
        if let Some(one) = named.or(only) {
            let what = format!("the record hook {} {} {}", when_name(one.when), one.operation.as_str(), one.collection);
            return Some(Self { what, at: one.at.clone() });
        }
        let count = hooks.len();
        let what = format!("one of {count} record hooks {} changes of {}", when_name(when), first.collection);
        Some(Self { what, at: None })
    }

    /// One call runs all functions that hear of a provider one after another.
    fn link(kind: &str, places: &[Option<Position>], at: Option<u16>) -> Option<Self> {
        let named = at.and_then(|at| places.get(usize::from(at)));
        let only = if let [only] = places { Some(only) } else { None };
        let what = match places.len() {
            0 => return None,
            1 => format!("the {kind} hook"),
            count => format!("one of {count} {kind} hooks"),
        };
        Some(Self { what, at: named.or(only).cloned().flatten() })
    }
}
