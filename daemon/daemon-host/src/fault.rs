//! Errors of the host, made in one way.

use crate::api::HostError;
use contract_model::ErrorCode;
use daemon_frame::{AppError, Failure, Position};
use serde_json::Value;
use std::time::Duration;

impl HostError {
    /// An error of the catalogue with a message that names thing, place and way out.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let error =
            AppError { code: code.as_str().to_owned(), message: message.into(), status: 0, details: Value::Null };
        Self {
            error,
            plugin: None,
            function: None,
            position: None,
            stack: Vec::new(),
            retry_after: None,
            thrown: false,
        }
    }

    /// Adds structured details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.error.details = details;
        self
    }

    /// Names the plugin at fault.
    #[must_use]
    pub fn of_plugin(mut self, slug: &str) -> Self {
        self.plugin = Some(slug.to_owned());
        self
    }

    /// Says where in the plugin's source, unless that is known better.
    #[must_use]
    pub(crate) fn at(mut self, place: Option<&Position>) -> Self {
        self.position = self.position.or_else(|| place.cloned());
        self
    }

    /// Says when it is worth trying again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// A failure of a handler.
    pub(crate) fn from_failure(slug: &str, failure: Failure) -> Self {
        Self {
            error: failure.error,
            plugin: Some(slug.to_owned()),
            function: failure.function.map(String::into_boxed_str),
            position: failure.position,
            stack: failure.stack,
            retry_after: None,
            thrown: true,
        }
    }

    /// The catalogue's code, if it is one of the catalogue's and not the plugin's own.
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::parse(&self.error.code)
    }

    /// One line for logs and dead letters: code, message, function and place.
    pub fn line(&self) -> String {
        format!("{}: {}", self.error.code, self.placed())
    }

    /// Message, function and place.
    pub(crate) fn placed(&self) -> String {
        let message = &self.error.message;
        let unnamed = self.function.as_ref().filter(|function| !message.contains(&***function));
        let function = unnamed.map_or(String::new(), |function| format!(", refused by {function}"));
        let place =
            self.position.as_ref().map_or(String::new(), |at| format!(" at {}:{}:{}", at.file, at.line, at.column));
        format!("{message}{function}{place}")
    }
}
