//! An export in the protobuf form of OTLP. Of its messages only those fields are written that a span has here; their
//! numbers are those of opentelemetry-proto 1 (`collector/trace`, `trace`, `resource` and `common`), and never change.

use crate::record::Record;
use std::time::{SystemTime, UNIX_EPOCH};

/// `Status.code` of a span that failed.
const STATUS_ERROR: u64 = 2;
/// The trace flag "sampled" of the W3C.
const SAMPLED: u32 = 1;

/// `ExportTraceServiceRequest`.
pub(crate) fn body(resource: &[(String, String)], batch: &[Record]) -> Vec<u8> {
    let attributes = resource.iter().map(|(name, value)| attribute(name, value));
    let resource = attributes.fold(Message::default(), |resource, one| resource.message(1, &one));
    let scope = Message::default().text(1, "trunkline").text(2, env!("CARGO_PKG_VERSION"));
    let scoped = Message::default().message(1, &scope);
    let scoped = batch.iter().fold(scoped, |scoped, record| scoped.message(2, &span(record)));
    Message::default().message(1, &Message::default().message(1, &resource).message(2, &scoped)).0
}

/// `Span`.
fn span(record: &Record) -> Message {
    let mut span = Message::default();
    span = span.bytes(1, &record.context.trace.to_be_bytes()).bytes(2, &record.context.span.to_be_bytes());
    if let Some(parent) = record.parent {
        span = span.bytes(4, &parent.to_be_bytes());
    }
    span = span.text(5, &record.name).number(6, record.kind as u64);
    span = span.fixed64(7, nanos(record.began)).fixed64(8, nanos(record.ended));
    span = record.attributes.iter().fold(span, |span, (name, value)| span.message(9, &attribute(name, value)));
    if let Some(error) = &record.error {
        span = span.message(15, &Message::default().text(2, error).number(3, STATUS_ERROR));
    }
    span.fixed32(16, SAMPLED)
}

/// `KeyValue` with a text in its `AnyValue`.
fn attribute(name: &str, value: &str) -> Message {
    Message::default().text(1, name).message(2, &Message::default().text(1, value))
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// How the value of a field lies on the wire.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// The fields of a message that were written so far.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(self, field: u64, value: u64) -> Self {
        self.begin(field, Wire::Varint).varint(value)
    }

    fn fixed64(self, field: u64, value: u64) -> Self {
        self.begin(field, Wire::Fixed64).raw(&value.to_le_bytes())
    }

    fn fixed32(self, field: u64, value: u32) -> Self {
        self.begin(field, Wire::Fixed32).raw(&value.to_le_bytes())
    }

    fn bytes(self, field: u64, value: &[u8]) -> Self {
        self.begin(field, Wire::Bytes).varint(value.len() as u64).raw(value)
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn begin(self, field: u64, wire: Wire) -> Self {
        self.varint(field << 3 | wire as u64)
    }

    /// Seven bits a byte, the lowest first; all but the last one say that more follows.
    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_lie_as_the_wire_has_them() {
        // The examples of the encoding's own documentation.
        assert_eq!(Message::default().number(1, 150).0, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().text(2, "testing").0, *b"\x12\x07testing");
        assert_eq!(Message::default().number(1, u64::MAX).0.len(), 1 + 10);
        assert_eq!(Message::default().fixed32(16, 1).0, [0x85, 0x01, 1, 0, 0, 0]);
    }
}
