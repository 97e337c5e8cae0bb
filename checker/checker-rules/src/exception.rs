//! What a suite allows: inline comments, the `allow` entries of manifests, and those of suite.yaml.

use crate::name::{Names, RuleName};
use checker_report::{Diagnostic, Suppressed};
use contract_graph::{PluginView, Suite};
use contract_model::Location;
use contract_model::manifest::Allowance;
use contract_model::policy::SuiteAllowance;
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
    pub(crate) known: Option<RuleName>,
    /// The plugin it belongs to; empty for one of suite.yaml that holds for every plugin.
    pub(crate) plugin: &'a str,
    pub(crate) layer: Layer<'a>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) location: Location,
    /// Whether all was read of what stands beside it, so that what it lacks is known to be missing.
    pub(crate) is_whole: bool,
}

/// Plugin, rule, layer, topic and reason of an exception.
pub(crate) type Identity<'a> = (&'a str, &'a str, &'static str, Option<&'a str>, Option<&'a str>);

/// Where an exception stands, and what it is limited to.
#[derive(Debug)]
pub(crate) enum Layer<'a> {
    /// `// tl-allow RULE: reason`, for these lines.
    Inline { lines: (u32, u32) },
    /// An `allow` entry of plugin.yaml; the file is relative to the suite.
    Manifest { entry: &'a Allowance, file: Option<String> },
    /// An `allow` entry of suite.yaml.
    Suite { entry: &'a Allowance },
}

impl<'a> Exception<'a> {
    /// All exceptions of a suite: those of suite.yaml, then by plugin and place.
    pub(crate) fn all(suite: &'a Suite, names: &Names) -> Vec<Self> {
        let of_suite = suite.manifest.allow.iter().map(|entry| Self::suite(suite, names, entry));
        of_suite.chain(suite.views().flat_map(|view| of_plugin(names, view))).collect()
    }

    fn suite(suite: &'a Suite, names: &Names, entry: &'a Spanned<SuiteAllowance>) -> Self {
        let allowance = &entry.value.allowance;
        Self {
            rule: &allowance.rule.value,
            known: names.find(&allowance.rule.value),
            plugin: entry.value.plugin.as_ref().map_or("", |plugin| plugin.value.as_str()),
            layer: Layer::Suite { entry: allowance },
            reason: allowance.reason.as_deref(),
            location: suite.at(entry.span),
            is_whole: !suite.manifest.refused.contains("allow"),
        }
    }

    fn inline(names: &Names, view: PluginView<'a>, comment: &'a Suppression) -> Self {
        Self {
            rule: &comment.rule,
            known: names.find(&comment.rule),
            plugin: view.slug(),
            layer: Layer::Inline { lines: comment.lines },
            reason: Some(comment.reason.as_str()).filter(|reason| !reason.is_empty()),
            location: comment.location.clone(),
            is_whole: true,
        }
    }

    fn manifest(names: &Names, view: PluginView<'a>, entry: &'a Spanned<Allowance>) -> Self {
        let allowance = &entry.value;
        Self {
            rule: &allowance.rule.value,
            known: names.find(&allowance.rule.value),
            plugin: view.slug(),
            layer: Layer::Manifest { entry: allowance, file: allowance.file.as_ref().map(|file| view.path(file)) },
            reason: allowance.reason.as_deref(),
            location: view.at(entry.span),
            is_whole: view.knows("allow"),
        }
    }

    /// What makes it the same exception in another state of the suite, whatever line it stands on.
    pub(crate) fn identity(&self) -> Identity<'a> {
        (self.plugin, self.rule, self.layer.name(), self.topic(), self.reason)
    }

    /// The entry of a manifest or of suite.yaml, where it is one.
    pub(crate) fn entry(&self) -> Option<&'a Allowance> {
        match self.layer {
            Layer::Manifest { entry, .. } | Layer::Suite { entry } => Some(entry),
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

    /// Whether it covers a finding of a rule that it speaks of.
    pub(crate) fn covers(&self, finding: &Diagnostic) -> bool {
        let is_its_plugin = self.plugin == finding.plugin || self.plugin.is_empty();
        is_its_plugin && self.covers_place(finding)
    }

    fn covers_place(&self, finding: &Diagnostic) -> bool {
        let is_file = |file: Option<&str>| file.is_none_or(|file| finding.location.file == *file);
        match &self.layer {
            Layer::Inline { lines: (first, last) } => {
                self.location.file == finding.location.file && (*first..=*last).contains(&finding.location.line)
            }
            Layer::Manifest { file, .. } => self.covers_topic(finding) && is_file(file.as_deref()),
            Layer::Suite { entry } => self.covers_topic(finding) && is_file(entry.file.as_deref()),
        }
    }

    fn covers_topic(&self, finding: &Diagnostic) -> bool {
        self.topic().is_none_or(|pattern| {
            finding.topic.as_deref().is_some_and(|topic| topic == pattern || pattern_matches(pattern, topic))
        })
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
            Self::Suite { .. } => "suite",
        }
    }
}

fn of_plugin<'a>(names: &Names, view: PluginView<'a>) -> Vec<Exception<'a>> {
    let entries = view.manifest().map(|manifest| manifest.allow.as_slice()).unwrap_or_default();
    let mut all: Vec<_> = entries.iter().map(|entry| Exception::manifest(names, view, entry)).collect();
    all.extend(view.parsed.suppressions.iter().map(|comment| Exception::inline(names, view, comment)));
    all.sort_by(|a, b| a.location.cmp(&b.location));
    all
}
