//! Reading a mapping key by key: what is unknown, double or of the wrong type becomes a problem.

use super::tree::{Node, Tree};
use crate::facts::ProblemKind;
use crate::report::{Report, closest, did_you_mean};
use contract_model::duration::Millis;
use contract_model::span::{Span, Spanned};
use contract_model::topic::{TopicName, TopicPattern};

/// The fields of one mapping that were not read yet.
pub(crate) struct Fields<'n> {
    /// What the mapping is, for messages, such as `topics.ap.bill.approved`.
    what: String,
    span: Span,
    entries: Vec<(&'n str, Span, &'n Node)>,
    keys: Vec<(&'n str, Span)>,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of a node, or none and a problem if it is no mapping.
    pub(crate) fn of(node: &'n Node, what: &str, report: &mut Report<'_>) -> Option<Self> {
        let Tree::Map(pairs) = &node.tree else {
            wrong_type(report, node, what, "a mapping");
            return None;
        };
        let mut entries: Vec<(&str, Span, &Node)> = Vec::new();
        for (key, value) in pairs {
            let Tree::Scalar { text, .. } = &key.tree else {
                report.add(ProblemKind::BadValue, key.span, format!("a key of `{what}` must be a text"));
                continue;
            };
            if entries.iter().any(|(name, ..)| name == text) {
                report.add(
                    ProblemKind::ManifestUnreadable,
                    key.span,
                    format!("`{text}` is written twice in {what}; join the two into one"),
                );
                continue;
            }
            entries.push((text, key.span, value));
        }
        let span = entries.first().map_or(node.span, |(_, span, _)| *span);
        let keys = entries.iter().map(|(key, span, _)| (*key, *span)).collect();
        Some(Self { what: what.to_owned(), span, entries, keys, known: Vec::new() })
    }

    /// The place of the first key, for problems about what is missing.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Takes a field; none where it is absent or null.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let at = self.entries.iter().position(|(name, ..)| *name == key)?;
        let (_, _, node) = self.entries.remove(at);
        (!node.is_null()).then_some(node)
    }

    /// Takes a text.
    pub(crate) fn text(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Spanned<String>> {
        let node = self.take(key)?;
        text_of(node, &self.path(key), report)
    }

    /// Takes a truth value, false where it is absent.
    pub(crate) fn flag(&mut self, key: &'static str, report: &mut Report<'_>) -> bool {
        let Some(node) = self.take(key) else { return false };
        node.as_bool().unwrap_or_else(|| {
            wrong_type(report, node, &self.path(key), "true or false");
            false
        })
    }

    /// Takes one of a set of words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        report: &mut Report<'_>,
    ) -> Option<T> {
        let text = self.text(key, report)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` must be one of {}, got `{}`", self.path(key), names.join(", "), text.value);
        let help = did_you_mean(closest(&text.value, names.iter().copied()));
        report.add_with_help(ProblemKind::BadValue, text.span, message, help);
        None
    }

    /// Takes a value that has a text form, such as a version; `parse` gives the reason where it fails.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Spanned<T>> {
        let text = self.text(key, report)?;
        match parse(&text.value) {
            Ok(value) => Some(Spanned::new(value, text.span)),
            Err(why) => {
                report.add(ProblemKind::BadValue, text.span, format!("`{}`: {why}", self.path(key)));
                None
            }
        }
    }

    /// Takes a duration such as `200ms`.
    pub(crate) fn duration(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Millis> {
        let parse = |text: &str| Millis::parse(text).map_err(|error| error.to_string());
        self.parsed(key, report, parse).map(|millis| millis.value)
    }

    /// Takes a topic name.
    pub(crate) fn topic(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Spanned<TopicName>> {
        let text = self.text(key, report)?;
        topic_name(&text, report)
    }

    /// Takes a topic or pattern.
    pub(crate) fn pattern(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Spanned<TopicPattern>> {
        let text = self.text(key, report)?;
        topic_pattern(&text, report)
    }

    /// Takes a list; one item alone is not a list.
    pub(crate) fn list(&mut self, key: &'static str, report: &mut Report<'_>) -> &'n [Node] {
        let Some(node) = self.take(key) else { return &[] };
        list_items(node, &self.path(key), report)
    }

    /// Takes a list of texts.
    pub(crate) fn texts(&mut self, key: &'static str, report: &mut Report<'_>) -> Vec<Spanned<String>> {
        let what = self.path(key);
        self.list(key, report).iter().filter_map(|item| text_of(item, &what, report)).collect()
    }

    /// The keys of the mapping with their places, those that were taken included.
    pub(crate) fn keys(&self) -> Vec<(&'n str, Span)> {
        self.keys.clone()
    }

    /// Takes all fields that are left, in order, whatever their names: keys that are names, so that one that starts with
    /// `x-` is one too.
    pub(crate) fn rest(mut self) -> Vec<(&'n str, Span, &'n Node)> {
        std::mem::take(&mut self.entries)
    }

    /// Reports what was not read. Keys that start with `x-` are free.
    pub(crate) fn finish(self, report: &mut Report<'_>) {
        for (name, span, _) in &self.entries {
            if name.starts_with("x-") {
                continue;
            }
            let help = did_you_mean(closest(name, self.known.iter().copied()));
            let message = format!("`{name}` is not a known key of {}", self.what);
            report.add_with_help(ProblemKind::UnknownField, *span, message, help);
        }
    }

    fn path(&self, key: &str) -> String {
        if matches!(self.what.as_str(), "plugin.yaml" | "suite.yaml") {
            key.to_owned()
        } else {
            format!("{}.{key}", self.what)
        }
    }
}

/// The items of a list, or nothing and a problem.
pub(crate) fn list_items<'n>(node: &'n Node, what: &str, report: &mut Report<'_>) -> &'n [Node] {
    if let Tree::List(items) = &node.tree {
        items
    } else {
        wrong_type(report, node, what, "a list");
        &[]
    }
}

/// The text of a node, or none and a problem.
pub(super) fn text_of(node: &Node, what: &str, report: &mut Report<'_>) -> Option<Spanned<String>> {
    if let Some(text) = node.as_text() {
        Some(Spanned::new(text.to_owned(), node.span))
    } else {
        wrong_type(report, node, what, "a text");
        None
    }
}

fn topic_name(text: &Spanned<String>, report: &mut Report<'_>) -> Option<Spanned<TopicName>> {
    match TopicName::new(&text.value) {
        Ok(name) => Some(Spanned::new(name, text.span)),
        Err(error) => {
            report.add(ProblemKind::BadTopicName, text.span, error.to_string());
            None
        }
    }
}

fn topic_pattern(text: &Spanned<String>, report: &mut Report<'_>) -> Option<Spanned<TopicPattern>> {
    match TopicPattern::new(&text.value) {
        Ok(pattern) => Some(Spanned::new(pattern, text.span)),
        Err(error) => {
            report.add(ProblemKind::BadTopicName, text.span, error.to_string());
            None
        }
    }
}

fn wrong_type(report: &mut Report<'_>, node: &Node, what: &str, want: &str) {
    let hint = if want == "a text" && matches!(node.tree, Tree::Scalar { .. }) { "; write it in quotes" } else { "" };
    report.add(ProblemKind::BadValue, node.span, format!("`{what}` must be {want}, got {}{hint}", node.kind()));
}

impl Node {
    /// This node as a topic name.
    pub(crate) fn topic(&self, what: &str, report: &mut Report<'_>) -> Option<Spanned<TopicName>> {
        topic_name(&text_of(self, what, report)?, report)
    }

    /// This node as a topic or pattern.
    pub(crate) fn pattern(&self, what: &str, report: &mut Report<'_>) -> Option<Spanned<TopicPattern>> {
        topic_pattern(&text_of(self, what, report)?, report)
    }

    /// This node as a text.
    pub(crate) fn text(&self, what: &str, report: &mut Report<'_>) -> Option<Spanned<String>> {
        text_of(self, what, report)
    }
}
