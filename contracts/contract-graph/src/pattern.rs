//! Patterns over topics, and finding what overlaps one without looking at everything.

use std::collections::{BTreeMap, BTreeSet};

/// Whether some topic falls under both patterns. A plain topic is a pattern of one.
pub fn overlap(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) | (Some("**"), Some(_)) | (Some(_), Some("**")) => return true,
            (Some("*"), Some(_)) | (Some(_), Some("*")) => {}
            (Some(x), Some(y)) if x == y => {}
            _ => return false,
        }
    }
}

/// Whether a text is a pattern over topics and no plain name.
pub fn is_pattern(topic: &str) -> bool {
    topic.split('.').any(|segment| segment == "*" || segment == "**")
}

/// Things by topic or pattern: a tree over segments, so that a question costs what its answer is long.
#[derive(Debug)]
pub(crate) struct TopicIndex {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    below: BTreeMap<Box<str>, usize>,
    here: Vec<usize>,
}

impl Default for TopicIndex {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl TopicIndex {
    /// Puts a thing under a topic or pattern.
    pub(crate) fn add(&mut self, topic: &str, thing: usize) {
        let mut at = 0;
        for segment in topic.split('.') {
            at = if let Some(next) = self.nodes[at].below.get(segment) {
                *next
            } else {
                let next = self.nodes.len();
                self.nodes.push(Node::default());
                self.nodes[at].below.insert(segment.into(), next);
                next
            };
        }
        if self.nodes[at].here.last() != Some(&thing) {
            self.nodes[at].here.push(thing);
        }
    }

    /// The things whose topic or pattern overlaps with this one, ascending.
    pub(crate) fn overlapping(&self, topic: &str) -> BTreeSet<usize> {
        let segments: Vec<&str> = topic.split('.').collect();
        let mut found = BTreeSet::new();
        self.collect(0, &segments, &mut found);
        found
    }

    /// Whether anything overlaps with this topic or pattern.
    pub(crate) fn overlaps(&self, topic: &str) -> bool {
        !self.overlapping(topic).is_empty()
    }

    fn collect(&self, at: usize, segments: &[&str], found: &mut BTreeSet<usize>) {
        let node = &self.nodes[at];
        let Some((first, rest)) = segments.split_first() else {
            found.extend(&node.here);
            return;
        };
        if *first == "**" {
            node.below.values().for_each(|next| self.collect_all(*next, found));
            return;
        }
        for (segment, next) in node.towards(first) {
            if segment == "**" {
                found.extend(&self.nodes[next].here);
            } else {
                self.collect(next, rest, found);
            }
        }
    }

    fn collect_all(&self, at: usize, found: &mut BTreeSet<usize>) {
        let node = &self.nodes[at];
        found.extend(&node.here);
        node.below.values().for_each(|next| self.collect_all(*next, found));
    }
}

impl Node {
    /// The branches that a segment of a question can go down.
    fn towards(&self, segment: &str) -> Vec<(&str, usize)> {
        if segment == "*" {
            return self.below.iter().map(|(segment, next)| (&**segment, *next)).collect();
        }
        let names = BTreeSet::from([segment, "*", "**"]);
        names
            .into_iter()
            .filter_map(|name| self.below.get_key_value(name).map(|(name, next)| (&**name, *next)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_overlap_where_one_topic_fits_both() {
        for (a, b) in [("a.b", "a.b"), ("a.*", "*.b"), ("a.**", "a.b.c"), ("**", "a.b"), ("a.*.c", "a.b.**")] {
            assert!(overlap(a, b) && overlap(b, a), "{a} {b}");
        }
        for (a, b) in [("a.b", "a.c"), ("a.*", "a.b.c"), ("a.**", "b.c"), ("a.**", "a"), ("a.b", "a.b.c")] {
            assert!(!overlap(a, b) && !overlap(b, a), "{a} {b}");
        }
    }

    /// The tree answers what comparing with each would.
    #[test]
    fn the_tree_finds_exactly_what_overlaps() {
        let all = ["a.b", "a.c", "a.b.c", "a.*", "*.b", "a.**", "**", "b.c.d", "a.*.c", "x.y.**", "*.*"];
        let mut index = TopicIndex::default();
        for (at, topic) in all.iter().enumerate() {
            index.add(topic, at);
        }
        for question in all.iter().chain(&["a.z", "q.r.s.t", "a.b.*", "a"]) {
            let slow: BTreeSet<usize> = (0..all.len()).filter(|at| overlap(all[*at], question)).collect();
            assert_eq!(index.overlapping(question), slow, "{question}");
        }
    }
}
