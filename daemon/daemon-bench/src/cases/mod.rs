//! The work that is compared, a file a kind of work. Identifiers, floors and goals are those of the page on performance.

pub(crate) mod backlog;
pub(crate) mod boot;
pub(crate) mod deliver;
pub(crate) mod invoke;
pub(crate) mod journals;
pub(crate) mod publish;
pub(crate) mod verbs;

use serde_json::{Value, json};

/// Bytes of a document and of an event, as JSON.
const BYTES: usize = 256;

/// A document of 256 bytes, another one for each number.
fn item(number: u64) -> Value {
    let bare = json!({"title": format!("item {number:010}"), "amount": number % 1_000_000, "note": ""});
    let note = "x".repeat(BYTES.saturating_sub(bare.to_string().len()));
    json!({"title": bare["title"], "amount": bare["amount"], "note": note})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_the_promised_size() {
        for number in [0, 7, 123_456, u64::from(u32::MAX)] {
            assert_eq!(item(number).to_string().len(), BYTES);
        }
    }
}
