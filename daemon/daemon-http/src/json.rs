//! Reading JSON of a request: nesting and what it takes in memory are bounded, and no object names a key twice.
//!
//! Of two values under one key readers take the first, the last or neither, so a body that has them may mean one thing to
//! whoever looked at it before and another one here (RFC 8259, 4; RFC 7493, 2.3). A text of two megabytes may be a quarter of
//! a million objects, which take a hundred times as much here and in the worker that is handed them. All rules are held while the value is
//! built, which costs no pass of its own.

use crate::error::{ApiError, ApiResult};
use crate::room::Share;
use contract_model::memory::{FIELDS_BYTES, FIELDS_OF_A_NODE, VALUE_BYTES};
use contract_model::{ErrorCode, limits};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, json};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

/// A body asks for room by so much at a time. What is smaller asks once, when it was read.
const GRAIN_BYTES: u64 = 256 * 1024;

/// What is read, as its sender is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// All of the body.
    Body,
    /// A line of it, from 1.
    Line(u64),
}

impl Text {
    /// A place in it.
    fn place(self, line: usize, column: usize) -> String {
        match self {
            Self::Body => format!("line {line}, column {column}"),
            Self::Line(_) => format!("column {column}"),
        }
    }

    fn not_json(self, error: &serde_json::Error) -> ApiError {
        let (line, column) = (error.line(), error.column());
        let mut why = error.to_string();
        if let (Self::Line(_), Some(bare)) = (self, why.strip_suffix(&format!(" at line {line} column {column}"))) {
            why = format!("{bare} at column {column}");
        }
        ApiError::new(ErrorCode::BodyNotJson, format!("{self} is not valid JSON: {why}"))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("the body"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

/// The value of a whole body, or of one line of it. What it takes is added to the share of the body.
pub(crate) fn read(bytes: &[u8], of: Text, share: &mut Share) -> ApiResult<Value> {
    let tally =
        Tally { left: Cell::new(limits::JSON_MEMORY_BYTES_MAX), owed: Cell::new(0), share: RefCell::new(share) };
    let fault = RefCell::new(None);
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let read = Part { depth: 0, fault: &fault, tally: &tally }.deserialize(&mut text);
    let value = read.and_then(|value| text.end().map(|()| value)).map_err(|error| match fault.take() {
        Some(fault) => fault.told(of, error.line(), error.column()),
        None => of.not_json(&error),
    })?;
    tally.pay()?;
    Ok(value)
}

/// What a body takes while it is read.
struct Tally<'s> {
    /// What it may still take.
    left: Cell<u64>,
    /// Taken, and not yet asked room for.
    owed: Cell<u64>,
    share: RefCell<&'s mut Share>,
}

impl Tally<'_> {
    fn take(&self, bytes: u64) -> Result<(), Fault> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(Fault::TooMuch)?);
        self.owed.set(self.owed.get() + bytes);
        if self.owed.get() < GRAIN_BYTES { Ok(()) } else { self.pay().map_err(Fault::NoRoom) }
    }

    fn pay(&self) -> ApiResult<()> {
        self.share.borrow_mut().grow(self.owed.take())
    }
}

/// Which of the rules was broken.
enum Fault {
    TooDeep,
    TooMuch,
    /// Other bodies have it.
    NoRoom(ApiError),
    /// The key, and the pointer to the object that has it twice, from its end.
    Repeated {
        key: String,
        within: Vec<String>,
    },
}

