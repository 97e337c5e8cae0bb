//! Applies operators and judges what comes out, on all cores.

use super::base::Base;
use super::edit::Mutant;
use super::texts::judge_against;
use super::{Operator, equivalent, faulty};
use checker_cli::{Report, Severity, Suite};
use contract_parse::{FactKind, Guard, Provenance, TopicValue};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Parsing nests as deep as sources do, and a test's thread has a small stack.
const STACK_BYTES: usize = 16 << 20;

/// What became of one mutant.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// The suite it is of.
    pub suite: &'static str,
    /// What was changed.
    pub what: String,
    /// The rules of new findings that count: errors and warnings that nothing suppresses.
    pub rules: BTreeSet<&'static str>,
    /// New errors.
    pub errors: usize,
    /// New warnings.
    pub warnings: usize,
    /// New findings of rules that the operator does not expect.
    pub extra: usize,
    /// Whether a rule that the operator expects has spoken.
    pub found: bool,
    /// Whether another wiring came out than the suite had.
    pub rewired: bool,
    /// Calls whose topic is not known and that no finding names.
    pub silent: usize,
}

/// One operator with everything that it was applied to.
#[derive(Debug)]
pub struct Row {
    /// The operator.
    pub operator: Operator,
    /// Its mutants.
    pub judged: Vec<Judged>,
}

/// Two faults at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Pairs of which both faults were found.
    pub both: usize,
    /// Pairs of which one was.
    pub one: usize,
    /// Pairs of which none was.
    pub none: usize,
    /// Those of which not both were: how many, the two faults, and what was said.
    pub hidden: Vec<String>,
}

/// Everything that was found out.
#[derive(Debug)]
pub struct Outcome {
    /// Faulty operators.
    pub faulty: Vec<Row>,
    /// Equivalent operators.
    pub equivalent: Vec<Row>,
    /// Random pairs of faults.
    pub pairs: Pairs,
}

/// How much to do.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// The most places of one suite that an operator is applied to, spread over all there are.
    pub sites: usize,
    /// How many pairs of faults.
    pub pairs: usize,
    /// Where the choice of pairs begins.
    pub seed: u64,
}

/// Applies every operator to every suite.
#[must_use]
pub fn all(bases: &[Base], amount: Amount) -> Outcome {
    let rows = |mut operators: Vec<Operator>| {
        operators.retain(Operator::is_due);
        let tasks: Vec<(usize, &Base, Mutant)> = operators
            .iter()
            .enumerate()
            .flat_map(|(at, operator)| bases.iter().map(move |base| (at, operator, base)))
            .flat_map(|(at, operator, base)| {
                spread((operator.sites)(base), amount.sites).map(move |mutant| (at, base, mutant))
            })
            .collect();
        let judged = parallel(&tasks, |(at, base, mutant)| one(base, &operators[*at], mutant));
        let mut rows: Vec<Row> = operators.into_iter().map(|operator| Row { operator, judged: Vec::new() }).collect();
        for ((at, ..), judged) in tasks.iter().zip(judged) {
            rows[*at].judged.push(judged);
        }
        rows
    };
    Outcome { faulty: rows(faulty::all()), equivalent: rows(equivalent::all()), pairs: pairs(bases, amount) }
}

/// At most `most` of them, from the whole length.
fn spread(mutants: Vec<Mutant>, most: usize) -> impl Iterator<Item = Mutant> {
    let step = mutants.len().div_ceil(most.max(1)).max(1);
    mutants.into_iter().step_by(step)
}

fn one(base: &Base, operator: &Operator, mutant: &Mutant) -> Judged {
    let suite = mutated(base, mutant);
    let report = judge_against(&suite, operator.compares().then_some(&base.suite));
    let mut judged = Judged { suite: base.name, what: mutant.what.clone(), ..Judged::default() };
    for (rule, severity) in fresh(base, &report) {
        match severity {
            Severity::Error => judged.errors += 1,
            Severity::Warning => judged.warnings += 1,
            Severity::Info => continue,
        }
        judged.rules.insert(rule);
        judged.extra += usize::from(!operator.expects.contains(&rule));
    }
    judged.found = operator.expects.iter().any(|rule| judged.rules.contains(rule));
    judged.rewired = wires(&suite) != wires(&base.suite);
    judged.silent = silent(&suite, &report);
    judged
}

/// The changed suite. Plugins that the change does not touch are not parsed again.
#[must_use]
pub fn mutated(base: &Base, mutant: &Mutant) -> Suite {
    let texts = mutant.apply(&base.texts);
    let touched: BTreeSet<&str> = mutant.files().into_iter().filter_map(|file| file.split('/').next()).collect();
    let known = |folder: &str| {
        if mutant.reversed {
            return Some(texts.plugin(folder, true));
        }
        let parsed = base.suite.plugins.iter().find(|plugin| plugin.folder == folder);
        parsed.filter(|_| !touched.contains(folder)).cloned()
    };
    texts.suite(known)
}

/// Findings that the sound suite does not have and that nothing suppresses.
fn fresh(base: &Base, report: &Report) -> Vec<(&'static str, Severity)> {
    let before: BTreeSet<&str> = base.report.found().map(|finding| finding.fingerprint.as_str()).collect();
    let fresh = report.found().filter(|finding| finding.suppressed.is_none());
    let fresh = fresh.filter(|finding| !before.contains(finding.fingerprint.as_str()));
    fresh.map(|finding| (finding.rule, finding.severity)).collect()
}

type Wire = (String, FactKind, String);

