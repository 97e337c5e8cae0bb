//! Reading an export: whether it is whole, and line by line.

use super::{EXPORT_FORM, Export, ExportEnd, ExportHead, ExportKind, ExportLine};
use crate::error::StoreError;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::BufRead;

/// Gets each line between the first and the last one: what it is about, the record's collection, the thing.
type Visit<'v> = dyn FnMut(ExportKind, Option<&str>, Value) -> Result<(), StoreError> + 'v;

/// Reads an export from its first line to its last and says what is in it, if it is as it was written. What was shown
/// is only to be relied on when this returns.
pub fn check_export(from: &mut dyn BufRead, visit: &mut Visit<'_>) -> Result<Export, StoreError> {
    let mut head: Option<ExportHead> = None;
    let mut found = ExportEnd::default();
    let mut digest = Sha256::new();
    let mut line = String::new();
    for number in 1_u64.. {
        let wrong = |why: &str| StoreError::ExportInvalid { why: format!("line {number} {why}") };
        line.clear();
        let read = from.read_line(&mut line).map_err(|e| StoreError::io("read the export", e))?;
        if read == 0 || !line.ends_with('\n') {
            return Err(wrong("is missing: it ends too early"));
        }
        let parsed: Result<ExportLine<Value>, _> = serde_json::from_str(&line);
        let ExportLine { kind, collection, value } = parsed.map_err(|_| wrong("is not a line of an export"))?;
        match (kind, &head) {
            (ExportKind::Failed, _) => {
                return Err(StoreError::BrokenOff { why: value.as_str().unwrap_or_default().to_owned() });
            }
            (ExportKind::Head, None) => {
                let read: ExportHead = serde_json::from_value(value).map_err(|_| wrong("is no head"))?;
                if read.export != EXPORT_FORM {
                    return Err(wrong("is of another version; use that one"));
                }
                head = Some(read);
            }
            (ExportKind::End, Some(head)) => {
                let end: ExportEnd = serde_json::from_value(value).map_err(|_| wrong("is no end"))?;
                found.sha256 = hex::encode(digest.finalize());
                if end != found {
                    return Err(wrong("does not sum up the lines before it"));
                }
                return Ok(Export { head: head.clone(), end });
            }
            (ExportKind::Head, Some(_)) | (_, None) => return Err(wrong("is out of its place")),
            (kind, Some(_)) => visit(kind, collection.as_deref(), value)?,
        }
        digest.update(line.as_bytes());
        *found.counts.entry(kind).or_default() += 1;
    }
    Err(StoreError::ExportInvalid { why: "it has no end".to_owned() })
}
