//! The lists of a manifest: publishes, consumes, capabilities, roles, pricing, allow.

use super::values::{date, normal, present, semver};
use crate::facts::ProblemKind;
use crate::range::parse_range;
use crate::report::{Report, closest, did_you_mean};
use crate::yaml::{Fields, Node, Tree, list_items};
use contract_model::manifest::{Allowance, Consumes, Pricing, Provided, Publishes, Role, Used};
use contract_model::permission::{PERMISSION_FORMS, Permission};
use contract_model::span::{Span, Spanned};
use contract_model::topic::TopicPattern;
use std::collections::BTreeSet;

/// Reads `publishes`: topics, or patterns with the values they stand for.
pub(super) fn publishes(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<Publishes>> {
    let mut out: Vec<Spanned<Publishes>> = Vec::new();
    for node in fields.list("publishes", report) {
        let Some(entry) = publishes_entry(node, report) else { continue };
        if out.iter().any(|other| other.value.topic == entry.value.topic) {
            twice(report, "publishes", &entry.value.topic, entry.span);
            continue;
        }
        out.push(entry);
    }
    out
}

fn publishes_entry(node: &Node, report: &mut Report<'_>) -> Option<Spanned<Publishes>> {
    if !matches!(node.tree, Tree::Map(_)) {
        let name = node.topic("publishes", report)?;
        return Some(Spanned::new(Publishes { topic: name.value.into(), values: Vec::new() }, name.span));
    }
    let mut fields = Fields::of(node, "publishes", report)?;
    let before = report.problems.len();
    let topic = fields.topic("topic", report).map(|name| Spanned::new(TopicPattern::from(name.value), name.span));
    let pattern = fields.pattern("pattern", report);
    let values: Vec<_> =
        fields.list("values", report).iter().filter_map(|item| item.topic("publishes.values", report)).collect();
    let is_whole = report.problems.len() == before;
    if is_whole && topic.is_none() && pattern.is_none() {
        let message = "an entry of `publishes` needs a `topic`, or a `pattern` and its `values`".to_owned();
        report.add(ProblemKind::BadValue, fields.span(), message);
    }
    fields.finish(report);
    let topic = topic.or(pattern)?;
    for value in values.iter().filter(|value| !topic.value.matches(value.value.as_str())) {
        let message = format!("`{}` does not fall under the pattern `{}`", value.value, topic.value);
        report.add(ProblemKind::BadValue, value.span, message);
    }
    if is_whole && topic.value.as_exact().is_none() && values.is_empty() {
        let message = format!("pattern `{}` lists no `values`: name the topics it stands for", topic.value);
        report.add(ProblemKind::BadValue, topic.span, message);
    }
    let values = values.into_iter().map(|value| value.value).collect();
    Some(Spanned::new(Publishes { topic: topic.value, values }, topic.span))
}

/// Reads `consumes`: topics or patterns, with what is known of each.
pub(super) fn consumes(
    fields: &mut Fields<'_>,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> Vec<Spanned<Consumes>> {
    let mut out: Vec<Spanned<Consumes>> = Vec::new();
    for node in fields.list("consumes", report) {
        let Some(entry) = consumes_entry(node, files, report) else { continue };
        if out.iter().any(|other| other.value.topic == entry.value.topic) {
            twice(report, "consumes", &entry.value.topic, entry.span);
            continue;
        }
        out.push(entry);
    }
    out
}

fn consumes_entry(node: &Node, files: &BTreeSet<&str>, report: &mut Report<'_>) -> Option<Spanned<Consumes>> {
    let plain =
        |topic| Consumes { topic, range: None, optional: false, reason: None, when: None, handler: None, schema: None };
    if !matches!(node.tree, Tree::Map(_)) {
        let topic = node.pattern("consumes", report)?;
        return Some(Spanned::new(plain(topic.value), topic.span));
    }
    let mut fields = Fields::of(node, "consumes", report)?;
    let before = report.problems.len();
    let topic = fields.pattern("topic", report);
    if topic.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), "an entry of `consumes` needs a `topic`".to_owned());
    }
    let range = fields.parsed("range", report, parse_range).map(|range| range.value);
    let optional = fields.flag("optional", report);
    let reason = fields.text("reason", report).map(|text| text.value);
    let when = fields.parsed("when", report, when).map(|when| when.value);
    let handler = fields.text("handler", report);
    let schema = fields.text("schema", report).map(|mut path| {
        path.value = normal(&path.value);
        present(&path, "consumes.schema", ProblemKind::SchemaUnreadable, files, report);
        path
    });
    fields.finish(report);
    let topic = topic?;
    Some(Spanned::new(Consumes { range, optional, reason, when, handler, schema, ..plain(topic.value) }, topic.span))
}

fn when(text: &str) -> Result<String, String> {
    let key = text.strip_prefix("config.").filter(|key| !key.is_empty());
    key.map(|_| text.to_owned()).ok_or_else(|| format!("`{text}` names no setting; write config.KEY"))
}

fn twice(report: &mut Report<'_>, list: &str, topic: &TopicPattern, span: Span) {
    let message = format!("`{topic}` stands twice in `{list}`; keep one entry, required or optional");
    report.add(ProblemKind::DuplicateDeclaration, span, message);
}

/// Reads `capabilities`: what is provided and what is used.
pub(super) fn capabilities(
    fields: &mut Fields<'_>,
    report: &mut Report<'_>,
) -> (Vec<Spanned<Provided>>, Vec<Spanned<Used>>) {
    let Some(node) = fields.take("capabilities") else { return Default::default() };
    let Some(mut inner) = Fields::of(node, "capabilities", report) else { return Default::default() };
    let provides = inner.list("provides", report).iter().filter_map(|node| provided(node, report)).collect();
    let uses = inner.list("consumes", report).iter().filter_map(|node| used(node, report)).collect();
    inner.finish(report);
    (provides, uses)
}

