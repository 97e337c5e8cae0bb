//! What a suite's code does on the bus, as a person read it, and how well the checker reads the same.
//!
//! Scored as HAROS scores extraction: correct, incorrect, partial, missing, spurious.

use super::texts::Texts;
use contract_model::span::{Location, Span};
use contract_parse::{Fact, FactKind, TopicValue};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// One call that publishes, subscribes, requests or replies.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it does.
    pub kind: FactKind,
    /// The folder of its plugin.
    pub plugin: String,
    /// Its file, relative to the suite.
    pub file: String,
    /// The topics or patterns it is about; for a reply, those of the requests.
    pub topics: BTreeSet<String>,
    /// The call from its start to the end of its topic argument, in bytes.
    pub range: Range<usize>,
}

impl Place {
    /// Its only topic, if it has one and that is no pattern.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        let mut topics = self.topics.iter();
        let first = topics.next().filter(|topic| !topic.contains('*'))?;
        topics.next().is_none().then_some(first.as_str())
    }
}

/// Reads the lines `kind | file | topics | text` against the suite they speak of.
#[must_use]
pub fn places(truth: &str, texts: &Texts) -> Vec<Place> {
    let lines = truth.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| place(line, texts)).collect()
}

fn place(line: &str, texts: &Texts) -> Place {
    let parts: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
    let [kind, file, topics, text] = parts[..] else { panic!("four parts in `{line}`") };
    let (at, text) = match text.strip_prefix("#2 ") {
        Some(text) => (1, text),
        None => (0, text),
    };
    let text = text.replace("\\n", "\n");
    let found = texts.text(file).match_indices(&text).nth(at);
    let (start, _) = found.unwrap_or_else(|| panic!("{file} holds no `{text}`"));
    Place {
        kind: kind_of(kind),
        plugin: file.split('/').next().unwrap_or_default().to_owned(),
        file: file.to_owned(),
        topics: topics.split_whitespace().map(str::to_owned).collect(),
        range: start..start + text.len(),
    }
}

fn kind_of(word: &str) -> FactKind {
    match word {
        "publish" => FactKind::Publish,
        "subscribe" => FactKind::Subscribe,
        "request" => FactKind::Request,
        "reply" => FactKind::Reply,
        _ => panic!("no kind `{word}`"),
    }
}

/// How extraction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// Right place, right topics.
    pub correct: usize,
    /// Right place, other topics.
    pub incorrect: usize,
    /// Right place, some of the topics or a pattern over them.
    pub partial: usize,
    /// Not seen.
    pub missing: usize,
    /// Seen where there is nothing.
    pub spurious: usize,
    /// What is not correct, in words.
    pub remarks: Vec<String>,
}

impl Score {
    /// The share of what was seen that is right; a partial one counts half.
    #[must_use]
    pub fn precision(&self) -> f64 {
        self.right() / count(self.correct + self.incorrect + self.partial + self.spurious)
    }

    /// The share of what there is that was seen.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.right() / count(self.correct + self.incorrect + self.partial + self.missing)
    }

    /// The harmonic mean of both.
    #[must_use]
    pub fn f1(&self) -> f64 {
        2.0 * self.precision() * self.recall() / (self.precision() + self.recall())
    }

    fn right(&self) -> f64 {
        count(self.correct) + count(self.partial) / 2.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "a suite has some hundred places")]
fn count(number: usize) -> f64 {
    number as f64
}

type At = (FactKind, Location);

/// Compares the facts of a suite with its truth.
#[must_use]
pub fn score<'f>(places: &[Place], texts: &Texts, facts: impl Iterator<Item = &'f Fact>) -> Score {
    let mut seen = seen(facts);
    let mut score = Score::default();
    for place in places {
        let at = (place.kind, location(place, texts));
        match seen.remove(&at) {
            None => {
                score.missing += 1;
                score.remarks.push(format!("missing {} {:?}", shown(&at), place.topics));
            }
            Some(topics) if topics == place.topics => score.correct += 1,
            Some(topics) => {
                let some =
                    topics.iter().any(|topic| place.topics.iter().any(|one| contract_graph::overlap(topic, one)));
                *if some { &mut score.partial } else { &mut score.incorrect } += 1;
                score.remarks.push(format!("{} is {:?}, seen as {topics:?}", shown(&at), place.topics));
            }
        }
    }
    for (at, topics) in &seen {
        score.spurious += 1;
        score.remarks.push(format!("spurious {} {topics:?}", shown(at)));
    }
    score
}

/// Where a place lies, as the checker names places.
#[must_use]
pub fn location(place: &Place, texts: &Texts) -> Location {
    let byte = |at: usize| u32::try_from(at).expect("a text below 4 GiB");
    let span = Span { start: byte(place.range.start), end: byte(place.range.end) };
    Location::of(&place.file, texts.text(&place.file), span)
}

fn seen<'f>(facts: impl Iterator<Item = &'f Fact>) -> BTreeMap<At, BTreeSet<String>> {
    let mut seen: BTreeMap<At, BTreeSet<String>> = BTreeMap::new();
    for fact in facts {
        if let Some(topic) = &fact.topic
            && matches!(fact.kind, FactKind::Publish | FactKind::Subscribe | FactKind::Request | FactKind::Reply)
        {
            let topics = seen.entry((fact.kind, fact.location.clone())).or_default();
            match topic {
                TopicValue::Exact(names) => topics.extend(names.iter().cloned()),
                TopicValue::Pattern(pattern) => drop(topics.insert(pattern.clone())),
                TopicValue::Unknown(why) => drop(topics.insert(format!("? {why}"))),
            }
        }
    }
    seen
}

fn shown((kind, at): &At) -> String {
    format!("{kind:?} {}:{}:{}", at.file, at.line, at.column)
}
