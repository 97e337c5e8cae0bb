//! The abstract domain of texts: a few exact ones, a form with holes, or nothing known.

use crate::facts::TopicValue;
use contract_model::TextSet;
use std::collections::BTreeSet;

/// The most exact texts that are told apart; beyond, they widen to what they share.
pub(crate) const EXACT_MAX: usize = 64;
/// Stands for an unknown part of a form: one segment of a topic, or a part of one.
const HOLE: char = '\u{0}';
/// Stands for an unknown part of a form that may be several segments.
const TAIL: char = '\u{1}';

/// What is known of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Strings {
    /// One of these. Values are copied far more often than they are changed.
    Exact(TextSet),
    /// Literal parts around holes.
    Form(Form),
}

/// Literal parts around holes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form {
    text: String,
    /// Whether more exact texts than are told apart went into it.
    widened: bool,
}

impl Strings {
    /// One known text.
    pub(crate) fn one(text: &str) -> Self {
        Self::Exact(TextSet::one(text))
    }

    /// One of some known texts.
    pub(crate) fn of(texts: TextSet) -> Self {
        Self::Exact(texts)
    }

    /// A text of which nothing is known.
    pub(crate) fn any() -> Self {
        Self::form(&HOLE.to_string(), false)
    }

    /// A text of which nothing is known, and which may be several segments of a topic.
    pub(crate) fn open() -> Self {
        Self::form(&TAIL.to_string(), false)
    }

    fn form(text: &str, widened: bool) -> Self {
        Self::Form(Form { text: squeeze(text), widened })
    }

    /// Either of two.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => {
                let all = a.union(&b);
                if all.len() > EXACT_MAX { widen(&all, true) } else { Self::Exact(all) }
            }
            (a, b) if a == b => a,
            (a, b) => {
                let widened = a.is_widened() || b.is_widened();
                widen(&a.forms().union(&b.forms()), widened)
            }
        }
    }

    /// One after the other.
    pub(crate) fn concat(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) if a.len() * b.len() <= EXACT_MAX => {
                Self::of(a.iter().flat_map(|head| b.iter().map(move |tail| format!("{head}{tail}"))).collect())
            }
            (a, b) => {
                let too_many = matches!((a, b), (Self::Exact(_), Self::Exact(_)));
                let widened = too_many || a.is_widened() || b.is_widened();
                Self::form(&format!("{}{}", a.as_form(), b.as_form()), widened)
            }
        }
    }

    /// Applies a function of plain texts; of a form, to each of its literal parts.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Exact(texts) => Self::of(texts.iter().map(|text| change(text)).collect()),
            Self::Form(form) => {
                let mut out = String::new();
                for part in form.text.split_inclusive([HOLE, TAIL]) {
                    let literal = part.trim_end_matches([HOLE, TAIL]);
                    out.push_str(&change(literal));
                    out.push_str(&part[literal.len()..]);
                }
                Self::form(&out, form.widened)
            }
        }
    }

    /// The exact texts, if that is what they are.
    pub(crate) fn exact(&self) -> Option<&TextSet> {
        match self {
            Self::Exact(texts) => Some(texts),
            Self::Form(_) => None,
        }
    }

    /// What is known of how the text begins: whole ones where they are exact, else what stands before the first hole.
    pub(crate) fn openings(&self) -> BTreeSet<&str> {
        match self {
            Self::Exact(texts) => texts.iter().map(String::as_str).collect(),
            Self::Form(form) => BTreeSet::from([form.text.split([HOLE, TAIL]).next().unwrap_or_default()]),
        }
    }

    /// The one text, if there is only one.
    pub(crate) fn single(&self) -> Option<&str> {
        let texts = self.exact()?;
        if texts.len() == 1 { texts.first().map(String::as_str) } else { None }
    }

    /// Whether more exact texts than are told apart went into it.
    pub(crate) fn is_widened(&self) -> bool {
        matches!(self, Self::Form(form) if form.widened)
    }

    /// As a topic: a hole stands for a segment, or makes its segment one.
    pub(crate) fn to_topic(&self) -> TopicValue {
        let form = match self {
            Self::Exact(texts) => return TopicValue::Exact(texts.clone()),
            Self::Form(form) => form,
        };
        let mut segments: Vec<&str> = Vec::new();
        for part in form.text.split('.') {
            let open = part.contains(TAIL);
            segments.push(if open {
                "**"
            } else if part.contains(HOLE) {
                "*"
            } else {
                part
            });
            if open {
                break;
            }
        }
        if segments.iter().all(|part| part.starts_with('*')) {
            return TopicValue::Unknown("no part of it is".to_owned());
        }
        TopicValue::Pattern(segments.join("."))
    }

    fn as_form(&self) -> String {
        match self {
            Self::Form(form) => form.text.clone(),
            Self::Exact(texts) => match widen(texts, false) {
                Self::Form(form) => form.text,
                Self::Exact(texts) => texts.first().cloned().unwrap_or_default(),
            },
        }
    }

    fn forms(&self) -> TextSet {
        match self {
            Self::Exact(texts) => texts.clone(),
            Self::Form(form) => TextSet::one(form.text.clone()),
        }
    }
}

