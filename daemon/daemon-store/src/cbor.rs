//! JSON values as CBOR (RFC 8949) and back, without a detour: integers of 64 bits and doubles stay exact.

use serde_json::{Map, Number, Value};

const UINT: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
/// In the low bits of a head: the number follows in so many bytes.
const ONE_BYTE: u8 = 0x18;
const TWO_BYTES: u8 = 0x19;
const FOUR_BYTES: u8 = 0x1a;
const EIGHT_BYTES: u8 = 0x1b;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const DOUBLE: u8 = 0xfb;
/// Deeper values are never written by us; reading one means damage.
const DEPTH_MAX: usize = 256;

/// Writes a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            write_list_head(out, items.len());
            for item in items {
                write_value(out, item);
            }
        }
        Value::Object(map) => write_map(out, map),
    }
}

/// Writes an object.
pub(crate) fn write_map(out: &mut Vec<u8>, map: &Map<String, Value>) {
    write_head(out, MAP, map.len() as u64);
    for (name, value) in map {
        write_text(out, name);
        write_value(out, value);
    }
}

/// Writes a text.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Writes a text or null.
pub(crate) fn write_optional_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write_text(out, text),
        None => out.push(NULL),
    }
}

/// Writes a whole number.
pub(crate) fn write_u64(out: &mut Vec<u8>, number: u64) {
    write_head(out, UINT, number);
}

/// Begins a list of so many items.
pub(crate) fn write_list_head(out: &mut Vec<u8>, items: usize) {
    write_head(out, LIST, items as u64);
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    if let Some(number) = number.as_u64() {
        write_head(out, UINT, number);
    } else if let Some(number) = number.as_i64() {
        // CBOR holds a negative number n as -1 - n, which is the bitwise complement.
        write_head(out, NEGATIVE, (!number).cast_unsigned());
    } else {
        out.push(DOUBLE);
        out.extend_from_slice(&number.as_f64().unwrap_or(0.0).to_be_bytes());
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each arm holds only numbers that fit")]
fn write_head(out: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    match number {
        0..=23 => out.push(major | number as u8),
        24..=0xff => out.extend_from_slice(&[major | ONE_BYTE, number as u8]),
        0x100..=0xffff => {
            out.push(major | TWO_BYTES);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | FOUR_BYTES);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            out.push(major | EIGHT_BYTES);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Reads what the writers above wrote. `None` from any method means the bytes are not that.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn value(&mut self) -> Option<Value> {
        self.value_at(0)
    }

    pub(crate) fn map(&mut self) -> Option<Map<String, Value>> {
        let (major, count) = self.head()?;
        if major == MAP { self.entries(count, 0) } else { None }
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.head().filter(|(major, _)| *major == UINT).map(|(_, number)| number)
    }

    pub(crate) fn list_head(&mut self) -> Option<u64> {
        self.head().filter(|(major, _)| *major == LIST).map(|(_, count)| count)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let (major, len) = self.head()?;
        if major == TEXT { self.str(len) } else { None }
    }

    #[expect(clippy::option_option, reason = "the outer one is about the bytes, the inner one about the text")]
    pub(crate) fn optional_text(&mut self) -> Option<Option<&'a str>> {
        if self.take_null() { Some(None) } else { self.text().map(Some) }
    }

    /// A byte string, if it is of this length.
    pub(crate) fn take_byte_string(&mut self, length: usize) -> Option<&'a [u8]> {
        let head = self.head()?;
        if head == (BYTES, length as u64) { self.take(length) } else { None }
    }

    fn take_null(&mut self) -> bool {
        let null = self.0.first() == Some(&NULL);
        if null {
            self.0 = &self.0[1..];
        }
        null
    }

    fn value_at(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        match *self.0.first()? {
            NULL => self.simple(Value::Null),
            FALSE => self.simple(Value::Bool(false)),
            TRUE => self.simple(Value::Bool(true)),
            DOUBLE => {
                self.take(1)?;
                let bits = self.take(8)?.try_into().ok()?;
                Number::from_f64(f64::from_be_bytes(bits)).map(Value::Number)
            }
            _ => self.composed(depth),
        }
    }

    fn composed(&mut self, depth: usize) -> Option<Value> {
        let (major, number) = self.head()?;
        match major {
            UINT => Some(Value::from(number)),
            NEGATIVE => i64::try_from(number).ok().map(|number| Value::from(!number)),
            TEXT => self.str(number).map(Value::from),
            LIST => {
                // A count is only trusted as far as there are bytes for it.
                let mut items = Vec::with_capacity(self.plausible(number)?);
                for _ in 0..number {
                    items.push(self.value_at(depth + 1)?);
                }
                Some(Value::Array(items))
            }
            MAP => self.entries(number, depth).map(Value::Object),
            _ => None,
        }
    }

    fn entries(&mut self, count: u64, depth: usize) -> Option<Map<String, Value>> {
        self.plausible(count)?;
        let mut map = Map::new();
        for _ in 0..count {
            let name = self.text()?.to_owned();
            map.insert(name, self.value_at(depth + 1)?);
        }
        Some(map)
    }

    fn plausible(&self, count: u64) -> Option<usize> {
        usize::try_from(count).ok().filter(|count| *count <= self.0.len())
    }

    fn simple(&mut self, value: Value) -> Option<Value> {
        self.take(1)?;
        Some(value)
    }

    fn head(&mut self) -> Option<(u8, u64)> {
        let first = self.take(1)?[0];
        let number = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            ONE_BYTE => u64::from(self.take(1)?[0]),
            TWO_BYTES => u64::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)),
            FOUR_BYTES => u64::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            EIGHT_BYTES => u64::from_be_bytes(self.take(8)?.try_into().ok()?),
            _ => return None,
        };
        Some((first >> 5, number))
    }

    fn str(&mut self, len: u64) -> Option<&'a str> {
        let bytes = self.take(usize::try_from(len).ok()?)?;
        std::str::from_utf8(bytes).ok()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_were(value in any_value()) {
            let mut bytes = Vec::new();
            write_value(&mut bytes, &value);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.value(), Some(value));
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            let _ = Reader::new(&bytes).value();
        }
    }

    #[test]
    fn the_bytes_are_standard_cbor() {
        let value = json!({"a": [1, -500, "x", null, true, 1.5]});
        let mut bytes = Vec::new();
        write_value(&mut bytes, &value);
        let read: Value = ciborium::from_reader(bytes.as_slice()).expect("CBOR");
        assert_eq!(read, value);
    }
}
