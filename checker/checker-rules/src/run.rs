//! Lets the rules loose on a suite.

use crate::against::{Against, mark_existing};
use crate::audit::Audit;
use crate::context::{Context, Options};
use crate::finding::{Finding, from_problem};
use crate::memory::{Found, Memory};
use crate::name::{Names, RuleName};
use crate::registry::REGISTRY;
use crate::rule::{Check, Rule};
use crate::schemas::Schemas;
use crate::severity::Severities;
use crate::twice;
use crate::wiring::needs_publisher;
use checker_report::{Diagnostic, Known, Report, RolloutStep, Status, Summary, Tool, Unproven};
use contract_graph::{Composition, Evolution, Graph, PluginView, Suite, Verdict};
use contract_model::Location;
use contract_parse::{Fact, FactKind, ProblemKind, Provenance, TopicValue};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Rules after whose findings a clean result would prove nothing.
const INCOMPLETE: &[&str] = &["TL704", "TL709"];

/// What, unread, leaves a suite judged only in part.
const UNREAD: &[ProblemKind] = &[ProblemKind::ManifestUnreadable, ProblemKind::SchemaUnreadable];

/// Judges a suite. Equal suites and options give equal reports.
pub fn check(suite: &Suite, options: &Options) -> Report {
    check_against(suite, &Against::default(), options)
}

/// Judges a suite and how it differs from what it is held against.
pub fn check_against(suite: &Suite, against: &Against<'_>, options: &Options) -> Report {
    judge(suite, against, options, None)
}

/// Judges a suite that was judged before, and says what [`check`] says. What is in the memory must be true of the suite:
/// see [`Memory::read_again`] and [`Memory::forget`].
pub fn check_again(suite: &Suite, options: &Options, memory: &mut Memory) -> Report {
    judge(suite, &Against::default(), options, Some(memory))
}

fn judge(suite: &Suite, against: &Against<'_>, options: &Options, memory: Option<&mut Memory>) -> Report {
    let mut nothing = Memory::default();
    let keeps = memory.is_some();
    let memory = memory.unwrap_or(&mut nothing);
    memory.hold_to(options);
    let wiring = memory.wiring();
    let build = |(at, one)| Graph::build_again(suite, one, wiring.get(at).cloned());
    let (whole, parts) = rayon::join(
        || build((0, Composition::whole(suite))),
        || compositions(suite).into_par_iter().enumerate().map(|(at, one)| build((at + 1, one))).collect::<Vec<_>>(),
    );
    // A suite without compositions must be sound as a whole.
    let graphs: Vec<&Graph<'_>> = if parts.is_empty() { vec![&whole] } else { parts.iter().collect() };
    let schemas = Schemas::of(&whole);
    let evolution = against.base.map(|base| Evolution::between(base, suite));
    let names = Names::new(REGISTRY.iter().map(name));
    let cx = Context::new(&whole, &schemas, evolution.as_ref(), against.recorded, options, &names);
    let severities = Severities::of(&cx);
    let rules: Vec<&Rule> = REGISTRY.iter().filter(|rule| severities.runs(name(rule))).collect();
    let known: &Memory = memory;
    let (alone, together): (Vec<&Rule>, Vec<&Rule>) = rules.iter().copied().partition(|rule| rule.sees_plugins_alone());
    let in_plugins = cx.suite.plugins.par_iter().enumerate().map(|(index, _)| {
        known.of_plugin(index).unwrap_or_else(|| Arc::new(in_plugin(&severities, &alone, cx.suite.view(index))))
    });
    // What each rule finds stays in the order of the rules, whichever is done first.
    let judged = together.par_iter().with_max_len(1).map(|rule| {
        let remembered = known.findings(rule.id).map(<[_]>::to_vec);
        remembered.unwrap_or_else(|| diagnostics(&severities, name(rule), findings(&cx, &graphs, rule)))
    });
    let ((judged, in_plugins), unproven) = rayon::join(
        || rayon::join(|| judged.collect::<Vec<_>>(), || in_plugins.collect::<Vec<_>>()),
        || known.unproven().map_or_else(|| unproven(&cx, &graphs), <[_]>::to_vec),
    );
    let mut found: Found = in_plugins.iter().flat_map(|found| found.iter().cloned()).collect();
    found.extend(alone.iter().flat_map(|rule| diagnostics(&severities, name(rule), in_suite_yaml(&cx, rule))));
    if keeps {
        let wiring = std::iter::once(&whole).chain(&parts).map(|graph| graph.by_topic().clone());
        let judged = together.iter().copied().zip(&judged);
        memory.keep(judged, in_plugins, &unproven, wiring.collect(), schemas.all());
    }
    found.extend(judged.into_iter().flatten());
    let mut audit = Audit::suppress(&cx, &mut found);
    found.extend(rules.iter().flat_map(|rule| diagnostics(&severities, name(rule), audit_findings(&cx, &audit, rule))));
    audit.compare_with_baseline(&cx, &mut found);
    let late = rules.iter().map(|rule| diagnostics(&severities, name(rule), baseline_findings(&cx, &audit, rule)));
    found.extend(late.flatten());
    let mut findings: Vec<Arc<Diagnostic>> = found.into_iter().map(|(_, finding)| finding).collect();
    findings.par_sort_by(|a, b| order(a).cmp(&order(b)));
    findings.dedup_by(|a, b| order(a) == order(b));
    twice::join(&mut findings);
    let absent = absent(&cx, against, &audit, &mut findings);
    Report { absent, ..report(&cx, findings, unproven, &audit) }
}

