//! Records as they are stored: revision, birth, times, then the declared fields as CBOR.

use crate::cbor::{Reader, write_map};
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::seal::{SEAL_BYTES, Sealed, seal_in_place};
use contract_model::collection::AUTOMATIC_FIELDS;
use contract_model::event::rfc3339;
use serde_json::{Map, Value};

const HEADER_BYTES: usize = 32;

/// A record as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Counts its writes, from 1.
    pub revision: u64,
    /// The position of the unit that created it: a record that was deleted and made again is another one.
    pub born: u64,
    /// Declared fields and the automatic ones `id`, `created`, `updated` and `revision`.
    pub fields: Map<String, Value>,
}

impl Record {
    /// Its id.
    pub fn id(&self) -> &str {
        self.fields.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The record as one JSON object.
    pub fn into_value(self) -> Value {
        Value::Object(self.fields)
    }
}

/// What is known of a record without reading its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) revision: u64,
    pub(crate) born: u64,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
}

pub(crate) fn document_key(tenant: u32, collection: u32, id: &str) -> Key {
    KeyBuilder::new(Keyspace::Documents).u32(tenant).u32(collection).raw(id.as_bytes()).finish()
}

pub(crate) fn collection_prefix(tenant: u32, collection: u32) -> Vec<u8> {
    KeyBuilder::new(Keyspace::Documents).u32(tenant).u32(collection).into_bytes()
}

/// The id at the end of a document's key without keyspace byte.
pub(crate) fn id_of(key: &[u8]) -> Option<&str> {
    key.get(8..).and_then(|id| std::str::from_utf8(id).ok())
}

/// Encodes the fields, leaving room for what is only known when the write is decided.
pub(crate) fn encode(fields: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&[0; SEAL_BYTES + HEADER_BYTES]);
    write_map(&mut out, fields);
    out
}

/// Completes what [`encode`] began.
pub(crate) fn complete(key: &[u8], mut bytes: Vec<u8>, header: Header) -> Sealed {
    let parts = [header.revision, header.born, header.created_ms, header.updated_ms];
    for (at, part) in parts.into_iter().enumerate() {
        let start = SEAL_BYTES + at * 8;
        bytes[start..start + 8].copy_from_slice(&part.to_le_bytes());
    }
    seal_in_place(key, bytes)
}

pub(crate) fn header(value: &[u8]) -> Option<Header> {
    let part = |at: usize| value.get(at * 8..at * 8 + 8)?.try_into().ok().map(u64::from_le_bytes);
    Some(Header { revision: part(0)?, born: part(1)?, created_ms: part(2)?, updated_ms: part(3)? })
}

pub(crate) fn decode(id: &str, value: &[u8]) -> Option<Record> {
    let header = header(value)?;
    let mut reader = Reader::new(&value[HEADER_BYTES..]);
    let mut fields = reader.map()?;
    if !reader.is_at_end() {
        return None;
    }
    add_automatic(&mut fields, id, header);
    Some(Record { revision: header.revision, born: header.born, fields })
}

pub(crate) fn add_automatic(fields: &mut Map<String, Value>, id: &str, header: Header) {
    fields.insert("id".into(), id.into());
    fields.insert("created".into(), rfc3339(header.created_ms).into());
    fields.insert("updated".into(), rfc3339(header.updated_ms).into());
    fields.insert("revision".into(), header.revision.into());
}

pub(crate) fn remove_automatic(fields: &mut Map<String, Value>) {
    for name in AUTOMATIC_FIELDS {
        fields.remove(name);
    }
}
