//! What a suite allows: inline comments and the `allow` entries of manifests.

use crate::registry::find;
use crate::rule::Rule;
use checker_report::{Diagnostic, Suppressed};
use contract_graph::{PluginView, Suite};
use contract_model::Location;
use contract_model::manifest::Allowance;
use contract_model::span::Spanned;
use contract_model::topic::pattern_matches;
use contract_parse::Suppression;
use jiff::civil::Date;

/// One documented exception from one rule.
#[derive(Debug)]
pub(crate) struct Exception<'a> {
    /// The rule as written.
    pub(crate) rule: &'a str,
    /// The rule meant, where there is such a one.
    pub(crate) known: Option<&'static Rule>,
    pub(crate) plugin: &'a str,
    pub(crate) layer: Layer<'a>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) location: Location,
}

/// Where an exception stands, and what it is limited to.
#[derive(Debug)]
pub(crate) enum Layer<'a> {
    /// `// tl-allow RULE: reason`, for these lines.
    Inline { lines: (u32, u32) },
    /// An `allow` entry of plugin.yaml.
    Manifest { entry: &'a Allowance, file: Option<String> },
}

impl<'a> Exception<'a> {
    /// All exceptions of a suite, by plugin and place.
    pub(crate) fn all(suite: &'a Suite) -> Vec<Self> {
        suite.views().flat_map(of_plugin).collect()
    }

    fn inline(view: PluginView<'a>, comment: &'a Suppression) -> Self {
        Self {
            rule: &comment.rule,
            known: find(&comment.rule),
            plugin: view.slug(),
            layer: Layer::Inline { lines: comment.lines },
            reason: Some(comment.reason.as_str()).filter(|reason| !reason.is_empty()),
            location: comment.location.clone(),
        }
    }

    fn manifest(view: PluginView<'a>, entry: &'a Spanned<Allowance>) -> Self {
        let allowance = &entry.value;
        Self {
            rule: &allowance.rule.value,
            known: find(&allowance.rule.value),
            plugin: view.slug(),
            layer: Layer::Manifest { entry: allowance, file: allowance.file.as_ref().map(|file| view.path(file)) },
            reason: allowance.reason.as_deref(),
            location: view.at(entry.span),
        }
    }

    /// What makes it the same exception in another state of the suite, whatever line it stands on.
    pub(crate) fn identity(&self) -> (&str, &str, &str, Option<&str>, Option<&str>) {
        (self.plugin, self.rule, self.layer.name(), self.topic(), self.reason)
    }

    /// The manifest's entry, where it is one.
    pub(crate) fn entry(&self) -> Option<&'a Allowance> {
        match self.layer {
            Layer::Manifest { entry, .. } => Some(entry),
            Layer::Inline { .. } => None,
        }
    }

    /// The topic or pattern it is limited to.
    pub(crate) fn topic(&self) -> Option<&'a str> {
        self.entry()?.topic.as_ref().map(|topic| topic.value.as_str())
    }

    /// Its last day, none where it has none or that is no date.
    pub(crate) fn expires(&self) -> Option<Date> {
        self.entry()?.expires.as_ref()?.value.parse().ok()
    }

    /// Whether its last day has passed.
    pub(crate) fn is_expired(&self, today: Date) -> bool {
        self.expires().is_some_and(|day| day < today)
    }

    /// Whether it covers a finding of this rule.
    pub(crate) fn covers(&self, rule: &Rule, finding: &Diagnostic) -> bool {
        let meant = self.known.is_some_and(|known| known.id == rule.id || rule.follows == Some(known.id));
        meant && self.plugin == finding.plugin && self.covers_place(finding)
    }

    fn covers_place(&self, finding: &Diagnostic) -> bool {
        match &self.layer {
            Layer::Inline { lines: (first, last) } => {
                self.location.file == finding.location.file && (*first..=*last).contains(&finding.location.line)
            }
            Layer::Manifest { file, .. } => {
                let topic = self.topic().is_none_or(|pattern| {
                    finding.topic.as_deref().is_some_and(|topic| topic == pattern || pattern_matches(pattern, topic))
                });
                topic && file.as_ref().is_none_or(|file| *file == finding.location.file)
            }
        }
    }

    /// What a finding says of being covered by this.
    pub(crate) fn suppressed(&self) -> Suppressed {
        Suppressed { by: self.layer.name(), reason: self.reason.unwrap_or_default().to_owned() }
    }
}

impl Layer<'_> {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Inline { .. } => "inline",
            Self::Manifest { .. } => "manifest",
        }
    }
}

fn of_plugin(view: PluginView<'_>) -> Vec<Exception<'_>> {
    let entries = view.manifest().map(|manifest| manifest.allow.as_slice()).unwrap_or_default();
    let mut all: Vec<_> = entries.iter().map(|entry| Exception::manifest(view, entry)).collect();
    all.extend(view.parsed.suppressions.iter().map(|comment| Exception::inline(view, comment)));
    all.sort_by(|a, b| a.location.cmp(&b.location));
    all
}
