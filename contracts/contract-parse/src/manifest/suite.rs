//! suite.yaml.

use super::policy;
use super::values::{date, known_level};
use crate::facts::{Problem, ProblemKind};
use crate::report::Report;
use crate::yaml::{self, Fields, Node, Tree};
use contract_model::ids::PluginSlug;
use contract_model::plugin_limit;
use contract_model::span::{Span, Spanned};
use contract_model::suite::{External, PluginLimits, SuiteManifest};
use indexmap::IndexMap;

/// Reads suite.yaml, as far as it can be read. `path` is its path relative to the suite.
pub fn parse_suite_manifest(path: &str, text: &str) -> (SuiteManifest, Vec<Problem>) {
    let mut report = Report::new(path, text);
    let manifest = match yaml::parse(text) {
        Ok(node) => node.and_then(|node| read(&node, &mut report)).unwrap_or_default(),
        Err(error) => {
            let message = format!("suite.yaml is not valid YAML: {}", error.message);
            report.add(ProblemKind::ManifestUnreadable, error.span, message);
            SuiteManifest::default()
        }
    };
    (manifest, report.problems)
}

fn read(node: &Node, report: &mut Report<'_>) -> Option<SuiteManifest> {
    if node.is_null() {
        return None;
    }
    let mut fields = Fields::of(node, "suite.yaml", report)?;
    let name = fields.text("name", report).map(|text| text.value);
    let before = report.problems.len();
    let plugins = fields.take("plugins").map(|node| folders(node, report));
    // Of a list that is not whole nobody knows which plugins it leaves out: all there are is nearer to it than some.
    let plugins = plugins.filter(|_| report.problems.len() == before);
    let before = report.problems.len();
    let (compositions, named) = compositions(&mut fields, report);
    let named = (report.problems.len() == before).then_some(named);
    let external = fields.list("external", report).iter().filter_map(|node| external(node, report)).collect();
    let catalog = fields.text("catalog", report);
    let (rules, enforce_from) = rules(&mut fields, report);
    let profile = profile(&mut fields, report);
    let overrides = policy::overrides(&mut fields, report);
    let custom = policy::custom(&mut fields, named.as_deref(), report);
    let forbid = policy::forbid(&mut fields, report);
    let require = policy::require(&mut fields, report);
    let allow = policy::allow(&mut fields, report);
    let limits = limits(&mut fields, report);
    let keys = fields.keys();
    fields.finish(report);
    Some(SuiteManifest {
        name,
        plugins,
        compositions,
        external,
        catalog,
        rules,
        enforce_from,
        overrides,
        profile,
        custom,
        forbid,
        require,
        allow,
        limits,
        refused: report.refused(keys.into_iter()),
    })
}

fn folders(node: &Node, report: &mut Report<'_>) -> Vec<Spanned<String>> {
    let mut out: Vec<Spanned<String>> = Vec::new();
    for item in yaml::list_items(node, "plugins", report) {
        let Some(mut folder) = item.text("plugins", report) else { continue };
        let trimmed = folder.value.trim_start_matches("./").trim_end_matches('/');
        if trimmed.is_empty() || trimmed.starts_with('/') || trimmed.split('/').any(|part| part == "..") {
            let message = format!("`{}` leaves the suite; name a folder inside it", folder.value);
            report.add(ProblemKind::BadValue, folder.span, message);
            continue;
        }
        folder = Spanned::new(trimmed.to_owned(), folder.span);
        if out.iter().any(|other| other.value == folder.value) {
            let message = format!("folder `{}` is listed twice", folder.value);
            report.add(ProblemKind::DuplicateDeclaration, folder.span, message);
            continue;
        }
        out.push(folder);
    }
    out
}

/// The compositions, and the names of all of them: one of which some slug was refused is not judged.
fn compositions<'n>(
    fields: &mut Fields<'n>,
    report: &mut Report<'_>,
) -> (IndexMap<String, Vec<Spanned<PluginSlug>>>, Vec<&'n str>) {
    let (mut out, mut names) = (IndexMap::new(), Vec::new());
    let Some(node) = fields.take("compositions") else { return (out, names) };
    let Some(inner) = Fields::of(node, "compositions", report) else { return (out, names) };
    for (name, _, node) in inner.rest() {
        let what = format!("compositions.{name}");
        let before = report.problems.len();
        let slugs = yaml::list_items(node, &what, report).iter().filter_map(|item| slug(item, &what, report)).collect();
        names.push(name);
        if report.problems.len() == before {
            out.insert(name.to_owned(), slugs);
        }
    }
    (out, names)
}

