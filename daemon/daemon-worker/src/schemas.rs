//! Payloads held against their topics' schemas where they are published, so that a fault has a place in the source.
//!
//! The host checks again at commit: it believes no worker.

use crate::refusal::{Halt, refusal};
use contract_model::ErrorCode;
use contract_schema::{Schema, payload_fault};
use daemon_frame::TopicFacts;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// The compiled schemas of one worker.
#[derive(Default)]
pub(crate) struct Schemas(RefCell<HashMap<String, Schema>>);

impl Schemas {
    /// Refuses a payload that breaks its topic's schema. A schema is compiled once, at its first use.
    pub(crate) fn check(&self, topic: &str, facts: &TopicFacts, payload: &Value) -> Result<(), Halt> {
        let Some(source) = &facts.schema else { return Ok(()) };
        let known = self.0.borrow().get(topic).cloned();
        let schema = match known {
            Some(schema) => schema,
            None => self.compile(topic, source)?,
        };
        schema.validate(payload).map_err(|violations| {
            let (message, details) = payload_fault(topic, &violations);
            let mut error = refusal(ErrorCode::PayloadInvalid, message);
            error.details = details;
            error.into()
        })
    }

    fn compile(&self, topic: &str, source: &Value) -> Result<Schema, Halt> {
        // The host has compiled the very same schema before it loaded this worker.
        let schema = Schema::compile_value(source, topic)
            .map_err(|error| Halt::new(ErrorCode::PluginInvalid, error.to_string()))?;
        self.0.borrow_mut().insert(topic.to_owned(), schema.clone());
        Ok(schema)
    }
}
