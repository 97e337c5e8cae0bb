//! Findings that a suite is known to have, so that only new ones fail it.
//!
//! The file is text, a line a finding, sorted: `FINGERPRINT RULE PLUGIN TOPIC`, with `-` where there is no plugin or no
//! topic. Only the fingerprint counts; the rest is for those who read the file. Two findings of one fingerprint have
//! two lines, so that a third one is new. What is empty or begins with `#` is a comment.

use checker_report::{Diagnostic, Known, Report};
use contract_model::Location;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The first lines of a file that is written here.
const HEADER: &str = "\
# Findings that are known: `trunkline check --baseline` fails on new ones only.
# `trunkline baseline --prune` takes out what is gone, `trunkline baseline --update` writes the file anew.
";
/// Stands where there is no plugin or no topic.
const NONE: &str = "-";
/// Rules whose findings speak of the baseline or of the report itself; knowing them would be knowing nothing.
const NEVER_KNOWN: &[&str] = &["TL905", "TL909"];

/// The findings that are known already. Lines carry no line numbers of the suite, so moving code changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The file it stands in, as findings about it name it.
    pub file: String,
    /// One entry a finding, sorted unless somebody wrote the file by hand.
    pub entries: Vec<BaselineEntry>,
}

/// One finding that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaselineEntry {
    /// The plugin's slug; empty for suite.yaml.
    pub plugin: String,
    /// The rule's id.
    pub rule: String,
    /// The topic; empty where there is none.
    pub topic: String,
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// The entry's line in the file, from 1.
    pub line: u32,
}

/// Why a text is no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} is no entry of a baseline: `{text}`; an entry is a fingerprint of 16 hexadecimal digits, a rule, a plugin and a topic"
)]
pub struct BaselineError {
    /// The line, from 1.
    pub line: u32,
    /// What stands there.
    pub text: String,
}

impl Baseline {
    /// The baseline that knows every open finding of a report, sorted by plugin, rule and topic.
    pub fn of(report: &Report, file: &str) -> Self {
        let mut entries: Vec<BaselineEntry> = report.found().filter(|one| can_be_known(one)).map(entry).collect();
        entries.sort();
        let first = u32::try_from(HEADER.lines().count()).unwrap_or(0) + 1;
        entries.iter_mut().zip(first..).for_each(|(entry, line)| entry.line = line);
        Self { file: file.to_owned(), entries }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`BaselineError`] for the first line that is neither an entry nor a comment. A line that was skipped would let a
    /// known finding fail the suite, or hide what a merge left behind.
    pub fn parse(file: &str, text: &str) -> Result<Self, BaselineError> {
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
        let read = |(text, line): (&str, u32)| {
            parsed(text, line).ok_or_else(|| BaselineError { line, text: text.chars().take(80).collect() })
        };
        Ok(Self { file: file.to_owned(), entries: lines.map(read).collect::<Result<_, _>>()? })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut out = HEADER.to_owned();
        for BaselineEntry { plugin, rule, topic, fingerprint, .. } in &self.entries {
            // Writing into a String does not fail.
            let _ = writeln!(out, "{fingerprint} {rule} {} {}", word(plugin), word(topic));
        }
        out
    }

    /// The file's text without the lines that `gone` names. What somebody wrote between them stays, in its place.
    #[must_use]
    pub fn text_without(text: &str, gone: &[Known]) -> String {
        let gone: BTreeSet<u32> = gone.iter().map(|known| known.location.line).collect();
        let lines = text.split_inclusive('\n').zip(1..);
        lines.filter(|(_, line)| !gone.contains(line)).map(|(text, _)| text).collect()
    }

    /// The entries by fingerprint, the last of each first to be taken.
    pub(crate) fn by_fingerprint(&self) -> BTreeMap<&str, Vec<&BaselineEntry>> {
        let mut all: BTreeMap<&str, Vec<&BaselineEntry>> = BTreeMap::new();
        for entry in self.entries.iter().rev() {
            all.entry(&entry.fingerprint).or_default().push(entry);
        }
        all
    }
}

