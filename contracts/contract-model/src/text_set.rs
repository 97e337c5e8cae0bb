//! Sets of few texts.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A set of texts that is made once and then only read, in order: one block of memory, shared by its copies. Almost all
/// of them hold one text, for which a tree's node would be ten times as large.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct TextSet(Arc<[String]>);

impl TextSet {
    /// The set of one text.
    pub fn one(text: impl Into<String>) -> Self {
        Self(Arc::from([text.into()]))
    }

    /// Whether the text is in it.
    pub fn contains(&self, text: &str) -> bool {
        self.0.binary_search_by(|known| known.as_str().cmp(text)).is_ok()
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.iter().all(|text| self.contains(text)) {
            return self.clone();
        }
        self.iter().chain(other).cloned().collect()
    }
}

impl From<Vec<String>> for TextSet {
    fn from(mut texts: Vec<String>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        Self(texts.into())
    }
}

impl FromIterator<String> for TextSet {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        Self::from(texts.into_iter().collect::<Vec<_>>())
    }
}

impl Deref for TextSet {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a TextSet {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Debug for TextSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> TextSet {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn texts_stand_once_and_in_order_however_they_came() {
        let all = set(&["b", "a", "c", "a"]);
        assert_eq!(all.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(all.contains("b") && !all.contains("d") && !TextSet::default().contains(""));
        assert_eq!(set(&["b", "a"]).union(&set(&["c", "a"])), all);
        assert_eq!(all.union(&set(&["c"])), all);
        assert_eq!(TextSet::one("a"), set(&["a", "a"]));
    }

    #[test]
    fn a_set_is_written_as_a_list_and_read_in_any_order() {
        let read: TextSet = serde_json::from_str(r#"["b","a","b"]"#).expect("a list");
        assert_eq!(serde_json::to_string(&read).expect("writes"), r#"["a","b"]"#);
    }
}
