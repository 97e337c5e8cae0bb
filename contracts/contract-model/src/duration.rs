//! Durations as people write them: `500ms`, `2s`, `5m`, `6h`, `30d`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A length of time in whole milliseconds, written as a number and a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Millis(pub u64);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write a whole number and a unit, such as 500ms, 2s, 5m, 6h or 30d")]
pub struct DurationError(String);

impl Millis {
    /// Reads a duration such as `500ms`.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let fail = || DurationError(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(fail)?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| fail())?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(fail)?;
        number.checked_mul(*factor).map(Self).ok_or_else(fail)
    }

    /// The same length as a `std` duration.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS.iter().rev().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor)).unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl TryFrom<String> for Millis {
    type Error = DurationError;
    fn try_from(text: String) -> Result<Self, DurationError> {
        Self::parse(&text)
    }
}

impl From<Millis> for String {
    fn from(millis: Millis) -> String {
        millis.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for (text, ms) in
            [("500ms", 500), ("2s", 2_000), ("5m", 300_000), ("6h", 21_600_000), ("30d", 2_592_000_000), ("0ms", 0)]
        {
            let parsed = Millis::parse(text).expect(text);
            assert_eq!(parsed.0, ms);
            assert_eq!(parsed.to_string(), text);
        }
        for bad in ["", "5", "ms", "-1s", "1.5s", "1 s", "99999999999999999999d", "18446744073709551615d"] {
            assert!(Millis::parse(bad).is_err(), "{bad}");
        }
    }
}
