//! Refusals of the host, as plugins catch them.

use contract_model::code::Fault;
use contract_model::{ErrorCode, plugin_limit};
use daemon_frame::AppError;
use serde_json::Value;

/// Why a binding did not do what it was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Halt {
    /// The handler sees an exception and may catch it.
    Refused(Box<AppError>),
    /// The parent is gone or broke the protocol; the worker ends and nothing can catch it.
    Gone,
}

impl Halt {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(refusal(code, message)))
    }
}

impl From<AppError> for Halt {
    fn from(error: AppError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// An error of the catalogue, with the status that belongs to it.
pub(crate) fn refusal(code: ErrorCode, message: impl Into<String>) -> AppError {
    AppError { code: code.as_str().to_owned(), message: message.into(), status: status(code), details: Value::Null }
}

/// An error that the daemon answered, with the status that belongs to its code where it was given none.
pub(crate) fn with_status(mut error: AppError) -> AppError {
    if error.status == 0 {
        error.status = ErrorCode::parse(&error.code).map_or(500, status);
    }
    error
}

fn status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::RecordNotFound | ErrorCode::CollectionUnknown | ErrorCode::NotFound => 404,
        ErrorCode::RecordAppendOnly
        | ErrorCode::RecordNotUnique
        | ErrorCode::IdempotencyConflict
        | ErrorCode::NotEnough
        | ErrorCode::ReservationEnded => 409,
        ErrorCode::RecordInvalid | ErrorCode::PayloadInvalid => 422,
        _ => match code.fault() {
            Fault::Caller => 400,
            Fault::Temporary => 503,
            Fault::Plugin | Fault::Daemon => 500,
        },
    }
}

/// A call has met one of its plugin's limits; which one stands in the details, where the host counts it.
pub(crate) fn met(limit: &str, message: String) -> Halt {
    let code = plugin_limit::find(limit).map_or(ErrorCode::Overloaded, |limit| limit.code);
    let mut error = refusal(code, message);
    error.details = serde_json::json!({ "limit": limit });
    error.into()
}