/// Who publishes and hears what, by plugin, without places.
#[must_use]
pub fn wires(suite: &Suite) -> BTreeSet<Wire> {
    let mut wires = BTreeSet::new();
    for view in suite.views().filter(|view| view.slug() != "newcomer") {
        for fact in view.parsed.facts.iter().filter(|fact| fact.reachable != Some(false) && fact.guard != Guard::Test) {
            let add = |topic: &str| (view.slug().to_owned(), fact.kind, topic.to_owned());
            match &fact.topic {
                Some(_) if fact.kind == FactKind::ReadsField => {}
                Some(TopicValue::Exact(names)) => wires.extend(names.iter().map(|name| add(name))),
                Some(TopicValue::Pattern(pattern)) => drop(wires.insert(add(pattern))),
                Some(TopicValue::Unknown(_)) => drop(wires.insert(add("?"))),
                None => {}
            }
        }
    }
    wires
}

/// Calls that run, whose topic is not known, and that no finding names: what a checker must never have. A reply has the
/// topic of its handler's subscription, where it is named.
#[must_use]
pub fn silent(suite: &Suite, report: &Report) -> usize {
    let named: BTreeSet<_> =
        report.found().filter(|one| matches!(one.rule, "TL701" | "TL702")).map(|one| &one.location).collect();
    let facts = suite.plugins.iter().flat_map(|plugin| plugin.facts.iter().map(move |fact| (plugin, fact)));
    let open = facts.filter(|(_, fact)| fact.reachable != Some(false) && fact.guard != Guard::Test);
    open.filter(|(plugin, fact)| match &fact.topic {
        Some(TopicValue::Unknown(_)) => {
            fact.provenance == Provenance::Extracted
                && matches!(fact.kind, FactKind::Publish | FactKind::Request | FactKind::Subscribe)
                && !named.contains(&fact.location)
        }
        Some(TopicValue::Pattern(pattern)) if matches!(fact.kind, FactKind::Publish | FactKind::Request) => {
            let declared = plugin.manifest.iter().flat_map(|manifest| &manifest.publishes);
            let covered =
                declared.into_iter().any(|entry| contract_graph::overlap(entry.value.topic.as_str(), pattern));
            fact.provenance == Provenance::Extracted && !covered && !named.contains(&fact.location)
        }
        _ => false,
    })
    .count()
}

/// Random pairs of faults of one suite that touch different files.
fn pairs(bases: &[Base], amount: Amount) -> Pairs {
    let mut random = rand::rngs::StdRng::seed_from_u64(amount.seed);
    let mut operators = faulty::all();
    operators.retain(Operator::is_due);
    let sites: Vec<Vec<(usize, Mutant)>> = bases
        .iter()
        .map(|base| {
            operators
                .iter()
                .enumerate()
                .flat_map(|(at, one)| (one.sites)(base).into_iter().map(move |m| (at, m)))
                .collect()
        })
        .collect();
    let mut tasks = Vec::new();
    while tasks.len() < amount.pairs {
        let at = random.random_range(0..bases.len());
        let (Some(first), Some(second)) = (sites[at].choose(&mut random), sites[at].choose(&mut random)) else { break };
        if first.1.files().is_disjoint(&second.1.files()) {
            tasks.push((&bases[at], first, second));
        }
    }
    let told = parallel(&tasks, |(base, first, second)| {
        let joined = Mutant::new("a pair", [first.1.edits.clone(), second.1.edits.clone()].concat());
        let compares = [first, second].into_iter().any(|(at, _)| operators[*at].compares());
        let report = judge_against(&mutated(base, &joined), compares.then_some(&base.suite));
        let rules: BTreeSet<&str> = fresh(base, &report).into_iter().map(|(rule, _)| rule).collect();
        let is_found = |at: usize| operators[at].expects.iter().any(|rule| rules.contains(rule));
        let found = [first.0, second.0].into_iter().filter(|at| is_found(*at)).count();
        let [one, other] = [first, second].map(|(at, mutant)| format!("{} ({})", operators[*at].name, mutant.what));
        (found, format!("{found} of two | {} | {one} | {other} | {rules:?}", base.name))
    });
    let of = |wanted: usize| told.iter().filter(|(found, _)| *found == wanted).count();
    let (both, one, none) = (of(2), of(1), of(0));
    Pairs { both, one, none, hidden: told.into_iter().filter(|(found, _)| *found < 2).map(|(_, line)| line).collect() }
}

/// Runs a function over all tasks on as many threads as there are cores; results in the order of the tasks.
fn parallel<T: Sync, R: Send>(tasks: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let worker = || {
        let mut done = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(task) = tasks.get(at)
        {
            done.push((at, work(task)));
        }
        done
    };
    let mut results: BTreeMap<usize, R> = BTreeMap::new();
    std::thread::scope(|scope| {
        let spawn = |_| std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, worker);
        let handles: Vec<_> = (0..threads).map(spawn).collect();
        for handle in handles {
            results.extend(handle.expect("a thread").join().expect("no mutant makes the checker panic"));
        }
    });
    results.into_values().collect()
}

impl Row {
    /// How many of its mutants fulfil a condition.
    pub fn count(&self, condition: impl Fn(&Judged) -> bool) -> usize {
        self.judged.iter().filter(|judged| condition(judged)).count()
    }

    /// How many faults were found by a rule that should find them.
    #[must_use]
    pub fn found(&self) -> usize {
        self.count(|judged| judged.found)
    }

    /// How many were found by other rules only.
    #[must_use]
    pub fn wrong_rule(&self) -> usize {
        self.count(|judged| !judged.found && !judged.rules.is_empty())
    }

    /// How many were not found at all.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.count(|judged| !judged.found && judged.rules.is_empty())
    }
}
