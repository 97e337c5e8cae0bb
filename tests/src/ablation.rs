//! What each form of writing a topic is worth: the checker with one form left out after the other, over suites whose
//! truth is known.

use crate::load::{self, Truth};
use crate::mutation::Base;
use crate::mutation::texts::{Texts, judge};
use crate::mutation::truth;
use anyhow::Result;
use checker_cli::{Severity, Suite};
use contract_parse::{Fact, FactKind, Form, TopicValue, parse_plugin, parse_plugin_without};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Plugins of the made suite: each style of writing comes often enough.
const PLUGINS: usize = 44;

/// What becomes of the checker without a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The form; none where all are followed.
    pub form: Option<Form>,
    /// The recall on each suite of the corpus, in its order.
    pub recalls: Vec<f64>,
    /// The recall on the made suite.
    pub made: f64,
    /// How often a topic was found that is not true, over all suites.
    pub wrong: usize,
    /// Errors about the sound suites of the corpus.
    pub false_errors: usize,
}

/// All rows, the one of the whole checker first.
pub fn rows() -> Result<Vec<Row>> {
    let bases = Base::all();
    let scratch = tempfile::tempdir()?;
    let (_, truth) = load::write(scratch.path(), PLUGINS)?;
    let made = Texts::read(scratch.path());
    let forms = std::iter::once(None).chain(Form::ALL.map(Some));
    Ok(forms.map(|form| row(form, &bases, &made, &truth)).collect())
}

fn row(form: Option<Form>, bases: &[Base], made: &Texts, truth: &Truth) -> Row {
    let (mut recalls, mut wrong, mut false_errors) = (Vec::new(), 0, 0);
    for base in bases {
        let suite = read(&base.texts, form);
        let score = truth::score(&base.places, &base.texts, suite.plugins.iter().flat_map(|plugin| &plugin.facts));
        recalls.push(score.recall());
        wrong += invented(base, &suite);
        let report = judge(&suite);
        let errors = report.found().filter(|one| one.severity == Severity::Error && one.suppressed.is_none());
        false_errors += errors.count();
    }
    let score = load::Score::of(read(made, form).plugins.iter(), truth);
    wrong += score.invented.len();
    Row { form, recalls, made: score.recall(), wrong, false_errors }
}

/// How often a topic is read that no place of its plugin has. Not to know one is no mistake.
fn invented(base: &Base, suite: &Suite) -> usize {
    let places = base.places.iter();
    let truth: BTreeSet<(&str, FactKind, &str)> = places
        .flat_map(|place| place.topics.iter().map(|topic| (place.plugin.as_str(), place.kind, topic.as_str())))
        .collect();
    let is_bus = |fact: &&Fact| {
        matches!(fact.kind, FactKind::Publish | FactKind::Subscribe | FactKind::Request | FactKind::Reply)
    };
    let facts =
        suite.plugins.iter().flat_map(|plugin| plugin.facts.iter().filter(is_bus).map(move |fact| (plugin, fact)));
    let exact = facts.filter_map(|(plugin, fact)| match &fact.topic {
        Some(TopicValue::Exact(names)) => Some((plugin.folder.as_str(), fact.kind, names)),
        _ => None,
    });
    exact
        .flat_map(|(folder, kind, names)| names.iter().map(move |name| (folder, kind, name.as_str())))
        .filter(|deed| !truth.contains(deed))
        .count()
}

fn read(texts: &Texts, form: Option<Form>) -> Suite {
    texts.suite(|folder| {
        let source = texts.source(folder);
        Some(form.map_or_else(|| parse_plugin(&source), |form| parse_plugin_without(&source, form)))
    })
}

/// The page of the book.
#[must_use]
pub fn page(rows: &[Row], suites: &[&str]) -> String {
    let mut out = String::from(HEAD);
    let names: Vec<String> = suites.iter().map(|name| format!(" {name} |")).collect();
    let lines = "---:|".repeat(suites.len());
    // Writing into a String does not fail.
    let _ = writeln!(out, "\n| left out |{} made suite | wrong | errors under `--strict` |", names.concat());
    let _ = writeln!(out, "|---|{lines}---:|---:|---:|");
    for row in rows {
        let name = row.form.map_or("nothing", named);
        let recalls: Vec<String> = row.recalls.iter().map(|recall| format!(" {recall:.3} |")).collect();
        let Row { made, wrong, false_errors, .. } = row;
        let _ = writeln!(out, "| {name} |{} {made:.3} | {wrong} | {false_errors} |", recalls.concat());
    }
    out
}

const HEAD: &str = "\
# What each form is worth

The checker follows eleven forms of writing a topic ([what is understood](../reference/code-analysis.md)). Here each is left
out in turn, on the three suites whose code was read by hand and on a made suite of eleven styles: the share of places whose
topics are still known, places that are then read wrongly, and the errors that the sound suites get under `--strict`, where
what is not known is an error. A form without which nothing gets worse would not be worth its code. Made by

    cargo run --release -p tests --bin ablation -- --out md
";

fn named(form: Form) -> &'static str {
    match form {
        Form::Names => "names of the same module",
        Form::Modules => "other modules",
        Form::Objects => "fields of objects",
        Form::Texts => "templates, sums, methods of texts",
        Form::Choices => "conditions and lookups",
        Form::Loops => "loops",
        Form::Wrappers => "functions that are given a topic",
        Form::Builders => "functions that return a topic",
        Form::Classes => "classes",
        Form::Settings => "settings with an `enum`",
        Form::Data => "imported JSON",
    }
}