impl Fault {
    fn told(self, of: Text, line: usize, column: usize) -> ApiError {
        let at = of.place(line, column);
        match self {
            Self::TooDeep => {
                let max = limits::JSON_DEPTH_MAX;
                let message = format!("{of} nests deeper than {max} levels (JSON_DEPTH_MAX), at {at}");
                ApiError::new(ErrorCode::BodyNotJson, message)
            }
            Self::NoRoom(error) => error,
            Self::TooMuch => {
                let max = limits::JSON_MEMORY_BYTES_MAX;
                let message = format!(
                    "the values of {of} up to {at} would take more than {max} bytes in memory (JSON_MEMORY_BYTES_MAX); send fewer objects at once"
                );
                ApiError::new(ErrorCode::BodyTooLarge, message)
            }
            Self::Repeated { key, within } => {
                let pointer: String = within.iter().rev().flat_map(|part| ["/".to_owned(), escaped(part)]).collect();
                let within_line =
                    if let Text::Line(number) = of { format!(" of line {number}") } else { String::new() };
                let place = if pointer.is_empty() { of.to_string() } else { format!("`{pointer}`{within_line}") };
                let message =
                    format!("{place} has the key `{key}` twice, the second time before {at}; leave one of them out");
                let line = if let Text::Line(number) = of { number } else { line as u64 };
                let details = json!({"pointer": pointer, "key": key, "line": line, "column": column});
                ApiError::new(ErrorCode::BodyKeyRepeated, message).with_details(details)
            }
        }
    }
}

/// A part of a JSON pointer (RFC 6901).
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Reads one value at a depth.
#[derive(Clone, Copy)]
struct Part<'f> {
    depth: u64,
    fault: &'f RefCell<Option<Fault>>,
    tally: &'f Tally<'f>,
}

impl<'f> Part<'f> {
    /// What reads the values of a list or an object.
    fn inner<E: Error>(self) -> Result<Part<'f>, E> {
        if self.depth == limits::JSON_DEPTH_MAX {
            return Err(self.refuse(Fault::TooDeep));
        }
        Ok(Part { depth: self.depth + 1, ..self })
    }

    /// Takes memory for a part.
    fn take<E: Error>(self, bytes: u64) -> Result<(), E> {
        self.tally.take(bytes).map_err(|fault| self.refuse(fault))
    }

    /// What serde is told does not reach the caller: the fault does, with the place that serde adds.
    fn refuse<E: Error>(self, fault: Fault) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    /// Notes on the way out in which part a repeated key was found.
    fn within<E>(self, error: E, part: impl FnOnce() -> String) -> E {
        if let Some(Fault::Repeated { within, .. }) = &mut *self.fault.borrow_mut() {
            within.push(part());
        }
        error
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.take(VALUE_BYTES)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.take(value.len() as u64)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.take(value.len() as u64)?;
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        loop {
            match list.next_element_seed(inner) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::Array(values)),
                Err(error) => return Err(self.within(error, || values.len().to_string())),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut fields = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            let node = if fields.len().is_multiple_of(FIELDS_OF_A_NODE) { FIELDS_BYTES } else { 0 };
            self.take(node + key.len() as u64)?;
            match object.next_value_seed(inner) {
                Ok(value) => match fields.entry(key) {
                    serde_json::map::Entry::Vacant(place) => drop(place.insert(value)),
                    serde_json::map::Entry::Occupied(place) => {
                        let key = shown(place.key()).into_owned();
                        return Err(self.refuse(Fault::Repeated { key, within: Vec::new() }));
                    }
                },
                Err(error) => return Err(self.within(error, || shown(&key).into_owned())),
            }
        }
        Ok(Value::Object(fields))
    }
}

