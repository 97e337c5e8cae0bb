//! Patterns over topics, and finding what overlaps one without looking at everything.

use rustc_hash::FxHashMap;
use std::ops::ControlFlow;
use std::str::Split;

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
    /// Whoever goes through them puts what is found in order.
    below: FxHashMap<Box<str>, usize>,
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

    /// The things whose topic or pattern overlaps with this one, ascending, each once.
    pub(crate) fn overlapping(&self, topic: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let _: ControlFlow<()> = self.visit(topic, |things| {
            found.extend_from_slice(things);
            ControlFlow::Continue(())
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether anything overlaps with this topic or pattern.
    pub(crate) fn overlaps(&self, topic: &str) -> bool {
        let first =
            |things: &[usize]| if things.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        self.visit(topic, first).is_break()
    }

    /// Goes through what stands under each topic or pattern that overlaps with this one. A question costs what the
    /// number of those patterns is, however many things stand under each.
    pub(crate) fn visit<'t, B>(
        &'t self,
        topic: &str,
        mut each: impl FnMut(&'t [usize]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.descend(0, topic.split('.'), &mut each)
    }

    fn descend<'t, B>(
        &'t self,
        at: usize,
        mut segments: Split<'_, char>,
        each: &mut impl FnMut(&'t [usize]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let node = &self.nodes[at];
        let Some(first) = segments.next() else { return each(&node.here) };
        match first {
            "**" => node.below.values().try_for_each(|next| self.everything(*next, each)),
            "*" => node.below.iter().try_for_each(|(name, next)| self.enter(name, *next, &segments, each)),
            _ => [first, "*", "**"].into_iter().try_for_each(|name| match node.below.get(name) {
                Some(next) => self.enter(name, *next, &segments, each),
                None => ControlFlow::Continue(()),
            }),
        }
    }

    /// Goes down one branch; `**` stands for whatever is left of the question.
    fn enter<'t, B>(
        &'t self,
        name: &str,
        next: usize,
        rest: &Split<'_, char>,
        each: &mut impl FnMut(&'t [usize]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if name == "**" { each(&self.nodes[next].here) } else { self.descend(next, rest.clone(), each) }
    }

    fn everything<'t, B>(&'t self, at: usize, each: &mut impl FnMut(&'t [usize]) -> ControlFlow<B>) -> ControlFlow<B> {
        let node = &self.nodes[at];
        each(&node.here)?;
        node.below.values().try_for_each(|next| self.everything(*next, each))
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
            let slow: Vec<usize> = (0..all.len()).filter(|at| overlap(all[*at], question)).collect();
            assert_eq!(index.overlapping(question), slow, "{question}");
            assert_eq!(index.overlaps(question), !slow.is_empty(), "{question}");
        }
    }
}
