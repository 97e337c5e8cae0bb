//! The manifest of one plugin.

use super::values::{normal, present, semver};
use super::{entries, topics};
use crate::facts::ProblemKind;
use crate::range::parse_range;
use crate::report::Report;
use crate::yaml::{self, Fields};
use contract_model::ids::PluginSlug;
use contract_model::manifest::{Form, Manifest};
use contract_model::span::{Span, Spanned};
use indexmap::IndexMap;
use semver::Version;
use std::collections::BTreeSet;

const ABOUT: [&str; 5] = ["description", "author", "homepage", "license", "category"];

/// Reads plugin.yaml. None where it is no mapping or its slug cannot be read; then `report` says so.
/// `files` are the paths of the plugin's folder, so that files that are named but missing are found.
pub(crate) fn parse_manifest(text: &str, files: &BTreeSet<&str>, report: &mut Report<'_>) -> Option<Manifest> {
    let node = match yaml::parse(text) {
        Ok(Some(node)) => node,
        Ok(None) => {
            let message = "plugin.yaml is empty; it needs at least manifest, slug, name and version";
            report.add(ProblemKind::ManifestUnreadable, Span::default(), message.to_owned());
            return None;
        }
        Err(error) => {
            let message = format!("plugin.yaml is not valid YAML: {}", error.message);
            report.add(ProblemKind::ManifestUnreadable, error.span, message);
            return None;
        }
    };
    let mut fields = Fields::of(&node, "plugin.yaml", report)?;
    format_version(&mut fields, report);
    let manifest = read(&mut fields, files, report);
    let keys = fields.keys();
    fields.finish(report);
    Some(Manifest { refused: report.refused(keys.into_iter()), ..manifest? })
}

fn format_version(fields: &mut Fields<'_>, report: &mut Report<'_>) {
    match fields.take("manifest") {
        Some(node) if node.as_u64() == Some(1) => {}
        Some(node) => {
            let message = "`manifest` must be 1, the only version there is".to_owned();
            report.add_with_help(ProblemKind::ManifestUnreadable, node.span, message, Some(one()));
        }
        None => {
            let message = "`manifest: 1` is missing, the version of this file's form".to_owned();
            report.add(ProblemKind::ManifestUnreadable, fields.span(), message);
        }
    }
}

fn one() -> (String, Option<String>) {
    ("write 1".to_owned(), Some("1".to_owned()))
}

fn read(fields: &mut Fields<'_>, files: &BTreeSet<&str>, report: &mut Report<'_>) -> Option<Manifest> {
    let slug = slug(fields, report);
    let name = required_text(fields, "name", report);
    let version = version(fields, report);
    let min_core = fields.parsed("min_core", report, semver);
    let about = about(fields, report);
    let tags = fields.texts("tags", report).into_iter().map(|tag| tag.value).collect();
    let form = form(fields, report);
    let entry = entry(fields, form, files, report);
    let schema = file(fields, "schema", ProblemKind::SchemaUnreadable, files, report);
    let widgets = file(fields, "widgets", ProblemKind::EntryMissing, files, report);
    let config = file(fields, "config", ProblemKind::SchemaUnreadable, files, report);
    let topics = topics::contracts(fields, files, report);
    let publishes = entries::publishes(fields, report);
    let consumes = entries::consumes(fields, files, report);
    let (provides, uses) = entries::capabilities(fields, report);
    let requires = requires(fields, report);
    let permissions = entries::permissions(fields, report);
    let roles = entries::roles(fields, report);
    let pricing = entries::pricing(fields, report);
    let allow = entries::allowances(fields, report);
    Some(Manifest {
        name: name.unwrap_or_else(|| slug.as_ref().map(|slug| slug.value.to_string()).unwrap_or_default()),
        slug: slug?,
        version,
        min_core,
        about,
        tags,
        form,
        entry,
        schema,
        widgets,
        config,
        topics,
        publishes,
        consumes,
        provides,
        uses,
        requires,
        permissions,
        roles,
        pricing,
        allow,
        refused: BTreeSet::new(),
    })
}

fn required_text(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<String> {
    let before = report.problems.len();
    let text = fields.text(key, report);
    if text.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), format!("`{key}` is missing"));
    }
    text.map(|text| text.value)
}

fn slug(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Spanned<PluginSlug>> {
    let before = report.problems.len();
    let slug = fields.parsed("slug", report, |text| PluginSlug::new(text).map_err(|error| error.to_string()));
    if slug.is_none() && report.problems.len() == before {
        report.add(ProblemKind::ManifestUnreadable, fields.span(), "`slug` is missing".to_owned());
    }
    slug
}

fn version(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Spanned<Version> {
    let before = report.problems.len();
    let version = fields.parsed("version", report, semver);
    if version.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), "`version` is missing".to_owned());
    }
    version.unwrap_or_else(|| Spanned::new(Version::new(0, 0, 0), fields.span()))
}

fn about(fields: &mut Fields<'_>, report: &mut Report<'_>) -> IndexMap<String, String> {
    ABOUT.iter().filter_map(|key| Some(((*key).to_owned(), fields.text(key, report)?.value))).collect()
}

fn form(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Form {
    let forms = [("bundle", Form::Bundle), ("sidecar", Form::Sidecar), ("native", Form::Native)];
    fields.word("form", &forms, report).unwrap_or_default()
}

fn entry(
    fields: &mut Fields<'_>,
    form: Form,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    let before = report.problems.len();
    let Some(mut entry) = fields.text("entry", report) else {
        if form == Form::Bundle && report.problems.len() == before {
            let message = "`entry` is missing: the module the plugin starts with, such as src/main.js".to_owned();
            report.add(ProblemKind::EntryMissing, fields.span(), message);
        }
        return None;
    };
    entry.value = normal(&entry.value);
    let in_folder = ["index.js", "index.ts", "index.mjs"].map(|name| format!("{}/{name}", entry.value));
    if let Some(index) = in_folder.into_iter().find(|path| files.contains(path.as_str())) {
        entry.value = index;
    }
    present(&entry, "entry", ProblemKind::EntryMissing, files, report);
    Some(entry)
}

fn file(
    fields: &mut Fields<'_>,
    key: &'static str,
    kind: ProblemKind,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    let mut path = fields.text(key, report)?;
    path.value = normal(&path.value);
    present(&path, key, kind, files, report);
    Some(path)
}

fn requires(fields: &mut Fields<'_>, report: &mut Report<'_>) -> IndexMap<String, Spanned<semver::VersionReq>> {
    let Some(node) = fields.take("requires") else { return IndexMap::new() };
    let Some(inner) = Fields::of(node, "requires", report) else { return IndexMap::new() };
    let mut out = IndexMap::new();
    for (name, span, node) in inner.rest() {
        if let Err(error) = PluginSlug::new(name) {
            report.add(ProblemKind::BadValue, span, error.to_string());
            continue;
        }
        let Some(text) = node.text("requires", report) else { continue };
        match parse_range(&text.value) {
            Ok(range) => drop(out.insert(name.to_owned(), Spanned::new(range, text.span))),
            Err(why) => report.add(ProblemKind::BadValue, text.span, why),
        }
    }
    out
}