/// A key as it is told, not longer than anybody reads.
fn shown(key: &str) -> Cow<'_, str> {
    const SHOWN_CHARS_MAX: usize = 100;
    match key.char_indices().nth(SHOWN_CHARS_MAX) {
        None => Cow::Borrowed(key),
        Some((end, _)) => Cow::Owned(format!("{}…", &key[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Room;

    fn read(bytes: &[u8]) -> ApiResult<Value> {
        super::read(bytes, Text::Body, &mut Room::of_bodies(u64::MAX).share())
    }

    fn refused(text: &str) -> (u16, String, Value) {
        let error = read(text.as_bytes()).expect_err(text);
        (error.status, error.code.to_string(), error.details)
    }

    #[test]
    fn values_are_those_of_the_parser() {
        let values = [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "-9223372036854775808",
            "1e400",
            "0.1",
            "1e3",
            "-0",
            "\"\\u00e4\\ud83d\\ude00\"",
            "[]",
            "{}",
            " [1, [2, {\"a\": [\"b\\n\"]}], {\"a\": null}] ",
        ];
        for text in values {
            let ours = read(text.as_bytes()).map_err(|error| error.code.to_string());
            let theirs = serde_json::from_str::<Value>(text).map_err(|_| "BODY_NOT_JSON".to_owned());
            assert_eq!(ours, theirs, "{text}");
        }
        for text in ["", "{", "[1,]", "{\"a\" 1}", "1 2", "{\"a\": 1} x", "\"\\ud800\"", "[nul]"] {
            assert_eq!(refused(text).1, "BODY_NOT_JSON", "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded_outside_strings_only() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(deep(64).as_bytes()).is_ok());
        assert_eq!(refused(&deep(65)).1, "BODY_NOT_JSON");
        assert_eq!(refused(&"[".repeat(1_000_000)).1, "BODY_NOT_JSON");
        assert!(read(format!("\"{}\"", "[".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn what_takes_too_much_memory_is_refused() {
        let list = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
        for (item, count) in
            [("{\"a\":0}", 70_000), ("[{}]", 1_000_000), ("{\"a\":{\"b\":1}}", 35_000), ("0", 2_000_000)]
        {
            let (status, code, _) = refused(&list(item, count));
            assert_eq!((status, code.as_str()), (413, "BODY_TOO_LARGE"), "{item}");
            assert!(read(list(item, count / 2).as_bytes()).is_ok(), "{item}");
        }
        let text = "x".repeat(2 * 1024 * 1024);
        assert!(read(list(&format!("\"{text}\""), 10).as_bytes()).is_ok());
        assert_eq!(refused(&list(&format!("\"{text}\""), 21)).1, "BODY_TOO_LARGE");
    }

    #[test]
    fn a_body_takes_room_as_it_is_read() {
        let text = format!("[{}]", vec!["{\"a\":0}"; 20_000].join(","));
        let room = Room::of_bodies(100 * 1024 * 1024);
        let mut share = room.share();
        super::read(text.as_bytes(), Text::Body, &mut share).expect("room");
        let whole = room.taken();
        assert!(whole > 20_000 * FIELDS_BYTES, "{whole}");
        let (room, small) = (Room::of_bodies(whole), Room::of_bodies(4 * GRAIN_BYTES));
        super::read(b"{}", Text::Body, &mut room.share()).expect("room");
        assert_eq!(room.taken(), 0, "given back");
        let mut share = small.share();
        let refused = super::read(text.as_bytes(), Text::Body, &mut share).expect_err("no room");
        assert_eq!((refused.status, refused.code.as_ref()), (503, "OVERLOADED"));
        assert!(small.taken() >= 3 * GRAIN_BYTES, "it was read as far as there was room");
    }

    #[test]
    fn a_repeated_key_is_refused_with_its_place() {
        let place = |text: &str| {
            let (status, code, details) = refused(text);
            assert_eq!((status, code.as_str()), (400, "BODY_KEY_REPEATED"), "{text}");
            (details["pointer"].clone(), details["key"].clone(), details["line"].clone())
        };
        assert_eq!(place(r#"{"a": 1, "b": 2, "a": 1}"#), (json!(""), json!("a"), json!(1)));
        assert_eq!(
            place("{\"a\": [0, {\"b/c\": {\"x\": 1,\n \"\\u0078\": 2}}]}"),
            (json!("/a/1/b~1c"), json!("x"), json!(2))
        );
        assert!(read(br#"{"a": {"b": 1}, "b": {"b": 1}, "A": 0}"#).is_ok());
        let long = "k".repeat(5_000);
        assert!(place(&format!("{{\"{long}\": 1, \"{long}\": 2}}")).1.as_str().is_some_and(|key| key.len() < 200));
    }
}
