//! A compiled schema.

use crate::error::{SchemaError, Violation};
use crate::message::{discreet, sentence};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

/// The most violations that one validation lists.
const VIOLATIONS_MAX: usize = 20;

/// A compiled JSON Schema 2020-12. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    inner: Arc<Inner>,
}

struct Inner {
    source: Value,
    validator: Validator,
}

/// Schemas that somebody holds, by the hash of their text. A suite's are compiled by the checker, after each save, and by
/// the daemon, and compiling one takes as long as validating thousands of values.
#[derive(Default)]
struct Known {
    schemas: HashMap<u64, Weak<Inner>>,
    /// How many there may be before those that nobody holds any more are forgotten.
    room: usize,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    fn get(&self, key: u64) -> Option<Arc<Inner>> {
        self.schemas.get(&key)?.upgrade()
    }

    fn learn(&mut self, key: u64, schema: &Arc<Inner>) {
        if self.schemas.len() >= self.room {
            self.schemas.retain(|_, schema| schema.strong_count() > 0);
            self.room = (2 * self.schemas.len()).max(64);
        }
        self.schemas.insert(key, Arc::downgrade(schema));
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("source", &self.inner.source).finish_non_exhaustive()
    }
}

impl Schema {
    /// Compiles the text of a schema; `name` is what errors call it, such as its path. While somebody holds the schema of
    /// a text, compiling that text again gives the same one.
    ///
    /// # Errors
    /// When the text is not JSON, not a schema, or refers outside itself.
    pub fn compile(text: &str, name: &str) -> Result<Self, SchemaError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source: Value = serde_json::from_str(text).map_err(|error| SchemaError::NotJson {
            name: name.to_owned(),
            line: error.line(),
            column: error.column(),
            why: error.to_string(),
        })?;
        let key = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
        if let Some(inner) = known().get(key).filter(|inner| inner.source == source) {
            return Ok(Self { inner });
        }
        let schema = Self::compile_value(&source, name)?;
        known().learn(key, &schema.inner);
        Ok(schema)
    }

    /// Compiles a schema that is already JSON.
    ///
    /// # Errors
    /// When it is not a schema, or refers outside itself.
    pub fn compile_value(source: &Value, name: &str) -> Result<Self, SchemaError> {
        check_dialect(source, name)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .build(source)
            .map_err(|error| refused(&error, name))?;
        Ok(Self { inner: Arc::new(Inner { source: source.clone(), validator }) })
    }

    /// The schema as JSON.
    pub fn source(&self) -> &Value {
        &self.inner.source
    }

    /// Whether the value fits, without saying why not. The fast path.
    pub fn is_valid(&self, value: &Value) -> bool {
        self.inner.validator.is_valid(value)
    }

    /// Checks a value. As JSON Schema has it, `1.0` is an integer.
    ///
    /// # Errors
    /// The violations in the order of the schema, at most twenty.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        self.violations(value, sentence)
    }

    /// Checks a value that may hold secrets: the messages say what must hold, and nothing of what was found.
    ///
    /// # Errors
    /// The violations in the order of the schema, at most twenty.
    pub fn validate_secret(&self, value: &Value) -> Result<(), Vec<Violation>> {
        self.violations(value, discreet)
    }

    fn violations(&self, value: &Value, worded: fn(&ValidationError<'_>) -> String) -> Result<(), Vec<Violation>> {
        if self.is_valid(value) {
            return Ok(());
        }
        let errors = self.inner.validator.iter_errors(value).take(VIOLATIONS_MAX);
        Err(errors.map(|error| violation(&error, worded(&error))).collect())
    }
}

fn violation(error: &ValidationError<'_>, message: String) -> Violation {
    Violation {
        pointer: error.instance_path().to_string(),
        message,
        keyword: error.kind().keyword().to_owned(),
        schema_pointer: error.schema_path().to_string(),
    }
}

/// Other dialects change what keywords mean; taking one for 2020-12 would give wrong verdicts.
fn check_dialect(source: &Value, name: &str) -> Result<(), SchemaError> {
    match source.get("$schema").and_then(Value::as_str) {
        Some(dialect) if dialect.trim_end_matches('#') != "https://json-schema.org/draft/2020-12/schema" => {
            Err(SchemaError::Invalid {
                name: name.to_owned(),
                pointer: "/$schema".to_owned(),
                why: format!("`{dialect}` is another dialect; use https://json-schema.org/draft/2020-12/schema"),
            })
        }
        _ => Ok(()),
    }
}

fn refused(error: &ValidationError<'_>, name: &str) -> SchemaError {
    if let ValidationErrorKind::Referencing(why) = error.kind() {
        return SchemaError::Reference { name: name.to_owned(), why: why.to_string() };
    }
    SchemaError::Invalid { name: name.to_owned(), pointer: error.instance_path().to_string(), why: sentence(error) }
}