/// The compositions that suite.yaml names.
fn compositions(suite: &Suite) -> Vec<Composition> {
    if suite.manifest.compositions.is_empty() { Vec::new() } else { Composition::all(suite) }
}

/// What the base or the baseline has and the suite has not, by fingerprint; none without either.
fn absent(
    cx: &Context<'_>,
    against: &Against<'_>,
    audit: &Audit<'_>,
    findings: &mut [Arc<Diagnostic>],
) -> Option<Vec<Known>> {
    let options = Options { baseline: None, ..cx.options.clone() };
    let base = against.base.map(|base| mark_existing(findings, &check(base, &options).findings));
    let baseline = cx.options.baseline.as_ref();
    let listed = baseline.map(|baseline| audit.stale_entries.iter().map(|entry| entry.known(&baseline.file)));
    if base.is_none() && listed.is_none() {
        return None;
    }
    let mut absent: Vec<Known> = base.into_iter().flatten().chain(listed.into_iter().flatten()).collect();
    absent.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    Some(absent)
}

fn name(rule: &Rule) -> RuleName {
    RuleName {
        id: rule.id,
        name: rule.name,
        severity: rule.severity,
        follows: rule.follows,
        is_off_by_default: rule.is_off_by_default(),
        needs_base: rule.needs_base(),
    }
}

fn order(finding: &Diagnostic) -> (&Location, &str, &Option<String>, &str) {
    (&finding.location, finding.rule, &finding.topic, &finding.message)
}

/// What the rules find in one plugin alone.
fn in_plugin(severities: &Severities<'_>, rules: &[&Rule], view: PluginView<'_>) -> Found {
    rules.iter().flat_map(|rule| diagnostics(severities, name(rule), rule.findings_in(view))).collect()
}

/// What reading suite.yaml found that a rule speaks of.
fn in_suite_yaml(cx: &Context<'_>, rule: &Rule) -> Vec<Finding> {
    let Check::Problems(kinds) = rule.check else { return Vec::new() };
    let problems = cx.suite.problems.iter().filter(|problem| kinds.contains(&problem.kind));
    problems.map(|problem| from_problem("", problem)).collect()
}

fn findings(cx: &Context<'_>, graphs: &[&Graph<'_>], rule: &Rule) -> Vec<Finding> {
    match rule.check {
        Check::Suite(check) => check(cx),
        Check::Composition(check) => over_compositions(cx, graphs, check),
        Check::Evolution(check) => cx.evolution.map(|evolution| check(cx, evolution)).unwrap_or_default(),
        Check::Problems(_) | Check::Plugin(_) | Check::Audit(_) | Check::Baseline(_) => Vec::new(),
    }
}

fn audit_findings(cx: &Context<'_>, audit: &Audit<'_>, rule: &Rule) -> Vec<Finding> {
    match rule.check {
        Check::Audit(check) => check(cx, audit),
        _ => Vec::new(),
    }
}

fn baseline_findings(cx: &Context<'_>, audit: &Audit<'_>, rule: &Rule) -> Vec<Finding> {
    match rule.check {
        Check::Baseline(check) => check(cx, audit),
        _ => Vec::new(),
    }
}

fn diagnostics(severities: &Severities<'_>, rule: RuleName, found: Vec<Finding>) -> Found {
    let finish = |finding: Finding| {
        let mut diagnostic = finding.into_diagnostic(rule);
        severities.apply(rule, &mut diagnostic);
        (rule, Arc::new(diagnostic))
    };
    found.into_iter().map(finish).collect()
}

/// Plugin, topic, place and part: what makes findings of two compositions the same fault.
type Fault = (String, Option<String>, Location, String);

