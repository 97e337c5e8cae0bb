//! Rules that a suite makes for itself.

use crate::manifest::Allowance;
use crate::span::Spanned;
use crate::topic::TopicPattern;
use indexmap::IndexMap;

/// A rule in CEL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRule {
    /// What it is called.
    pub name: Spanned<String>,
    /// What it is asked of.
    pub each: CustomEach,
    /// The compositions in each of which it is asked; none for the suite as a whole.
    pub compositions: Option<Vec<String>>,
    /// The expression; where it is true, the rule fires.
    pub when: Spanned<String>,
    /// What the finding says; parts in braces are expressions.
    pub message: Spanned<String>,
    /// How to repair it.
    pub help: Option<String>,
    /// `info`, `warn` or `error`; `warn` where it is absent.
    pub severity: Option<String>,
    /// The day from which it is more than a warning, YYYY-MM-DD.
    pub enforce_from: Option<Spanned<String>>,
}

/// What a rule in CEL is asked of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CustomEach {
    /// The suite, once.
    #[default]
    Suite,
    /// Each thing that the code does.
    Fact,
    /// Each topic.
    Topic,
    /// Each plugin.
    Plugin,
}

/// Plugins by slug, by tag, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginSelector {
    /// `*`.
    All,
    /// `tag:finance`.
    Tag(String),
    /// A slug.
    Slug(String),
}

impl PluginSelector {
    /// Reads a selector.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("tag:") {
            _ if text == "*" => Self::All,
            Some(tag) => Self::Tag(tag.to_owned()),
            None => Self::Slug(text.to_owned()),
        }
    }

    /// Whether a plugin of this slug and these tags is meant.
    pub fn selects(&self, slug: &str, tags: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Tag(tag) => tags.contains(tag),
            Self::Slug(own) => own == slug,
        }
    }
}

/// An entry of `forbid`: who may not consume what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForbiddenEdge {
    /// Whose topics; those of all plugins where it is absent.
    pub from: Vec<Spanned<PluginSelector>>,
    /// Who may not consume or request them.
    pub to: Vec<Spanned<PluginSelector>>,
    /// Plugins that may all the same.
    pub except: Vec<Spanned<PluginSelector>>,
    /// Which topics; all of them where it is absent.
    pub topic: Option<TopicPattern>,
    /// Why.
    pub reason: Option<String>,
}

/// An entry of `require`: every topic under a pattern must reach a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredListener {
    /// Which topics.
    pub topic: Spanned<TopicPattern>,
    /// Who must hear them; one of these is enough.
    pub listener: Vec<Spanned<PluginSelector>>,
    /// Why.
    pub reason: Option<String>,
}

/// An exception from a rule that suite.yaml makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteAllowance {
    /// The plugin it is limited to.
    pub plugin: Option<Spanned<String>>,
    /// The exception itself.
    pub allowance: Allowance,
}

/// Severities that hold for some files only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRules {
    /// Globs over paths relative to the suite. `*` stays within a folder, `**` crosses folders.
    pub files: Vec<Spanned<String>>,
    /// Severities by rule: `off`, `info`, `warn` or `error`.
    pub rules: IndexMap<String, Spanned<String>>,
    /// Why.
    pub reason: Option<String>,
}
