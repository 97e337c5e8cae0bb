//! What the log says of a handler that failed while a client waited for it, where its author has to look at that.
//!
//! The client is told what it can mend, and no place in the plugin's source; the author needs just that.

use crate::api::HostError;
use crate::host::Inner;
use crate::running::Running;
use crate::task::{Task, Work};
use contract_model::ErrorCode;
use contract_model::code::Fault;
use daemon_frame::Registered;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Places of a plugin that are kept apart. What is refused at more of them is told at the level `debug` alone.
const PLACES_MAX: usize = 256;

/// Where the API has refused calls of one plugin, as long as its code stays what it is.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<HashSet<String>>);

impl Complaints {
    /// Tells of a failure. What clients cause by what they send is a warning the first time that it comes from a place,
    /// or they could fill the log.
    pub(crate) fn told(&self, inner: &Inner, slug: &str, registered: &Registered, task: &Task, error: &HostError) {
        let is_waited_for = matches!(task.work, Work::Verb(_) | Work::Change(_));
        let is_plugins = error.code().is_some_and(|code| code.fault() == Fault::Plugin);
        let is_fault = is_plugins || error.error.status >= 500;
        if !is_waited_for || !(is_plugins || error.function.is_some()) {
            return;
        }
        let handler = Running::of_task(task, registered, None).map(|running| running.what).unwrap_or_default();
        let line = error.line();
        if is_fault || self.is_first(error) {
            tracing::warn!(plugin = slug, handler, error = line, "handler failed");
        } else {
            tracing::debug!(plugin = slug, handler, error = line, "handler failed");
        }
        // Of the others the answer says where, and a test is told what was answered.
        let is_unplaced = !is_fault && error.code() != Some(ErrorCode::PayloadInvalid);
        if let (Some(stage), true) = (&inner.stage, is_unplaced) {
            stage.failed(format!("{handler} failed: {line}"));
        }
    }

    fn is_first(&self, error: &HostError) -> bool {
        let place = format!("{} {:?} {:?}", error.error.code, error.function, error.position);
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.len() < PLACES_MAX && places.insert(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemon_frame::Position;

    #[test]
    fn a_place_is_first_once_and_so_many_are_kept_apart() {
        let complaints = Complaints::default();
        let at = |line: u32| {
            let at = Position { file: "src/main.js".to_owned(), line, column: 1 };
            HostError::new(ErrorCode::RecordInvalid, "no").at(Some(&at))
        };
        assert!(complaints.is_first(&at(1)) && !complaints.is_first(&at(1)) && complaints.is_first(&at(2)));
        let first = (0..1_000).filter(|line| complaints.is_first(&at(*line))).count();
        assert_eq!(first, PLACES_MAX - 2);
    }
}
