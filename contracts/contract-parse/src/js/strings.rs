//! The abstract domain of texts: a few exact ones, a form with holes, or nothing known.

use crate::facts::TopicValue;
use std::collections::BTreeSet;

/// The most exact texts that are told apart; beyond, they widen to what they share.
pub(crate) const EXACT_MAX: usize = 64;
/// Stands for an unknown part of a form.
const HOLE: char = '\u{0}';

/// What is known of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Strings {
    /// One of these.
    Exact(BTreeSet<String>),
    /// Literal parts around holes, each a hole character.
    Form(String),
}

impl Strings {
    /// One known text.
    pub(crate) fn one(text: &str) -> Self {
        Self::Exact(BTreeSet::from([text.to_owned()]))
    }

    /// A text of which nothing is known.
    pub(crate) fn any() -> Self {
        Self::Form(HOLE.to_string())
    }

    /// Either of two.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact(mut a), Self::Exact(b)) => {
                a.extend(b);
                if a.len() > EXACT_MAX { widen(&a) } else { Self::Exact(a) }
            }
            (a, b) if a == b => a,
            (a, b) => {
                let forms: BTreeSet<String> = a.forms().into_iter().chain(b.forms()).collect();
                widen(&forms)
            }
        }
    }

    /// One after the other.
    pub(crate) fn concat(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) if a.len() * b.len() <= EXACT_MAX => {
                Self::Exact(a.iter().flat_map(|head| b.iter().map(move |tail| format!("{head}{tail}"))).collect())
            }
            _ => Self::Form(squeeze(&format!("{}{}", self.as_form(), other.as_form()))),
        }
    }

    /// Applies a function of plain texts; a form keeps nothing of its literals, since they may change.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Exact(texts) => Self::Exact(texts.iter().map(|text| change(text)).collect()),
            Self::Form(form) => {
                Self::Form(squeeze(&form.split(HOLE).map(change).collect::<Vec<_>>().join(&HOLE.to_string())))
            }
        }
    }

    /// The exact texts, if that is what they are.
    pub(crate) fn exact(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Exact(texts) => Some(texts),
            Self::Form(_) => None,
        }
    }

    /// The one text, if there is only one.
    pub(crate) fn single(&self) -> Option<&str> {
        let texts = self.exact()?;
        if texts.len() == 1 { texts.first().map(String::as_str) } else { None }
    }

    /// As a topic: a hole stands for a segment, or makes its segment one.
    pub(crate) fn to_topic(&self) -> TopicValue {
        match self {
            Self::Exact(texts) => TopicValue::Exact(texts.clone()),
            Self::Form(form) => {
                let segment = |part: &str| if part.contains(HOLE) { "*".to_owned() } else { part.to_owned() };
                let segments: Vec<String> = form.split('.').map(segment).collect();
                if segments.iter().all(|part| part == "*") {
                    return TopicValue::Unknown("no part of the topic is known".to_owned());
                }
                TopicValue::Pattern(segments.join("."))
            }
        }
    }

    fn as_form(&self) -> String {
        match self {
            Self::Form(form) => form.clone(),
            Self::Exact(texts) => match widen(texts) {
                Self::Form(form) => form,
                Self::Exact(texts) => texts.into_iter().next().unwrap_or_default(),
            },
        }
    }

    fn forms(&self) -> BTreeSet<String> {
        match self {
            Self::Exact(texts) => texts.clone(),
            Self::Form(form) => BTreeSet::from([form.clone()]),
        }
    }
}

/// What several texts share at their starts and ends, around a hole.
fn widen(texts: &BTreeSet<String>) -> Strings {
    let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return Strings::any() };
    if texts.len() == 1 {
        return if first.contains(HOLE) { Strings::Form(first.clone()) } else { Strings::one(first) };
    }
    // The texts are sorted, so what the first and the last share at the start, all share.
    let prefix: String = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let shortest = texts.iter().map(std::string::String::len).min().unwrap_or(0);
    let mut suffix: String = first[prefix.len()..].to_owned();
    for text in texts {
        let shared: usize =
            suffix.chars().rev().zip(text.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        suffix = suffix[suffix.len() - shared..].to_owned();
    }
    while prefix.len() + suffix.len() > shortest && !suffix.is_empty() {
        suffix.remove(0);
    }
    Strings::Form(squeeze(&format!("{prefix}{HOLE}{suffix}")))
}

fn squeeze(form: &str) -> String {
    let mut out = String::with_capacity(form.len());
    for character in form.chars() {
        if character != HOLE || !out.ends_with(HOLE) {
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
            TopicValue::Exact(set) => set.into_iter().collect::<Vec<_>>().join("|"),
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
        assert_eq!(pattern(&many), "gl.*.x");
    }
}
