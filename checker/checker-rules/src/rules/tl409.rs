//! TL409: a job that nobody does.

use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::nearest::nearest;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{Fact, FactKind};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL409",
    name: "job-without-handler",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl409.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let readable = cx.suite.views().filter(|view| view.has_code() && view.is_complete());
    readable.flat_map(|view| undone(cx, view)).collect()
}

/// The jobs that a plugin enqueues and does not register.
fn undone(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let all = || view.running(FactKind::Job);
    let (enqueued, registered): (Vec<&Fact>, Vec<&Fact>) = all().partition(|fact| is_enqueued(fact));
    let known: BTreeSet<&str> = registered.iter().flat_map(|fact| kinds(fact)).collect();
    let unsure = registered.iter().any(|fact| kinds(fact).any(|kind| kind == UNKNOWN));
    let unknown = |fact: &Fact| kinds(fact).filter(|kind| *kind != UNKNOWN).map(str::to_owned).collect::<Vec<_>>();
    enqueued
        .into_iter()
        .flat_map(|fact| unknown(fact).into_iter().map(move |kind| (fact, kind)))
        .filter(|(_, kind)| !known.contains(kind.as_str()))
        .map(|(fact, kind)| finding(cx, view, fact, &kind, &known, unsure))
        .collect()
}

/// Stands for a kind that is known only when the plugin runs.
const UNKNOWN: &str = "?";

fn is_enqueued(fact: &Fact) -> bool {
    fact.detail.get("api").is_some_and(|api| api == "enqueue")
}

fn kinds(fact: &Fact) -> impl Iterator<Item = &str> {
    fact.detail.get("name").into_iter().flat_map(|names| names.split('|'))
}

fn finding(
    cx: &Context<'_>,
    view: PluginView<'_>,
    fact: &Fact,
    kind: &str,
    known: &BTreeSet<&str>,
    unsure: bool,
) -> Finding {
    let message = if unsure {
        format!("whether `{}` registers the jobs `{kind}` that it enqueues is not known", view.slug())
    } else {
        format!("`{}` enqueues jobs `{kind}`, and registers nobody who does them", view.slug())
    };
    let finding = Finding::new(view.slug(), fact.location.clone(), message).role(kind).within(fact);
    let finding = if unsure { finding.severity(cx.unproven()) } else { finding.label("refused with JOB_UNKNOWN") };
    match nearest(kind, known.iter().copied()) {
        Some(meant) => finding.suggest(format!("did you mean `{meant}`?"), renames(cx, &[&fact.location], kind, meant)),
        None => finding.help(format!("register it with `$jobs.register('{kind}', job => …)`")),
    }
}
