//! What somebody probably meant.

use std::collections::BTreeSet;

/// The most letters that may differ.
const DISTANCE_MAX: usize = 2;

/// The name that is most probably meant by `name`; names at the same distance go by the alphabet.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: BTreeSet<&str> = known.into_iter().filter(|candidate| *candidate != name).collect();
    known
        .into_iter()
        .filter_map(|candidate| Some((unlikeness(name, candidate)?, candidate)))
        .min()
        .map(|(_, name)| name)
}

/// How far two names are from each other, none where they have nothing to do with each other.
fn unlikeness(a: &str, b: &str) -> Option<usize> {
    let typo = strsim::osa_distance(a, b);
    let limit = DISTANCE_MAX.min(a.len().min(b.len()) / 3);
    if typo <= limit {
        return Some(typo);
    }
    let related = fold(a) == fold(b) || permuted(a, b) || inflected(a, b) || other_namespace(a, b);
    related.then_some(DISTANCE_MAX + 1)
}

/// The form in which names that differ only in case and separators are equal.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], ".")
}

fn permuted(a: &str, b: &str) -> bool {
    let sorted = |name: &str| {
        let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    sorted(a) == sorted(b)
}

/// Equal but for singular and plural, or for tense.
fn inflected(a: &str, b: &str) -> bool {
    let stems = |name: &str| name.split('.').map(stem).collect::<Vec<_>>();
    stems(a) == stems(b)
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

    #[test]
    fn strangers_are_not() {
        assert_eq!(nearest("ap.bill.approved", ["gl.journal.posted", "ap.bill.received"]), None);
        assert_eq!(nearest("a.b", ["a.c", "c.b"]), None.or(Some("a.c")));
    }
}
