//! Payload schemas: compile and validate JSON Schema 2020-12.
