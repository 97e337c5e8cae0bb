//! A wrong use of the kit, and what else ends a test that is not its own exception.

use daemon_frame::AppError;
use serde_json::Value;

/// What a test says that is nowhere: a slug, a role or a topic.
pub(super) fn unknown<'n>(what: &str, named: &str, known: impl IntoIterator<Item = &'n str>) -> AppError {
    const TOLD_MAX: usize = 20;
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    let more = known.len().saturating_sub(TOLD_MAX);
    known.truncate(TOLD_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    misuse(&format!("the suite has no {what} `{named}`; there are {known}{more}"))
}

/// The exception that a test gets for it.
pub(super) fn misuse(message: &str) -> AppError {
    AppError { code: "TEST_MISUSE".to_owned(), message: message.to_owned(), status: 400, details: Value::Null }
}

/// It goes on for ever.
pub(super) fn endless(why: &str) -> AppError {
    AppError { code: "TEST_ENDLESS".to_owned(), message: why.to_owned(), status: 500, details: Value::Null }
}

/// What stands in the way of a test is not its own.
pub(super) fn broken(why: &str) -> AppError {
    AppError { code: "TEST_BROKEN".to_owned(), message: why.to_owned(), status: 500, details: Value::Null }
}
