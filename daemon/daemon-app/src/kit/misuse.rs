//! A wrong use of the kit.

use daemon_frame::AppError;
use serde_json::Value;

/// The exception that a test gets for it.
pub(super) fn misuse(message: &str) -> AppError {
    AppError { code: "TEST_MISUSE".to_owned(), message: message.to_owned(), status: 400, details: Value::Null }
}
