//! suite.yaml: which plugins make up a suite, and what surrounds it.

use crate::ids::PluginSlug;
use crate::policy::{CustomRule, ForbiddenEdge, PathRules, RequiredListener, SuiteAllowance};
use crate::span::Spanned;
use crate::topic::TopicPattern;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// A suite of plugins as its suite.yaml describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SuiteManifest {
    /// Display name.
    pub name: Option<String>,
    /// Plugin folders, relative to the suite. Absent: every folder that holds a plugin.yaml.
    pub plugins: Option<Vec<Spanned<String>>>,
    /// Sets of plugins that must each be sound, such as `full` and `ap-alone`.
    pub compositions: IndexMap<String, Vec<Spanned<PluginSlug>>>,
    /// Topics that enter from outside the suite.
    pub external: Vec<Spanned<External>>,
    /// A file with the exact names of topics that other systems export.
    pub catalog: Option<Spanned<String>>,
    /// Severities by rule: `off`, `info`, `warn` or `error`.
    pub rules: IndexMap<String, Spanned<String>>,
    /// By rule: the day from which it is more than a warning, YYYY-MM-DD.
    pub enforce_from: IndexMap<String, Spanned<String>>,
    /// Severities for some files, over those for all of them; of several the last one wins.
    pub overrides: Vec<Spanned<PathRules>>,
    /// A named set of severities: `legacy`, `default` or `strict`.
    pub profile: Option<Spanned<String>>,
    /// Rules of the suite's own, in CEL.
    pub custom: Vec<Spanned<CustomRule>>,
    /// Who may not consume what.
    pub forbid: Vec<Spanned<ForbiddenEdge>>,
    /// Which topics must reach whom.
    pub require: Vec<Spanned<RequiredListener>>,
    /// Documented exceptions over all plugins.
    pub allow: Vec<Spanned<SuiteAllowance>>,
    /// What calls of some plugins may use, where it is not the usual.
    pub limits: Vec<PluginLimits>,
    /// The keys under which something was refused, as in a plugin's manifest.
    pub refused: BTreeSet<String>,
}

/// What calls of one plugin may use.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginLimits {
    /// The plugin.
    pub plugin: Spanned<PluginSlug>,
    /// Values by the names of [`plugin_limit`](crate::plugin_limit), each within its ceiling.
    pub values: IndexMap<String, u64>,
}

/// A topic that is published by something outside the suite.
#[derive(Debug, Clone, PartialEq)]
pub struct External {
    /// The topic, or a pattern over topics.
    pub topic: TopicPattern,
    /// Why it may enter.
    pub reason: String,
}
