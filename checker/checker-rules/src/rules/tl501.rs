//! TL501: a schema is missing or does not compile.

use crate::context::Context;
use crate::finding::{Finding, from_problems};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::span::Spanned;
use contract_model::{FilePath, Location};
use contract_parse::ProblemKind;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL501",
    name: "schema-invalid",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl501.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut found = from_problems(cx, &[ProblemKind::SchemaUnreadable]);
    let line = |finding: &Finding| (finding.location.file.clone(), finding.location.line);
    let known: BTreeSet<(FilePath, u32)> = found.iter().map(line).collect();
    let broken = cx.suite.views().flat_map(|view| broken(cx, view));
    found.extend(broken.filter(|finding| !known.contains(&line(finding))));
    found
}

/// The schemas that a manifest names: of its topics, and of its settings.
fn broken(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let Some(manifest) = view.manifest() else { return Vec::new() };
    let topics = manifest
        .topics
        .values()
        .filter_map(|contract| Some((Some(contract.name.value.as_str()), contract.schema.as_ref()?)));
    let settings = manifest.config.iter().map(|file| (None, file));
    topics.chain(settings).filter_map(|(topic, file)| judge(cx, view, topic, file)).collect()
}

fn judge(cx: &Context<'_>, view: PluginView<'_>, topic: Option<&str>, file: &Spanned<String>) -> Option<Finding> {
    let named = view.at(file.span);
    let path = file.value.trim_start_matches("./");
    let finding = match cx.schemas.compiled(view, path) {
        None => Finding::new(view.slug(), named, format!("the schema `{path}` does not exist")).label("no such file"),
        Some(compiled) => {
            let error = compiled.as_ref().err()?;
            let at = Location::start_of(view.path(path));
            Finding::new(view.slug(), at, error.to_string())
                .label("not a JSON Schema 2020-12")
                .related(named, "named here")
        }
    };
    let finding = finding.role(path).help("see https://json-schema.org/draft/2020-12 for what a schema may hold");
    Some(match topic {
        Some(topic) => finding.topic(topic),
        None => finding,
    })
}
