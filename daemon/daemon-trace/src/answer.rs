//! What a collector answers that has taken an export: all of it, or all but some spans, and why. Of
//! `ExportTraceServiceResponse` there is one field, `partial_success`, with the rejected spans and a message; a message
//! without rejected spans is a warning (OpenTelemetry protocol, "Partial Success").

use serde_json::Value;

/// An answer that says more than that all went well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PartialSuccess {
    /// Spans that the collector threw away. It is not to be asked again for them.
    pub(crate) rejected: u64,
    /// Why, or a warning.
    pub(crate) message: String,
}

impl PartialSuccess {
    /// What an answer in JSON says; nothing if it is none. Numbers of 64 bits are texts there, and are taken as numbers.
    pub(crate) fn of_json(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let partial = &body["partialSuccess"];
        let rejected = &partial["rejectedSpans"];
        let rejected = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or_default();
        Self { rejected, message: partial["errorMessage"].as_str().unwrap_or_default().to_owned() }
    }

    /// What an answer in protobuf says; nothing if it is none.
    pub(crate) fn of_protobuf(body: &[u8]) -> Self {
        Self::read(body).unwrap_or_default()
    }

    fn read(body: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        for field in fields(body)? {
            let (1, Field::Bytes(partial)) = field else { continue };
            for field in fields(partial)? {
                match field {
                    // As an `int64` it may be below zero, which no count is.
                    (1, Field::Number(rejected)) => {
                        found.rejected = i64::from_ne_bytes(rejected.to_ne_bytes()).try_into().ok()?;
                    }
                    (2, Field::Bytes(message)) => found.message = String::from_utf8_lossy(message).into_owned(),
                    _ => {}
                }
            }
        }
        Some(found)
    }
}

enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// The fields of a message by number, but for those of a fixed width; none if it ends too early.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let width = match tag & 7 {
            0 => {
                fields.push((tag >> 3, Field::Number(varint(&mut bytes)?)));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = bytes.split_at_checked(width)?;
        bytes = rest;
        if tag & 7 == 2 {
            fields.push((tag >> 3, Field::Bytes(value)));
        }
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(rejected: u64, message: &str) -> PartialSuccess {
        PartialSuccess { rejected, message: message.to_owned() }
    }

    #[test]
    fn what_a_collector_rejected_is_read_in_both_forms() {
        let json = |body: &str| PartialSuccess::of_json(body.as_bytes());
        assert_eq!(json(r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#), said(3, "too old"));
        assert_eq!(json(r#"{"partialSuccess":{"rejectedSpans":3}}"#), said(3, ""));
        assert_eq!(json(r#"{"partialSuccess":{"errorMessage":"use gzip"}}"#), said(0, "use gzip"));
        let protobuf = PartialSuccess::of_protobuf;
        assert_eq!(protobuf(b"\x0a\x0c\x08\xac\x02\x12\x07too old"), said(300, "too old"));
        // A field that this version does not know, of each width.
        assert_eq!(protobuf(b"\x10\x01\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0\x0a\x02\x08\x03"), said(3, ""));
        assert_eq!(protobuf(b"\x0a\x0a\x12\x08use gzip"), said(0, "use gzip"));
    }

    #[test]
    fn an_answer_that_says_nothing_rejects_nothing() {
        for body in ["", "{}", "{\"partialSuccess\":null}", "{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}", "<html>"]
        {
            assert_eq!(PartialSuccess::of_json(body.as_bytes()), said(0, ""), "{body}");
        }
        let below_zero = b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        let bodies: [&[u8]; 6] = [b"", b"\x0a\0", b"\x0a", b"\x0a\x7f\x08\x03", b"<html>", below_zero];
        for body in bodies {
            assert_eq!(PartialSuccess::of_protobuf(body), said(0, ""), "{body:?}");
        }
    }
}