/// What several texts share, segment by segment where they have as many, else at their start.
fn widen(texts: &TextSet, widened: bool) -> Strings {
    let Some(first) = texts.first() else { return Strings::any() };
    if texts.len() == 1 {
        let open = first.contains([HOLE, TAIL]);
        return if open { Strings::form(first, widened) } else { Strings::one(first) };
    }
    let rows: Vec<Vec<&str>> = texts.iter().map(|text| text.split('.').collect()).collect();
    let columns = rows[0].len();
    if rows.iter().all(|row| row.len() == columns) {
        let segments = (0..columns).map(|at| shared(rows.iter().map(|row| row[at])));
        return Strings::form(&segments.collect::<Vec<_>>().join("."), widened);
    }
    let same = |at: &usize| rows.iter().all(|row| row.get(*at) == rows[0].get(*at));
    let mut segments: Vec<String> = (0..columns).take_while(same).map(|at| rows[0][at].to_owned()).collect();
    segments.push(TAIL.to_string());
    Strings::form(&segments.join("."), widened)
}

/// One segment of several texts: what they share at start and end, around a hole.
fn shared<'t>(mut parts: impl Iterator<Item = &'t str>) -> String {
    let Some(first) = parts.next() else { return String::new() };
    let (mut prefix, mut suffix, mut same) = (first, first, true);
    for part in parts {
        same &= part == first;
        while !part.starts_with(prefix) {
            prefix = shorter(prefix, true);
        }
        while !part.ends_with(suffix) {
            suffix = shorter(suffix, false);
        }
    }
    if same {
        return first.to_owned();
    }
    // A shared end that overlaps the shared start is not literal twice.
    let suffix = if prefix.len() + suffix.len() > first.len() { "" } else { suffix };
    format!("{prefix}{HOLE}{suffix}")
}

fn shorter(text: &str, at_end: bool) -> &str {
    let mut characters = text.chars();
    if at_end {
        characters.next_back();
    } else {
        characters.next();
    }
    characters.as_str()
}

fn squeeze(form: &str) -> String {
    let mut out = String::with_capacity(form.len());
    for character in form.chars() {
        let hole = matches!(character, HOLE | TAIL);
        if hole && out.ends_with([HOLE, TAIL]) {
            if character == TAIL {
                out.pop();
                out.push(TAIL);
            }
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(value: &Strings) -> String {
        match value.to_topic() {
            TopicValue::Exact(set) => set.join("|"),
            TopicValue::Pattern(pattern) => pattern,
            TopicValue::Unknown(_) => "?".to_owned(),
        }
    }

    #[test]
    fn forms_keep_what_is_literal() {
        let gl = Strings::one("gl.");
        assert_eq!(pattern(&gl.concat(&Strings::any())), "gl.*");
        assert_eq!(pattern(&gl.concat(&Strings::any()).concat(&Strings::one(".posted"))), "gl.*.posted");
        assert_eq!(pattern(&Strings::one("a.b").join(Strings::one("a.c"))), "a.b|a.c");
        assert_eq!(pattern(&Strings::any()), "?");
        assert_eq!(pattern(&gl.concat(&Strings::one("a").join(Strings::one("b")))), "gl.a|gl.b");
        let many = (0..70).map(|n| Strings::one(&format!("gl.t{n}.x"))).reduce(Strings::join).expect("many");
        assert!(many.is_widened());
        assert_eq!(pattern(&many), "gl.*.x");
        assert_eq!(pattern(&many.concat(&Strings::one(".y"))), "gl.*.x.y");
        let uneven = |n: usize| if n.is_multiple_of(2) { format!("gl.t{n}") } else { format!("gl.t{n}.x") };
        let many = (0..70).map(|n| Strings::one(&uneven(n))).reduce(Strings::join).expect("many");
        assert_eq!(pattern(&many), "gl.**");
    }
}