fn provided(node: &Node, report: &mut Report<'_>) -> Option<Spanned<Provided>> {
    let mut fields = Fields::of(node, "capabilities.provides", report)?;
    let name = needed(&mut fields, "name", "a provided capability", report);
    let before = report.problems.len();
    let version = fields.parsed("version", report, semver);
    if version.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), "a provided capability needs a `version`".to_owned());
    }
    fields.finish(report);
    let name = name?;
    Some(Spanned::new(Provided { name: name.value, version: version?.value }, name.span))
}

fn used(node: &Node, report: &mut Report<'_>) -> Option<Spanned<Used>> {
    let mut fields = Fields::of(node, "capabilities.consumes", report)?;
    let name = needed(&mut fields, "name", "a used capability", report);
    let range = fields.parsed("range", report, parse_range).map(|range| range.value);
    let optional = fields.flag("optional", report);
    fields.finish(report);
    let name = name?;
    Some(Spanned::new(Used { name: name.value, range, optional }, name.span))
}

/// Reads `permissions`: none where there is no such key. An empty list is an answer too: nothing is asked for.
pub(super) fn permissions(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Vec<Spanned<Permission>>> {
    let node = fields.take("permissions")?;
    let mut out: Vec<Spanned<Permission>> = Vec::new();
    for item in list_items(node, "permissions", report) {
        let Some(text) = item.text("permissions", report) else { continue };
        match Permission::parse(&text.value) {
            Ok(permission) if out.iter().any(|other| other.value == permission) => {
                let message = format!("`{permission}` stands twice in `permissions`; keep one");
                report.add(ProblemKind::DuplicateDeclaration, text.span, message);
            }
            Ok(permission) => out.push(Spanned::new(permission, text.span)),
            Err(why) => {
                let help = did_you_mean(closest(&text.value, PERMISSION_FORMS));
                report.add_with_help(ProblemKind::BadValue, text.span, why, help);
            }
        }
    }
    Some(out)
}

/// Reads `roles`.
pub(super) fn roles(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<Role>> {
    let mut out: Vec<Spanned<Role>> = Vec::new();
    for node in fields.list("roles", report) {
        let Some(role) = role(node, report) else { continue };
        if out.iter().any(|other| other.value.name == role.value.name) {
            let message = format!("role `{}` is declared twice; keep one", role.value.name);
            report.add(ProblemKind::DuplicateDeclaration, role.span, message);
            continue;
        }
        out.push(role);
    }
    out
}

fn role(node: &Node, report: &mut Report<'_>) -> Option<Spanned<Role>> {
    let mut fields = Fields::of(node, "roles", report)?;
    let name = needed(&mut fields, "name", "a role", report);
    let billable = fields.flag("billable", report);
    let grants = fields.texts("grants", report).into_iter().map(|grant| grant.value).collect();
    fields.finish(report);
    let name = name?;
    Some(Spanned::new(Role { name: name.value, billable, grants }, name.span))
}

/// Reads `pricing`.
pub(super) fn pricing(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Pricing> {
    const METRICS: [&str; 6] =
        ["free", "seat_monthly", "flat_monthly", "host_seat_monthly", "flat_usage_monthly", "custom"];
    let node = fields.take("pricing")?;
    let mut inner = Fields::of(node, "pricing", report)?;
    let metric = inner.word("metric", &METRICS.map(|metric| (metric, metric)), report);
    let amount = inner.parsed("amount", report, amount).map(|text| text.value);
    let currency = inner.parsed("currency", report, currency).map(|text| text.value);
    inner.finish(report);
    Some(Pricing { metric: metric?.to_owned(), amount, currency })
}

fn amount(text: &str) -> Result<String, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(fraction) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not an amount; write it as \"9.00\""))
    }
}

fn currency(text: &str) -> Result<String, String> {
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not a currency; write its three letters, such as USD"))
    }
}

/// Reads `allow`. What makes an exception good or stale is for the rules.
pub(super) fn allowances(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Spanned<Allowance>> {
    let Some(node) = fields.take("allow") else { return Vec::new() };
    list_items(node, "allow", report).iter().filter_map(|node| allowance(node, report)).collect()
}

fn allowance(node: &Node, report: &mut Report<'_>) -> Option<Spanned<Allowance>> {
    let mut fields = Fields::of(node, "allow", report)?;
    let entry = allowance_of(&mut fields, report);
    fields.finish(report);
    entry
}

/// The fields that every exception has, wherever it stands.
pub(super) fn allowance_of(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Spanned<Allowance>> {
    let rule = needed(fields, "rule", "an entry of `allow`", report);
    let topic = fields.text("topic", report);
    let file = fields.text("file", report).map(|text| text.value);
    let reason = fields.text("reason", report).map(|text| text.value);
    let owner = fields.text("owner", report).map(|text| text.value);
    let expires = fields.parsed("expires", report, date);
    let until = fields.parsed("until", report, until);
    let rule = rule?;
    let span = rule.span;
    Some(Spanned::new(Allowance { rule, topic, file, reason, owner, expires, until }, span))
}

fn until(text: &str) -> Result<String, String> {
    let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let argument = ["publisher", "consumer", "plugin"].into_iter().find_map(inner);
    match argument {
        Some(argument) if !argument.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no condition; write publisher(TOPIC), consumer(TOPIC) or plugin(SLUG)")),
    }
}

/// Takes a text that must be there.
pub(super) fn needed(
    fields: &mut Fields<'_>,
    key: &'static str,
    what: &str,
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    let before = report.problems.len();
    let text = fields.text(key, report);
    if text.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), format!("{what} needs a `{key}`"));
    }
    text
}
