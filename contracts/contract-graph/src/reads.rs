//! What a plugin really needs of a topic: the fields that its handlers read.

use crate::suite::PluginView;
use contract_model::topic::pattern_matches;
use contract_parse::{FactKind, TopicValue};
use std::collections::BTreeSet;

/// The fields of one topic that one plugin reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// JSON pointers in which `*` is any item of a list. All that lies below a path is read with it.
    pub paths: BTreeSet<String>,
    /// Whether these are all. Not where the payload as a whole goes where it is not followed, or where the code
    /// cannot be read.
    pub complete: bool,
}

impl Reads {
    /// Whether a change at a path may matter: it is read, something below it is, or what holds it is read whole.
    pub fn may_read(&self, path: &str) -> bool {
        !self.complete || self.paths.iter().any(|read| is_within(path, read) || is_within(read, path))
    }
}

/// Whether `inner` is `outer` or lies below it. An item's number is any item.
fn is_within(inner: &str, outer: &str) -> bool {
    let same = |a: &str, b: &str| a == b || a == "*" || b == "*";
    let mut inner = inner.split('/');
    outer.split('/').all(|step| inner.next().is_some_and(|other| same(step, other)))
}

impl PluginView<'_> {
    /// The fields of a topic that the plugin's handlers read.
    pub fn reads_of(self, topic: &str) -> Reads {
        let hears = |value: &TopicValue| match value {
            TopicValue::Exact(names) => names.contains(topic),
            TopicValue::Pattern(pattern) => pattern_matches(pattern, topic),
            TopicValue::Unknown(_) => true,
        };
        let of_topic = |value: &Option<TopicValue>| value.as_ref().is_some_and(hears);
        let facts = self.running(FactKind::ReadsField).filter(|fact| of_topic(&fact.topic));
        // A field that is only gone through is read by its parts.
        let whole = facts.filter(|fact| !fact.detail.contains_key("through"));
        let mut paths: BTreeSet<String> = whole.filter_map(|fact| fact.detail.get("path").cloned()).collect();
        let lost: Vec<&str> =
            self.parsed.opaque.iter().filter(|one| hears(&one.topic)).map(|one| one.path.as_str()).collect();
        paths.extend(lost.iter().filter(|path| !path.is_empty()).map(|path| (*path).to_owned()));
        let complete = self.has_code() && self.is_complete() && lost.iter().all(|path| !path.is_empty());
        Reads { paths, complete }
    }
}

#[cfg(test)]
mod tests {
    use super::Reads;

    #[test]
    fn a_change_matters_above_and_below_what_is_read() {
        let reads = Reads { paths: ["/lines/*/amount", "/source"].map(str::to_owned).into(), complete: true };
        for path in ["/lines", "/lines/*/amount", "/lines/3/amount", "/lines/*/amount/cents", "/source/docId", ""] {
            assert!(reads.may_read(path), "{path}");
        }
        for path in ["/lines/*/note", "/note", "/sourceId"] {
            assert!(!reads.may_read(path), "{path}");
        }
        assert!(Reads::default().may_read("/note"));
    }
}
