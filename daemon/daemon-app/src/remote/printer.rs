//! What is listed, printed as it is read: rows, or the items of one JSON list.

use serde_json::Value;
use std::io::{Result, Write};

/// Writes one item as a row.
pub(crate) type Row = fn(&Value, &mut dyn Write) -> Result<()>;

/// Prints items one after another.
pub(crate) struct Printer<'a> {
    json: bool,
    row: Row,
    pub(crate) printed: u64,
    pub(crate) out: &'a mut dyn Write,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(json: bool, row: Row, out: &'a mut dyn Write) -> Self {
        Self { json, row, printed: 0, out }
    }

    pub(crate) fn print(&mut self, item: &Value) -> Result<()> {
        self.printed += 1;
        if !self.json {
            return (self.row)(item, self.out);
        }
        let lead = if self.printed > 1 { "," } else { "[" };
        write!(self.out, "{lead}\n{item:#}")
    }

    pub(crate) fn end(&mut self) -> Result<()> {
        match (self.json, self.printed) {
            (true, 1..) => writeln!(self.out, "\n]"),
            (true, 0) => writeln!(self.out, "[]"),
            (false, _) => Ok(()),
        }
    }
}
