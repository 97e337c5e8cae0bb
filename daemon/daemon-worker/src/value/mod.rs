//! Values cross between JavaScript and JSON here, exactly or not at all.
//!
//! | JavaScript | outside |
//! |---|---|
//! | safe integer, also as a float such as `2.0` or `-0` | integer |
//! | other finite number | float |
//! | BigInt within 64 bits | integer; beyond 2^53 an integer arrives as BigInt |
//! | `Date` | RFC 3339 text |
//! | object with `toJSON()` | what that gives |
//! | `undefined` | absent in an object, null in an array; refused in a filter |
//! | NaN, infinities, functions, symbols, Map, Set, cycles, too deep | refused with `VALUE_UNSUPPORTED` and the path |

mod from_js;
mod shown;
mod to_js;

pub(crate) use from_js::{from_js, from_js_patch, from_js_strict};
pub(crate) use shown::{shown, shows_at_all};
pub(crate) use to_js::{Builder, to_js, to_js_fields};

/// The greatest integer that a JavaScript number holds together with all below it: 2^53 - 1.
pub(crate) const SAFE_INTEGER_MAX: i64 = 9_007_199_254_740_991;

#[cfg(test)]
mod tests;
