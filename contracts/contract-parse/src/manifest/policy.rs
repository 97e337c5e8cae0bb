//! The rules that suite.yaml makes of its own: custom, overrides, forbid, require and allow.

use super::entries::{allowance_of, needed};
use super::values::{date, known_level};
use crate::facts::ProblemKind;
use crate::report::{Report, closest, did_you_mean};
use crate::yaml::{Fields, Node, Tree, list_items};
use contract_model::policy::{
    CustomEach, CustomRule, ForbiddenEdge, PathRules, PluginSelector, RequiredListener, SuiteAllowance,
};
use contract_model::span::Spanned;
use indexmap::IndexMap;

/// Reads `custom`: rules in CEL. Whether the expressions make sense is for the checker to say. `known` are the
/// compositions that there are; none where not all of them could be read.
pub(super) fn custom(
    fields: &mut Fields<'_>,
    known: Option<&[&str]>,
    report: &mut Report<'_>,
) -> Vec<Spanned<CustomRule>> {
    let mut out: Vec<Spanned<CustomRule>> = Vec::new();
    for node in fields.list("custom", report) {
        let Some(rule) = custom_rule(node, known, report) else { continue };
        if out.iter().any(|other| other.value.name.value == rule.value.name.value) {
            let message = format!("there are two custom rules `{}`; rename one", rule.value.name.value);
            report.add(ProblemKind::DuplicateDeclaration, rule.span, message);
        }
        out.push(rule);
    }
    out
}

fn custom_rule(node: &Node, known: Option<&[&str]>, report: &mut Report<'_>) -> Option<Spanned<CustomRule>> {
    let each = [
        ("suite", CustomEach::Suite),
        ("fact", CustomEach::Fact),
        ("topic", CustomEach::Topic),
        ("plugin", CustomEach::Plugin),
    ];
    let levels = [("info", "info"), ("warn", "warn"), ("error", "error")];
    let mut fields = Fields::of(node, "custom", report)?;
    let before = report.problems.len();
    let name = fields.text("id", report);
    let is_named = name.is_some() || report.problems.len() > before;
    let name = if is_named { name } else { needed(&mut fields, "name", "a custom rule", report) };
    let when = needed(&mut fields, "when", "a custom rule", report);
    let message = needed(&mut fields, "message", "a custom rule", report);
    let before_each = report.problems.len();
    let each = fields.word("each", &each, report).unwrap_or_default();
    let knows_each = report.problems.len() == before_each;
    let compositions = fields.take("compositions").map(|node| asked_in(node, known, report));
    let help = fields.text("help", report).map(|text| text.value);
    let severity = fields.word("severity", &levels, report).map(str::to_owned);
    let enforce_from = fields.parsed("enforce_from", report, date);
    fields.finish(report);
    // What it is asked of decides what its condition means.
    let name = name.filter(|_| knows_each)?;
    let span = name.span;
    let (when, message) = (when?, message?);
    Some(Spanned::new(CustomRule { name, each, compositions, when, message, help, severity, enforce_from }, span))
}

/// `all`, or a list of compositions.
fn asked_in(node: &Node, known: Option<&[&str]>, report: &mut Report<'_>) -> Vec<String> {
    let all = known.unwrap_or_default();
    if let Tree::Scalar { text, .. } = &node.tree
        && text == "all"
    {
        return all.iter().map(|&name| name.to_owned()).collect();
    }
    let names = list_items(node, "compositions", report).iter().filter_map(|item| item.text("compositions", report));
    let names: Vec<Spanned<String>> = names.collect();
    for name in names.iter().filter(|name| known.is_some() && !all.contains(&name.value.as_str())) {
        let message = format!("there is no composition `{}`; write `all`, or names of `compositions`", name.value);
        let help = did_you_mean(closest(&name.value, all.iter().copied()));
        report.add_with_help(ProblemKind::BadValue, name.span, message, help);
    }
    names.into_iter().map(|name| name.value).filter(|name| all.contains(&name.as_str())).collect()
}

