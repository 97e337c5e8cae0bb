//! Findings that a suite is known to have, so that only new ones fail it.

use checker_report::{Diagnostic, Report};
use std::collections::{BTreeMap, BTreeSet};

/// The findings that are known already. Lines carry no line numbers of the suite, so moving code changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The file it stands in, as findings about it name it.
    pub file: String,
    /// One entry a finding.
    pub entries: Vec<BaselineEntry>,
}

/// One finding that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaselineEntry {
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// The rule's id.
    pub rule: String,
    /// The plugin's slug; empty for suite.yaml.
    pub plugin: String,
    /// The topic; empty where there is none.
    pub topic: String,
    /// The entry's line in the file, from 1.
    pub line: u32,
}

impl Baseline {
    /// The baseline that knows every open finding of a report, sorted, its lines counted from `first_line`.
    pub fn of(report: &Report, file: &str, first_line: u32) -> Self {
        let open = report.findings.iter().filter(|finding| finding.suppressed.is_none() && finding.rule != "TL905");
        let entries: BTreeSet<BaselineEntry> = open.map(entry).collect();
        let numbered = entries.into_iter().zip(first_line..).map(|(entry, line)| BaselineEntry { line, ..entry });
        Self { file: file.to_owned(), entries: numbered.collect() }
    }

    pub(crate) fn by_fingerprint(&self) -> BTreeMap<&str, &BaselineEntry> {
        self.entries.iter().map(|entry| (entry.fingerprint.as_str(), entry)).collect()
    }
}

fn entry(finding: &Diagnostic) -> BaselineEntry {
    BaselineEntry {
        fingerprint: finding.fingerprint.clone(),
        rule: finding.rule.to_owned(),
        plugin: finding.plugin.clone(),
        topic: finding.topic.clone().unwrap_or_default(),
        line: 0,
    }
}