fn slug(item: &Node, what: &str, report: &mut Report<'_>) -> Option<Spanned<PluginSlug>> {
    let text = item.text(what, report)?;
    slug_of(&text.value, text.span, report)
}

fn slug_of(text: &str, span: Span, report: &mut Report<'_>) -> Option<Spanned<PluginSlug>> {
    match PluginSlug::new(text) {
        Ok(slug) => Some(Spanned::new(slug, span)),
        Err(error) => {
            report.add(ProblemKind::BadValue, span, error.to_string());
            None
        }
    }
}

fn limits(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<PluginLimits> {
    let Some(node) = fields.take("limits") else { return Vec::new() };
    let Some(plugins) = Fields::of(node, "limits", report) else { return Vec::new() };
    let mut out = Vec::new();
    for (name, span, node) in plugins.rest() {
        let plugin = slug_of(name, span, report);
        let Some(set) = Fields::of(node, &format!("limits.{name}"), report) else { continue };
        let set = set.rest().into_iter().filter_map(|(limit, span, node)| limit_of(name, limit, span, node, report));
        let values = set.collect();
        out.extend(plugin.map(|plugin| PluginLimits { plugin, values }));
    }
    out
}

fn limit_of(plugin: &str, name: &str, span: Span, value: &Node, report: &mut Report<'_>) -> Option<(String, u64)> {
    let Some(limit) = plugin_limit::find(name) else {
        let names: Vec<&str> = plugin_limit::ALL.iter().map(|limit| limit.name).collect();
        let message = format!("there is no limit `{name}`; there are {}", names.join(", "));
        report.add(ProblemKind::UnknownField, span, message);
        return None;
    };
    let fits = value.as_u64().filter(|value| (1..=limit.ceiling).contains(value));
    if fits.is_none() {
        let message = format!("`limits.{plugin}.{name}` is a number from 1 to {} {}", limit.ceiling, limit.unit);
        report.add(ProblemKind::BadValue, value.span, message);
    }
    fits.map(|value| (name.to_owned(), value))
}

fn external(node: &Node, report: &mut Report<'_>) -> Option<Spanned<External>> {
    let mut fields = Fields::of(node, "external", report)?;
    let before = report.problems.len();
    let topic = fields.pattern("topic", report);
    if topic.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), "an entry of `external` needs a `topic`".to_owned());
    }
    let before = report.problems.len();
    let reason = fields.text("reason", report).map(|text| text.value);
    if reason.is_none() && report.problems.len() == before {
        let message = "an entry of `external` needs a `reason`: who publishes it from outside".to_owned();
        report.add(ProblemKind::BadValue, fields.span(), message);
    }
    fields.finish(report);
    let topic = topic?;
    Some(Spanned::new(External { topic: topic.value, reason: reason.unwrap_or_default() }, topic.span))
}

/// Levels by rule, and days from which a rule is more than a warning.
type Rules = (IndexMap<String, Spanned<String>>, IndexMap<String, Spanned<String>>);

fn rules(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Rules {
    let (mut levels, mut days) = Rules::default();
    let Some(node) = fields.take("rules") else { return (levels, days) };
    let Some(inner) = Fields::of(node, "rules", report) else { return (levels, days) };
    for (name, _, node) in inner.rest() {
        let what = format!("rules.{name}");
        let level = if matches!(node.tree, Tree::Map(_)) {
            let Some(mut entry) = Fields::of(node, &what, report) else { continue };
            let level = entry.text("level", report);
            days.extend(entry.parsed("enforce_from", report, date).map(|day| (name.to_owned(), day)));
            entry.finish(report);
            level
        } else {
            node.text(&what, report)
        };
        levels.extend(level.and_then(|level| known_level(&what, level, report)).map(|level| (name.to_owned(), level)));
    }
    (levels, days)
}

fn profile(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    let known = |text: &str| match text {
        "legacy" | "default" | "strict" => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no profile; use legacy, default or strict")),
    };
    fields.parsed("profile", report, known)
}
