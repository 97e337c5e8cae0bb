//! Ways to write the wiring down, one file each.

mod asyncapi;
mod canvas;
mod dot;
mod json;
mod mermaid;
pub(crate) mod svg;

pub use asyncapi::asyncapi;
pub use canvas::canvas;
pub use dot::dot;
pub use json::graph_json;
pub use mermaid::mermaid;

use crate::{Report, Severity, Wiring};
use std::collections::BTreeMap;

/// A wiring and how it is to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Drawing<'a> {
    /// What is drawn.
    pub wiring: &'a Wiring,
    /// Whether topics become labels of edges from plugin to plugin.
    pub collapsed: bool,
    /// The worst finding of each topic and plugin, to be set off; empty where nothing is.
    pub marks: &'a Marks,
}

/// The worst open finding of each plugin and each topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// By slug.
    pub plugins: BTreeMap<String, Severity>,
    /// By topic.
    pub topics: BTreeMap<String, Severity>,
}

impl Marks {
    /// The marks of a report. A finding of a topic marks the topic, any other its plugin; one about the suite as a
    /// whole, or about the report, marks nothing.
    pub fn of(report: &Report) -> Self {
        let mut marks = Self::default();
        for finding in report.found().filter(|finding| finding.suppressed.is_none()) {
            let (names, name) = match &finding.topic {
                Some(topic) => (&mut marks.topics, topic),
                None if finding.plugin.is_empty() => continue,
                None => (&mut marks.plugins, &finding.plugin),
            };
            let worst = names.entry(name.clone()).or_insert(finding.severity);
            *worst = (*worst).max(finding.severity);
        }
        marks
    }
}

fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "#c62828",
        Severity::Warning => "#b26a00",
        Severity::Info => "#1565c0",
    }
}
