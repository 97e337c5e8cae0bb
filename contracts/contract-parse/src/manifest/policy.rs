//! The rules that suite.yaml makes of its own: custom, forbid, require and allow.

use super::entries::{allowance_of, needed};
use super::topics::date;
use crate::facts::ProblemKind;
use crate::report::Report;
use crate::yaml::{Fields, Node, Tree};
use contract_model::policy::{CustomEach, CustomRule, ForbiddenEdge, PluginSelector, RequiredListener, SuiteAllowance};
use contract_model::span::Spanned;

/// Reads `custom`: rules in CEL. Whether the expressions make sense is for the checker to say.
pub(super) fn custom(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<CustomRule>> {
    let mut out: Vec<Spanned<CustomRule>> = Vec::new();
    for node in fields.list("custom", report) {
        let Some(rule) = custom_rule(node, report) else { continue };
        if out.iter().any(|other| other.value.name.value == rule.value.name.value) {
            let message = format!("there are two custom rules `{}`; rename one", rule.value.name.value);
            report.add(ProblemKind::DuplicateDeclaration, rule.span, message);
        }
        out.push(rule);
    }
    out
}

fn custom_rule(node: &Node, report: &mut Report<'_>) -> Option<Spanned<CustomRule>> {
    let each = [
        ("suite", CustomEach::Suite),
        ("fact", CustomEach::Fact),
        ("topic", CustomEach::Topic),
        ("plugin", CustomEach::Plugin),
    ];
    let levels = [("info", "info"), ("warn", "warn"), ("error", "error")];
    let mut fields = Fields::of(node, "custom", report)?;
    let name = fields.text("id", report);
    let name = name.or_else(|| needed(&mut fields, "name", "a custom rule", report));
    let when = needed(&mut fields, "when", "a custom rule", report);
    let message = needed(&mut fields, "message", "a custom rule", report);
    let each = fields.word("each", &each, report).unwrap_or_default();
    let help = fields.text("help", report).map(|text| text.value);
    let severity = fields.word("severity", &levels, report).map(str::to_owned);
    let enforce_from = fields.parsed("enforce_from", report, date);
    fields.finish(report);
    let name = name?;
    let span = name.span;
    Some(Spanned::new(CustomRule { name, each, when: when?, message: message?, help, severity, enforce_from }, span))
}

/// Reads `forbid`: who may not consume what.
pub(super) fn forbid(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<ForbiddenEdge>> {
    fields.list("forbid", report).iter().filter_map(|node| forbidden(node, report)).collect()
}

fn forbidden(node: &Node, report: &mut Report<'_>) -> Option<Spanned<ForbiddenEdge>> {
    let mut fields = Fields::of(node, "forbid", report)?;
    let span = fields.span();
    let from = selectors(&mut fields, "from", report);
    let to = selectors(&mut fields, "to", report);
    let except = selectors(&mut fields, "except", report);
    let topic = fields.pattern("topic", report).map(|topic| topic.value);
    let reason = fields.text("reason", report).map(|text| text.value);
    if from.is_empty() && topic.is_none() {
        let message = "an entry of `forbid` needs `from` (whose topics) or `topic`, else it forbids everything";
        report.add(ProblemKind::BadValue, span, message.to_owned());
    }
    if to.is_empty() {
        let message = "an entry of `forbid` needs `to`: a slug, `tag:NAME`, or `*` for every plugin";
        report.add(ProblemKind::BadValue, span, message.to_owned());
    }
    fields.finish(report);
    Some(Spanned::new(ForbiddenEdge { from, to, except, topic, reason }, span))
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
    fields.finish(report);
    Some(Spanned::new(RequiredListener { topic: topic?, listener, reason }, span))
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