/// Reads `overrides`: severities for some files.
pub(super) fn overrides(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<PathRules>> {
    fields.list("overrides", report).iter().filter_map(|node| path_rules(node, report)).collect()
}

fn path_rules(node: &Node, report: &mut Report<'_>) -> Option<Spanned<PathRules>> {
    let mut fields = Fields::of(node, "overrides", report)?;
    let span = fields.span();
    let before = report.problems.len();
    let files = fields.texts("files", report);
    let rules = fields.take("rules").map(|node| levels(node, "overrides.rules", report)).unwrap_or_default();
    let reason = fields.text("reason", report).map(|text| text.value);
    fields.finish(report);
    if report.problems.len() == before && (files.is_empty() || rules.is_empty()) {
        let message = "an entry of `overrides` needs `files` (globs) and `rules` (a level by rule)";
        report.add(ProblemKind::BadValue, span, message.to_owned());
    }
    for file in &files {
        if let Err(error) = globset::Glob::new(&file.value) {
            let message = format!("`{}` is no glob: {}", file.value, error.kind());
            report.add(ProblemKind::BadValue, file.span, message);
        }
    }
    Some(Spanned::new(PathRules { files, rules, reason }, span))
}

fn levels(node: &Node, what: &str, report: &mut Report<'_>) -> IndexMap<String, Spanned<String>> {
    let Some(inner) = Fields::of(node, what, report) else { return IndexMap::new() };
    let mut out = IndexMap::new();
    for (name, _, node) in inner.rest() {
        let what = format!("{what}.{name}");
        let level = node.text(&what, report).and_then(|level| known_level(&what, level, report));
        out.extend(level.map(|level| (name.to_owned(), level)));
    }
    out
}

/// Reads `forbid`: who may not consume what.
pub(super) fn forbid(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<ForbiddenEdge>> {
    fields.list("forbid", report).iter().filter_map(|node| forbidden(node, report)).collect()
}

fn forbidden(node: &Node, report: &mut Report<'_>) -> Option<Spanned<ForbiddenEdge>> {
    let mut fields = Fields::of(node, "forbid", report)?;
    let span = fields.span();
    let before = report.problems.len();
    let from = selectors(&mut fields, "from", report);
    let to = selectors(&mut fields, "to", report);
    let except = selectors(&mut fields, "except", report);
    let topic = fields.pattern("topic", report).map(|topic| topic.value);
    let reason = fields.text("reason", report).map(|text| text.value);
    let is_whole = report.problems.len() == before;
    if is_whole && from.is_empty() && topic.is_none() {
        let message = "an entry of `forbid` needs `from` (whose topics) or `topic`, else it forbids everything";
        report.add(ProblemKind::BadValue, span, message.to_owned());
    }
    if is_whole && to.is_empty() {
        let message = "an entry of `forbid` needs `to`: a slug, `tag:NAME`, or `*` for every plugin";
        report.add(ProblemKind::BadValue, span, message.to_owned());
    }
    fields.finish(report);
    // One that is not whole may forbid more than was meant.
    is_whole.then(|| Spanned::new(ForbiddenEdge { from, to, except, topic, reason }, span))
}

/// Reads `require`: which topics must reach whom.
pub(super) fn require(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<RequiredListener>> {
    fields.list("require", report).iter().filter_map(|node| required(node, report)).collect()
}

fn required(node: &Node, report: &mut Report<'_>) -> Option<Spanned<RequiredListener>> {
    let mut fields = Fields::of(node, "require", report)?;
    let span = fields.span();
    let before = report.problems.len();
    let topic = fields.pattern("topic", report);
    let listener = selectors(&mut fields, "listener", report);
    let reason = fields.text("reason", report).map(|text| text.value);
    if report.problems.len() == before && (topic.is_none() || listener.is_empty()) {
        let message = "an entry of `require` needs a `topic` and a `listener`: a slug or `tag:NAME`";
        report.add(ProblemKind::BadValue, span, message.to_owned());
    }
    let is_whole = report.problems.len() == before;
    fields.finish(report);
    topic.filter(|_| is_whole).map(|topic| Spanned::new(RequiredListener { topic, listener, reason }, span))
}

/// One selector of plugins, or a list of them.
fn selectors(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Vec<Spanned<PluginSelector>> {
    let Some(node) = fields.take(key) else { return Vec::new() };
    let items = if let Tree::List(items) = &node.tree { items.as_slice() } else { std::slice::from_ref(node) };
    let texts = items.iter().filter_map(|item| item.text(key, report));
    texts.map(|text| Spanned::new(PluginSelector::parse(&text.value), text.span)).collect()
}

/// Reads `allow`: exceptions over all plugins, or one.
pub(super) fn allow(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<SuiteAllowance>> {
    fields.list("allow", report).iter().filter_map(|node| allowance(node, report)).collect()
}

fn allowance(node: &Node, report: &mut Report<'_>) -> Option<Spanned<SuiteAllowance>> {
    let mut fields = Fields::of(node, "allow", report)?;
    let plugin = fields.text("plugin", report);
    let entry = allowance_of(&mut fields, report);
    fields.finish(report);
    let entry = entry?;
    Some(Spanned::new(SuiteAllowance { plugin, allowance: entry.value }, entry.span))
}
