//! What somebody probably meant.

use std::collections::{BTreeMap, BTreeSet};

/// The most letters that may differ.
const DISTANCE_MAX: usize = 2;
/// Up to this many names are compared one by one; among more, only those that share a part are.
const SMALL: usize = 512;
/// How many neighbours in an order are compared on either side.
const WINDOW: usize = 64;

/// The name that is most probably meant by `name`; names at the same distance go by the alphabet.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    best(name, known)
}

fn best<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let others = known.into_iter().filter(|candidate| *candidate != name);
    others.filter_map(|candidate| Some((unlikeness(name, candidate)?, candidate))).min().map(|(_, name)| name)
}

/// Many names, ready to be searched for what is near. A question costs the same however many there are.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    /// Sorted.
    names: Vec<String>,
    /// By what a near name shares with them; each list ascending.
    by_part: BTreeMap<String, Vec<usize>>,
    /// By their letters backwards.
    backwards: Vec<(String, usize)>,
}

impl NameIndex {
    pub(crate) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let sorted: BTreeSet<&str> = names.into_iter().collect();
        let mut index = Self { names: sorted.into_iter().map(str::to_owned).collect(), ..Self::default() };
        if index.names.len() > SMALL {
            for (at, name) in index.names.iter().enumerate() {
                for part in parts(name) {
                    index.by_part.entry(part).or_default().push(at);
                }
                index.backwards.push((backwards(name), at));
            }
            index.backwards.sort();
        }
        index
    }

    /// The name that is most probably meant by `name`.
    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        if self.names.len() <= SMALL {
            return best(name, self.names.iter().map(String::as_str));
        }
        let mut near: BTreeSet<usize> = BTreeSet::new();
        let at = self.names.partition_point(|known| known.as_str() < name);
        near.extend(window(at, self.names.len()));
        let reversed = backwards(name);
        let at_end = self.backwards.partition_point(|(known, _)| *known < reversed);
        near.extend(window(at_end, self.backwards.len()).map(|at| self.backwards[at].1));
        for part in parts(name) {
            let list = self.by_part.get(&part).map(Vec::as_slice).unwrap_or_default();
            let middle = list.partition_point(|known| *known < at);
            near.extend(window(middle, list.len()).map(|at| list[at]));
        }
        best(name, near.into_iter().map(|at| self.names[at].as_str()))
    }
}

fn window(at: usize, length: usize) -> std::ops::Range<usize> {
    at.saturating_sub(WINDOW)..(at + WINDOW).min(length)
}

fn backwards(name: &str) -> String {
    name.chars().rev().collect()
}

/// What a name shares with those that are near it: all segments but one, or all of it in another form.
fn parts(name: &str) -> Vec<String> {
    let segments: Vec<&str> = name.split('.').collect();
    let without = |at: usize| {
        let rest = segments.iter().enumerate().map(|(other, segment)| if other == at { "*" } else { segment });
        rest.collect::<Vec<_>>().join(".")
    };
    let mut parts: Vec<String> = (0..segments.len()).map(without).collect();
    parts.push(format!("folded {}", fold(name)));
    parts.push(format!("sorted {}", sorted(name).join(".")));
    parts.push(format!("stems {}", stems(name).join(".")));
    parts
}

/// Whether two names differ by a letter or two.
pub(crate) fn is_slip(a: &str, b: &str) -> bool {
    strsim::osa_distance(a, b) <= slip_max(a, b)
}

/// As many letters may differ in names of this length.
fn slip_max(a: &str, b: &str) -> usize {
    DISTANCE_MAX.min(a.len().min(b.len()) / 3)
}

/// How far two names are from each other, none where they have nothing to do with each other.
fn unlikeness(a: &str, b: &str) -> Option<usize> {
    let typo = strsim::osa_distance(a, b);
    if typo <= slip_max(a, b) {
        return Some(typo);
    }
    let related = fold(a) == fold(b) || sorted(a) == sorted(b) || stems(a) == stems(b) || other_namespace(a, b);
    related.then_some(DISTANCE_MAX + 1)
}

/// The form in which names that differ only in case and separators are equal.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], ".")
}

/// The segments of a name in the order of the alphabet.
fn sorted(name: &str) -> Vec<&str> {
    let mut segments: Vec<&str> = name.split('.').collect();
    segments.sort_unstable();
    segments
}

/// The segments of a name without number and tense.
fn stems(name: &str) -> Vec<String> {
    name.split('.').map(stem).collect()
}

fn stem(word: &str) -> String {
    let cut = ["ing", "ies", "ied", "ed", "es", "s", "y", "e"].iter().find_map(|ending| word.strip_suffix(ending));
    let stem = cut.filter(|stem| stem.len() >= 3).unwrap_or(word);
    stem.to_owned()
}

fn other_namespace(a: &str, b: &str) -> bool {
    let rest = |name: &str| name.split_once('.').map(|(_, rest)| rest.to_owned());
    rest(a).is_some_and(|rest| rest.contains('.')) && rest(a) == rest(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_slips_are_recognised() {
        for slip in [
            "gl.journal.postd",
            "gl.posted.journal",
            "gl.journals.posted",
            "gl.journal.posting",
            "ap.journal.posted",
            "gl.journal_posted",
        ] {
            assert_eq!(nearest(slip, ["gl.journal.posted", "hr.person.hired"]), Some("gl.journal.posted"), "{slip}");
        }
    }

    /// Among many names, those that share a part are still found.
    #[test]
    fn the_usual_slips_are_recognised_among_many() {
        let crowd: Vec<String> = (0..2000).map(|n| format!("p{n:04}.journal.posted")).collect();
        let names = crowd.iter().map(String::as_str).chain(["gl.journal.posted", "gl.period.closed"]);
        let index = NameIndex::new(names);
        for (slip, meant) in [
            ("gl.journal.postd", "gl.journal.posted"),
            ("gl.posted.journal", "gl.journal.posted"),
            ("gl.journals.posted", "gl.journal.posted"),
            ("gl.journal_posted", "gl.journal.posted"),
            ("gl.perod.closde", "gl.period.closed"),
            ("p1234.journal.postedd", "p1234.journal.posted"),
            ("p1234.jurnal.posted", "p1234.journal.posted"),
        ] {
            assert_eq!(index.nearest(slip), Some(meant), "{slip}");
        }
        assert_eq!(index.nearest("crm.person.hired"), None);
    }

    #[test]
    fn strangers_are_not() {
        assert_eq!(nearest("ap.bill.approved", ["gl.journal.posted", "ap.bill.received"]), None);
        assert_eq!(nearest("a.b", ["a.c", "c.b"]), Some("a.c"));
    }
}
