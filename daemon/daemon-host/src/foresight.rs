//! Which record a call of a verb is going to ask for, learned from the calls before it.
//!
//! A verb that only reads begins, more often than not, with the record that its path names. Once a call of a route has
//! asked for a record by one of the path's parameters, the calls behind it bring theirs along, read in their own
//! snapshot, and their worker need not ask: a question costs two wakes of a process. What is read is the same either
//! way. Verbs that may write ask as ever, because a snapshot that is taken earlier meets more of what others write.

use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// After so many calls in a row that did not want what they were given, a route asks again.
const UNWANTED_MAX: u32 = 8;

/// A larger record is asked for: several calls travel together, and their worker would hold what all of them want.
const LIGHT_BYTES_MAX: usize = 64 * 1024;

/// Whether a record may come along with a call. Its size is that of its texts and names, and a little for the rest.
pub(crate) fn is_light(record: &Value) -> bool {
    fn take(value: &Value, left: usize) -> Option<usize> {
        let left = left.checked_sub(16)?;
        match value {
            Value::String(text) => left.checked_sub(text.len()),
            Value::Array(items) => items.iter().try_fold(left, |left, item| take(item, left)),
            Value::Object(fields) => {
                fields.iter().try_fold(left, |left, (name, value)| take(value, left.checked_sub(name.len())?))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(left),
        }
    }
    take(record, LIGHT_BYTES_MAX).is_some()
}

/// The habits of a plugin's routes, by their index.
#[derive(Debug, Default)]
pub(crate) struct Foresight(Mutex<HashMap<u32, Habit>>);

#[derive(Debug)]
struct Habit {
    collection: String,
    parameter: String,
    /// Calls in a row that did not want the record.
    unwanted: u32,
}

impl Foresight {
    fn habits(&self) -> MutexGuard<'_, HashMap<u32, Habit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call with these parameters of its path has asked for a record, and was given it.
    pub(crate) fn asked(&self, route: u32, params: &Map<String, Value>, collection: &str, id: &str) {
        let Some((parameter, _)) = params.iter().find(|(_, value)| value.as_str() == Some(id)) else { return };
        let habit = || Habit { collection: collection.to_owned(), parameter: parameter.clone(), unwanted: 0 };
        self.habits().entry(route).or_insert_with(habit);
    }

    /// The collection and the id that a call with these parameters is going to ask for.
    pub(crate) fn of(&self, route: u32, params: &Map<String, Value>) -> Option<(String, String)> {
        let habits = self.habits();
        let habit = habits.get(&route)?;
        let id = params.get(&habit.parameter)?.as_str()?;
        Some((habit.collection.clone(), id.to_owned()))
    }

    /// What a route wants is too large to come along.
    pub(crate) fn forget(&self, route: u32) {
        self.habits().remove(&route);
    }

    /// Whether a call wanted what it was given.
    pub(crate) fn judged(&self, route: u32, wanted: bool) {
        let mut habits = self.habits();
        let Some(habit) = habits.get_mut(&route) else { return };
        habit.unwanted = if wanted { 0 } else { habit.unwanted + 1 };
        if habit.unwanted >= UNWANTED_MAX {
            habits.remove(&route);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn params(id: &str) -> Map<String, Value> {
        let Value::Object(map) = json!({"entity": "E1", "id": id}) else { return Map::new() };
        map
    }

    fn next(foresight: &Foresight) -> Option<(String, String)> {
        foresight.of(3, &params("b"))
    }

    #[test]
    fn the_parameter_that_named_the_record_names_the_next() {
        let foresight = Foresight::default();
        assert_eq!(next(&foresight), None);
        foresight.asked(3, &params("a"), "items", "other");
        assert_eq!(next(&foresight), None, "no parameter was its id");
        foresight.asked(3, &params("a"), "items", "a");
        assert_eq!(next(&foresight), Some(("items".to_owned(), "b".to_owned())));
        assert_eq!(foresight.of(4, &params("b")), None, "another route has habits of its own");
        foresight.asked(3, &params("a"), "more", "E1");
        assert_eq!(next(&foresight), Some(("items".to_owned(), "b".to_owned())), "what is asked first counts");
    }

    #[test]
    fn what_nobody_wants_is_given_up() {
        let foresight = Foresight::default();
        foresight.asked(3, &params("a"), "items", "a");
        for _ in 1..UNWANTED_MAX {
            foresight.judged(3, false);
        }
        foresight.judged(3, true);
        for _ in 1..UNWANTED_MAX {
            foresight.judged(3, false);
        }
        assert!(next(&foresight).is_some(), "in a row");
        foresight.judged(3, false);
        assert_eq!(next(&foresight), None);
        foresight.judged(3, true);
    }
}