/// Runs a check on each composition and joins what is the same fault in several of them. The message names the
/// compositions unless the fault is in all.
fn over_compositions(
    cx: &Context<'_>,
    graphs: &[&Graph<'_>],
    check: fn(&Context<'_>, &Graph<'_>) -> Vec<Finding>,
) -> Vec<Finding> {
    let mut joined: BTreeMap<Fault, (Finding, Vec<&str>)> = BTreeMap::new();
    for graph in graphs {
        let name = graph.composition().name.as_deref().unwrap_or_default();
        for finding in check(cx, graph) {
            let part = finding.part().to_owned();
            let key = (finding.plugin.clone(), finding.topic.clone(), finding.location.clone(), part);
            joined.entry(key).or_insert_with(|| (finding, Vec::new())).1.push(name);
        }
    }
    joined.into_values().map(|(finding, names)| named(finding, &names, graphs.len())).collect()
}

fn named(mut finding: Finding, names: &[&str], all: usize) -> Finding {
    let names: BTreeSet<&str> = names.iter().copied().collect();
    if names.len() < all {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        finding.message = format!("{} (in composition {})", finding.message, quoted.join(", "));
    }
    finding
}

fn report(cx: &Context<'_>, findings: Vec<Arc<Diagnostic>>, unproven: Vec<Unproven>, audit: &Audit<'_>) -> Report {
    let mut summary = Summary {
        unproven: unproven.len(),
        plugins: cx.suite.plugins.len(),
        files: cx.suite.plugins.iter().map(|plugin| plugin.texts.len()).sum::<usize>()
            + usize::from(cx.suite.manifest_text.is_some()),
        ..Summary::default()
    };
    (summary.sites_resolved, summary.sites_total) = sites(cx.suite);
    summary.count(&findings);
    Report {
        schema: "trunkline.check/1",
        tool: Tool { name: "trunkline", version: env!("CARGO_PKG_VERSION") },
        status: status(cx, &findings),
        summary,
        findings,
        unproven,
        allowances: audit.lines(),
        rollout: cx.evolution.map(rollout).unwrap_or_default(),
        gate: cx.options.gate,
        absent: None,
    }
}

fn rollout(evolution: &Evolution<'_>) -> Vec<RolloutStep> {
    let steps = evolution.rollout().map(|rollout| rollout.steps).unwrap_or_default();
    steps.into_iter().map(|step| RolloutStep { plugins: step.plugins, because: step.because }).collect()
}

fn status(cx: &Context<'_>, findings: &[Arc<Diagnostic>]) -> Status {
    if findings.iter().any(|finding| INCOMPLETE.contains(&finding.rule)) {
        return Status::Incomplete;
    }
    if findings.iter().any(|finding| cx.options.gate.fails(finding)) {
        return Status::Fail;
    }
    // What was not read has no findings. Whatever lets its own finding pass, the suite does not.
    let mut problems = cx.suite.problems.iter().chain(cx.suite.plugins.iter().flat_map(|plugin| &plugin.problems));
    if problems.any(|problem| UNREAD.contains(&problem.kind)) { Status::Incomplete } else { Status::Pass }
}

/// How many places that publish or subscribe there are, and of how many the topic is known.
fn sites(suite: &Suite) -> (usize, usize) {
    let is_site = |fact: &&Fact| {
        matches!(fact.kind, FactKind::Publish | FactKind::Subscribe | FactKind::Request | FactKind::Reply)
    };
    let all = || suite.plugins.iter().flat_map(|plugin| &plugin.facts).filter(is_site);
    (all().filter(|fact| is_resolved(fact)).count(), all().count())
}

fn is_resolved(fact: &Fact) -> bool {
    match &fact.topic {
        Some(TopicValue::Exact(_)) => true,
        Some(TopicValue::Pattern(_)) => fact.kind == FactKind::Subscribe || fact.provenance == Provenance::Annotated,
        Some(TopicValue::Unknown(_)) | None => false,
    }
}

fn unproven(cx: &Context<'_>, graphs: &[&Graph<'_>]) -> Vec<Unproven> {
    let mut all = BTreeSet::new();
    for graph in graphs {
        for consumer in graph.consumers().filter(|consumer| needs_publisher(cx, consumer)) {
            if let Verdict::Unproven { blocking, further } = graph.verdict(&consumer.topic) {
                all.insert(Unproven {
                    plugin: consumer.slug.to_owned(),
                    topic: consumer.topic.clone(),
                    location: consumer.location.clone(),
                    blocking: blocking.iter().map(|emission| emission.location.clone()).collect(),
                    further: NonZeroUsize::new(further),
                });
            }
        }
    }
    all.into_iter().collect()
}
