//! One plugin's folder, whole.

use crate::analysis::{Analyses, Analysis};
use crate::collections::{check_json, parse_collections};
use crate::facts::{ParsedPlugin, PluginSource, Problem, ProblemKind, UNREAD};
use crate::hidden;
use crate::js;
use crate::js::form::Form;
use crate::manifest::parse_manifest;
use crate::report::{Report, suite_path};
use crate::resolve::is_module;
use contract_model::Manifest;
use contract_model::span::Location;
use std::collections::{BTreeMap, BTreeSet};

/// Reads a plugin's folder: manifest, collections and code. Never fails; see `problems`.
pub fn parse_plugin(source: &PluginSource) -> ParsedPlugin {
    read(source, None, None)
}

/// The same, without finding out again what is remembered of the source.
pub fn parse_plugin_recalling(source: &PluginSource, analyses: &dyn Analyses) -> ParsedPlugin {
    read(source, None, Some(analyses))
}

/// The same as if one form of writing a topic were not followed: what the analysis would miss without it.
pub fn parse_plugin_without(source: &PluginSource, form: Form) -> ParsedPlugin {
    read(source, Some(form), None)
}

fn read(source: &PluginSource, without: Option<Form>, analyses: Option<&dyn Analyses>) -> ParsedPlugin {
    let texts: BTreeMap<String, String> =
        source.files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
    let mut plugin = ParsedPlugin { folder: source.folder.clone(), texts, ..ParsedPlugin::default() };
    read_manifest(&mut plugin);
    read_schemas(&mut plugin);
    let recalled = analyses.and_then(|analyses| analyses.recall(source));
    let found = || {
        let found = analysed(&plugin, without);
        if let (Some(analyses), Some(found)) = (analyses, &found) {
            analyses.keep(source, found);
        }
        found
    };
    if let Some(analysis) = recalled.or_else(found) {
        take(&mut plugin, analysis);
    }
    plugin.problems.extend(hidden::problems(&plugin.folder, &plugin.texts));
    plugin.texts.values_mut().filter(|text| *text == UNREAD).for_each(String::clear);
    plugin.problems.sort_by(|a, b| (&a.location, a.kind).cmp(&(&b.location, b.kind)));
    plugin
}

fn read_manifest(plugin: &mut ParsedPlugin) {
    let path = suite_path(&plugin.folder, "plugin.yaml");
    let Some(text) = plugin.texts.get("plugin.yaml") else {
        plugin.problems.push(Problem {
            kind: ProblemKind::ManifestUnreadable,
            message: format!("folder `{}` has no plugin.yaml", plugin.folder),
            location: Location::start_of(&path),
            help: None,
        });
        return;
    };
    if text == UNREAD {
        return;
    }
    let files: BTreeSet<&str> = plugin.texts.keys().map(String::as_str).collect();
    let mut report = Report::new(path, text);
    plugin.manifest = parse_manifest(text, &files, &mut report);
    plugin.problems.append(&mut report.problems);
}

fn read_schemas(plugin: &mut ParsedPlugin) {
    let Some(manifest) = &plugin.manifest else { return };
    let report_on = |path: &str| {
        let text = plugin.texts.get(path).filter(|text| *text != UNREAD)?;
        Some(Report::new(suite_path(&plugin.folder, path), text))
    };
    if let Some(mut report) = manifest.schema.as_ref().and_then(|path| report_on(&path.value)) {
        plugin.collections = parse_collections(report.text, &manifest.slug.value, &mut report);
        plugin.problems.append(&mut report.problems);
    }
    for path in json_files(manifest) {
        if let Some(mut report) = report_on(path) {
            check_json(report.text, path, &mut report);
            plugin.problems.append(&mut report.problems);
        }
    }
}

/// What the code says; none where the manifest leads to no code.
fn analysed(plugin: &ParsedPlugin, without: Option<Form>) -> Option<Analysis> {
    let manifest = plugin.manifest.as_ref()?;
    let entry = manifest.entry.as_ref().filter(|entry| plugin.texts.contains_key(&entry.value))?;
    Some(js::analyse(&plugin.folder, &plugin.texts, &entry.value, manifest, without))
}

fn take(plugin: &mut ParsedPlugin, analysis: Analysis) {
    let modules = plugin.texts.keys().filter(|path| is_module(path));
    plugin.excluded = modules.filter(|path| analysis.modules.binary_search(path).is_err()).cloned().collect();
    plugin.modules = analysis.modules;
    plugin.facts = analysis.facts;
    plugin.opaque = analysis.opaque;
    plugin.records = analysis.records;
    plugin.endings = analysis.endings;
    plugin.suppressions = analysis.suppressions;
    plugin.exports = analysis.exports;
    plugin.problems.extend(analysis.problems);
}

/// The modules that `entry` imports, directly or not, as paths relative to the plugin's folder; the entry first.
/// Imports that lead nowhere are left out; [`parse_plugin`] reports them.
pub fn module_graph(source: &PluginSource, entry: &str) -> Vec<String> {
    let texts = source.files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
    js::reached(&texts, entry)
}

/// The JSON files besides the collections that a manifest names.
fn json_files(manifest: &Manifest) -> BTreeSet<&str> {
    let contracts = manifest.topics.values().filter_map(|topic| topic.schema.as_ref());
    let others = [manifest.widgets.as_ref(), manifest.config.as_ref()];
    let examples = manifest.topics.values().flat_map(|topic| &topic.examples);
    let wanted = manifest.consumes.iter().filter_map(|entry| entry.value.schema.as_ref());
    contracts
        .chain(examples)
        .chain(wanted)
        .chain(others.into_iter().flatten())
        .map(|path| path.value.as_str())
        .collect()
}
