//! Numbers and texts.

use super::change::{ChangeKind, Verdict};
use super::numbers::{float, order, whole};
use super::types::Types;
use super::walk::Walk;
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// Beyond this, a float no longer stands for one whole number.
const EXACT_MAX: i128 = 1 << 53;
/// Formats that validation looks at. Others may or may not be looked at, so nothing is proved by them.
const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// One end of what is allowed.
#[derive(Debug, Clone, PartialEq)]
struct Bound {
    value: Number,
    /// Whether the value itself is not allowed.
    exclusive: bool,
}

impl Walk<'_> {
    /// Compares what is said of numbers, where both allow numbers.
    pub(super) fn numbers(&mut self, both: Types, old: &Map<String, Value>, new: &Map<String, Value>) {
        if !both.has(Types::NUMBER) {
            return;
        }
        let integral = !both.has(Types::FRACTION);
        for (inclusive, exclusive, lower) in
            [("minimum", "exclusiveMinimum", true), ("maximum", "exclusiveMaximum", false)]
        {
            let of = |fields: &Map<String, Value>| bound(fields, inclusive, exclusive, lower, integral);
            self.limit(of(old), of(new), lower, "a value of");
        }
        self.multiple(integral, old, new);
    }

    fn multiple(&mut self, integral: bool, old: &Map<String, Value>, new: &Map<String, Value>) {
        let of = |fields: &Map<String, Value>| {
            let step = fields.get("multipleOf").and_then(Value::as_number).cloned();
            step.filter(|step| !(integral && whole(step) == Some(1)))
        };
        match (of(old), of(new)) {
            (None, Some(step)) => {
                self.narrowed(ChangeKind::MultipleTightened, format!("must be a multiple of {step} now"));
            }
            (Some(step), None) => {
                self.widened(ChangeKind::MultipleLoosened, format!("need no longer be a multiple of {step}"));
            }
            (Some(before), Some(after)) if order(&before, &after).is_ne() => {
                let message = format!("must be a multiple of {after}, not of {before}");
                match (whole(&before), whole(&after)) {
                    (Some(b), Some(a)) if a != 0 && b % a == 0 => self.widened(ChangeKind::MultipleLoosened, message),
                    (Some(b), Some(a)) if b != 0 && a % b == 0 => self.narrowed(ChangeKind::MultipleTightened, message),
                    _ => self.change(ChangeKind::MultipleChanged, Verdict::Unknown, Verdict::Unknown, message),
                }
            }
            _ => {}
        }
    }

    /// Compares what is said of texts, where both allow texts.
    pub(super) fn strings(&mut self, both: Types, old: &Map<String, Value>, new: &Map<String, Value>) {
        if !both.has(Types::STRING) {
            return;
        }
        self.counts(old, new, ["minLength", "maxLength"], "a length of");
        self.patterns(text(old, "pattern"), text(new, "pattern"));
        self.formats(text(old, "format"), text(new, "format"));
    }

    fn patterns(&mut self, old: Option<&str>, new: Option<&str>) {
        match (old, new) {
            (None, Some(new)) => self.narrowed(ChangeKind::PatternAdded, format!("must match `{new}` now")),
            (Some(old), None) => self.widened(ChangeKind::PatternRemoved, format!("need no longer match `{old}`")),
            (Some(old), Some(new)) if old != new => {
                let message = format!("must match `{new}` instead of `{old}`");
                self.change(ChangeKind::PatternChanged, Verdict::Unknown, Verdict::Unknown, message);
            }
            _ => {}
        }
    }

    fn formats(&mut self, old: Option<&str>, new: Option<&str>) {
        let sure = |format: &str| if FORMATS.contains(&format) { Verdict::Incompatible } else { Verdict::Unknown };
        match (old, new) {
            (None, Some(new)) => {
                let message = format!("must have the format {new} now");
                self.change(ChangeKind::FormatAdded, sure(new), Verdict::Compatible, message);
            }
            (Some(old), None) => {
                let message = format!("need no longer have the format {old}");
                self.change(ChangeKind::FormatRemoved, Verdict::Compatible, sure(old), message);
            }
            (Some(old), Some(new)) if old != new => {
                let message = format!("must have the format {new} instead of {old}");
                self.change(ChangeKind::FormatChanged, Verdict::Unknown, Verdict::Unknown, message);
            }
            _ => {}
        }
    }

    /// Compares a smallest and a largest count. `what` names what is counted, such as "a length of".
    pub(super) fn counts(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, names: [&str; 2], what: &str) {
        for (name, lower) in names.into_iter().zip([true, false]) {
            let of = |fields: &Map<String, Value>| {
                let value = fields.get(name)?.as_number()?.clone();
                // At least none is no limit.
                (!(lower && whole(&value) == Some(0))).then_some(Bound { value, exclusive: false })
            };
            self.limit(of(old), of(new), lower, what);
        }
    }

    fn limit(&mut self, old: Option<Bound>, new: Option<Bound>, lower: bool, what: &str) {
        let end = if lower { "at least" } else { "at most" };
        let words = |bound: &Bound| match (bound.exclusive, lower) {
            (false, _) => format!("{end} {}", bound.value),
            (true, true) => format!("more than {}", bound.value),
            (true, false) => format!("less than {}", bound.value),
        };
        match (old, new) {
            (None, Some(new)) => {
                self.narrowed(ChangeKind::LimitTightened, format!("must have {what} {} now", words(&new)));
            }
            (Some(old), None) => {
                self.widened(ChangeKind::LimitLoosened, format!("need no longer have {what} {}", words(&old)));
            }
            (Some(old), Some(new)) => {
                let message = format!("must have {what} {} instead of {}", words(&new), words(&old));
                match tightness(&old, &new, lower) {
                    Ordering::Less => self.narrowed(ChangeKind::LimitTightened, message),
                    Ordering::Greater => self.widened(ChangeKind::LimitLoosened, message),
                    Ordering::Equal => {}
                }
            }
            (None, None) => {}
        }
    }
}

