//! The machine format: `trunkline.check/1`.

use crate::Report;
use serde::Serialize;
use std::io::{self, BufWriter, Write};

/// How much of a document is put together before it is written on.
const BUFFER_BYTES: usize = 64 * 1024;

/// One JSON document. No times, no durations, no absolute paths, so that equal suites give equal bytes.
pub fn render(report: &Report) -> String {
    document(report)
}

/// Writes what [`render`] gives, without holding it in memory: of a large suite it is larger than all sources.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    // A document is written piece by piece, and most pieces are shorter than a call of `dyn Write` is long.
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Indented JSON with a line feed at its end.
pub(crate) fn document(value: &impl Serialize) -> String {
    // What is written here holds only texts, numbers and lists of them, which always have a JSON form.
    let mut out = serde_json::to_string_pretty(value).unwrap_or_default();
    out.push('\n');
    out
}
