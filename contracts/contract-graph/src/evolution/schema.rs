//! The payloads of one topic, before and now.

use crate::owners::Owned;
use contract_model::manifest::Compatibility;
use contract_schema::{Change, ChangeKind, Comparison, Schema, Verdict, compare};
use serde_json::Value;

/// What became of a topic's payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payloads {
    /// The schemas are the same.
    Same,
    /// They differ, and this is how.
    Compared(Comparison),
    /// One of them cannot be read, so nothing is known.
    Unreadable {
        /// Which schema, and what is wrong with it.
        why: String,
    },
}

/// One difference in the light of what a topic must keep.
#[derive(Debug, Clone, Copy)]
pub struct PayloadChange<'c> {
    /// The difference.
    pub change: &'c Change,
    /// What it means in the directions that the topic's mode asks for.
    pub verdict: Verdict,
}

impl Payloads {
    pub(super) fn between(old: Owned<'_>, new: Owned<'_>) -> Self {
        match (payload(old), payload(new)) {
            (Ok(old), Ok(new)) if old == new => Self::Same,
            (Ok(old), Ok(new)) => Self::Compared(compare(&old, &new)),
            (Err(why), _) | (_, Err(why)) => Self::Unreadable { why },
        }
    }

    /// The differences that decide something, each with its verdict under this mode.
    pub fn under(&self, mode: Compatibility) -> Vec<PayloadChange<'_>> {
        let Self::Compared(found) = self else { return Vec::new() };
        let verdict = |change: &Change| match mode {
            Compatibility::Backward => change.backward,
            Compatibility::Forward => change.forward,
            Compatibility::Full => change.backward.max(change.forward),
            Compatibility::None => Verdict::Compatible,
        };
        let decides = |change: &&Change| change.kind != ChangeKind::AnnotationChanged;
        found.changes.iter().filter(decides).map(|change| PayloadChange { change, verdict: verdict(change) }).collect()
    }

    /// Whether old payloads are still valid.
    pub fn backward(&self) -> Verdict {
        self.verdict(Comparison::backward)
    }

    /// Whether new payloads would have been valid.
    pub fn forward(&self) -> Verdict {
        self.verdict(Comparison::forward)
    }

    fn verdict(&self, of: impl Fn(&Comparison) -> Verdict) -> Verdict {
        match self {
            Self::Same => Verdict::Compatible,
            Self::Compared(found) => of(found),
            Self::Unreadable { .. } => Verdict::Unknown,
        }
    }
}

/// The schema of a topic's payloads. Where none is given, anything is a payload.
pub(super) fn payload(owned: Owned<'_>) -> Result<Value, String> {
    let Some(file) = &owned.contract.schema else { return Ok(Value::Bool(true)) };
    let path = file.value.trim_start_matches("./");
    let text = owned.plugin.parsed.texts.get(path);
    let text = text.ok_or_else(|| format!("the schema `{}` does not exist", owned.plugin.path(path)))?;
    let schema = Schema::compile(text, &owned.plugin.path(path)).map_err(|error| error.to_string())?;
    Ok(schema.source().clone())
}