/// `Less` where the second bound allows less than the first one.
fn tightness(old: &Bound, new: &Bound, lower: bool) -> Ordering {
    let by_value = order(&old.value, &new.value);
    let by_value = if lower { by_value } else { by_value.reverse() };
    by_value.then(old.exclusive.cmp(&new.exclusive))
}

fn bound(fields: &Map<String, Value>, inclusive: &str, exclusive: &str, lower: bool, integral: bool) -> Option<Bound> {
    let of = |name: &str, exclusive| {
        let value = fields.get(name)?.as_number()?.clone();
        Some(if integral { rounded(&value, exclusive, lower) } else { Bound { value, exclusive } })
    };
    match (of(inclusive, false), of(exclusive, true)) {
        (Some(a), Some(b)) => Some(if tightness(&a, &b, lower).is_lt() { b } else { a }),
        (one, other) => one.or(other),
    }
}

/// For whole numbers, more than 0 is at least 1, and at least 0.5 is so too.
fn rounded(value: &Number, exclusive: bool, lower: bool) -> Bound {
    let step = if lower { 1 } else { -1 };
    let inner = if let Some(whole) = whole(value) {
        whole + if exclusive { step } else { 0 }
    } else {
        let float = float(value);
        if float.is_nan() || float.abs() >= 9_007_199_254_740_992.0 {
            return Bound { value: value.clone(), exclusive };
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 2^53")]
        let inner = if lower { float.ceil() } else { float.floor() } as i128;
        inner
    };
    match i64::try_from(inner) {
        Ok(inner) if i128::from(inner).abs() <= EXACT_MAX => Bound { value: inner.into(), exclusive: false },
        _ => Bound { value: value.clone(), exclusive },
    }
}

fn text<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    fields.get(name).and_then(Value::as_str)
}