impl BaselineEntry {
    /// The finding as a report says that it is gone.
    pub(crate) fn known(&self, file: &str) -> Known {
        let Self { plugin, rule, topic, fingerprint, line } = self;
        let location = Location { line: *line, end_line: *line, ..Location::start_of(file) };
        let of = if plugin.is_empty() { "suite.yaml" } else { plugin };
        let about = if topic.is_empty() { String::new() } else { format!(" about {topic}") };
        Known { fingerprint: fingerprint.clone(), rule: rule.clone(), hint: format!("{rule} of {of}{about}"), location }
    }
}

/// Whether a baseline may hold this finding.
pub(crate) fn can_be_known(finding: &Diagnostic) -> bool {
    finding.suppressed.is_none() && !NEVER_KNOWN.contains(&finding.rule)
}

fn entry(finding: &Diagnostic) -> BaselineEntry {
    BaselineEntry {
        plugin: finding.plugin.clone(),
        rule: finding.rule.to_owned(),
        topic: finding.topic.clone().unwrap_or_default(),
        fingerprint: finding.fingerprint.clone(),
        line: 0,
    }
}

fn parsed(text: &str, line: u32) -> Option<BaselineEntry> {
    let mut words = text.split_whitespace().map(|word| if word == NONE { String::new() } else { word.to_owned() });
    let fingerprint =
        words.next().filter(|word| word.len() == 16 && word.bytes().all(|one| one.is_ascii_hexdigit()))?;
    let (rule, plugin) = (words.next()?, words.next()?);
    let topic = words.next().unwrap_or_default();
    words.next().is_none().then_some(BaselineEntry { plugin, rule, topic, fingerprint, line })
}

/// A name as one word: a broken manifest may hold anything.
fn word(name: &str) -> String {
    let plain = |one: char| if one.is_whitespace() || one.is_control() { '_' } else { one };
    if name.is_empty() { NONE.to_owned() } else { name.chars().map(plain).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(plugin: &str, topic: &str, fingerprint: &str, line: u32) -> BaselineEntry {
        let text = str::to_owned;
        BaselineEntry {
            plugin: text(plugin),
            rule: text("TL201"),
            topic: text(topic),
            fingerprint: text(fingerprint),
            line,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let entries = vec![
            entry("", "", "0000000000000001", 3),
            entry("ar", "gl.a.b", "0000000000000002", 4),
            entry("ar", "gl.a.b", "0000000000000002", 5),
        ];
        let baseline = Baseline { file: "f".to_owned(), entries };
        assert_eq!(Baseline::parse("f", &baseline.text()), Ok(baseline));
        let odd = Baseline { file: "f".to_owned(), entries: vec![entry("a b", "GL\n.x", "0000000000000001", 3)] };
        assert!(odd.text().ends_with("0000000000000001 TL201 a_b GL_.x\n"));
        assert!(Baseline::parse("f", &odd.text()).is_ok());
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let text = "# known\n\n0000000000000001 TL201 ar gl.a\n<<<<<<< HEAD\n";
        let error = Baseline::parse("f", text).expect_err("a conflict");
        assert!(error.line == 4 && error.to_string().contains("<<<<<<< HEAD"), "{error}");
        for line in ["0000000000000001", "000000000000000g TL201 ar x", "0000000000000001 TL201 ar x y"] {
            assert!(Baseline::parse("f", line).is_err(), "{line}");
        }
    }

    #[test]
    fn as_many_are_taken_out_as_are_gone_and_comments_stay() {
        let (one, two) = ("0000000000000002 TL201 ar x\n", "0000000000000003 TL201 ar y\n");
        let text = format!("# ours\n{one}\n# until the bank moves\n{one}{two}");
        let baseline = Baseline::parse("f", &text).expect("a baseline");
        let gone = baseline.entries[1].known("f");
        assert_eq!(Baseline::text_without(&text, &[gone]), format!("# ours\n{one}\n# until the bank moves\n{two}"));
    }
}
