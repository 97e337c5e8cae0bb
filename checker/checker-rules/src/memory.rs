//! What a check found, kept for the next one: after most saves, who publishes and hears what is the same as before.

use crate::context::Options;
use crate::name::RuleName;
use crate::rule::Rule;
use checker_report::{Diagnostic, Unproven};
use contract_graph::{ByTopic, Moved};
use contract_model::Location;
use contract_schema::Schema;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Findings with the rules that they are of, before any is excepted.
pub(crate) type Found = Vec<(RuleName, Arc<Diagnostic>)>;

/// What is worth knowing for the next check of a suite: what was found in each plugin alone, and by rules that see nothing
/// but the wiring.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the suite was judged by.
    options: Option<Options>,
    /// What was found in each plugin alone; none where it was read again since.
    in_plugins: Vec<Option<Arc<Found>>>,
    /// What rules of the wiring found, by their ids.
    findings: BTreeMap<&'static str, Found>,
    unproven: Option<Vec<Unproven>>,
    /// What was known by topic: of the suite as a whole, then of each of its compositions.
    wiring: Vec<Arc<ByTopic>>,
    /// The compiled schemas of the suite, held so that they need not be compiled again: see [`Schema::compile`].
    schemas: Vec<Schema>,
}

impl Memory {
    /// Forgets everything, as after a change of suite.yaml or of which plugins there are.
    pub fn forget(&mut self) {
        self.in_plugins.clear();
        self.forget_wiring();
    }

    /// Takes note that the plugin at this index was read again: `moved` says where its places went if it is wired as
    /// before. What may be another now is forgotten.
    pub fn read_again(&mut self, plugin: usize, moved: Option<&Moved>) {
        if let Some(found) = self.in_plugins.get_mut(plugin) {
            *found = None;
        }
        match moved {
            Some(moved) => self.follow(moved),
            None => self.forget_wiring(),
        }
    }

    fn forget_wiring(&mut self) {
        self.findings.clear();
        self.unproven = None;
        self.wiring.clear();
    }

    fn follow(&mut self, moved: &Moved) {
        self.findings.retain(|_, found| found.iter_mut().all(|(_, finding)| follow(finding, moved).is_some()));
        let mut unproven = self.unproven.iter_mut().flatten();
        if !unproven.all(|one| followed(one, moved).is_some()) {
            self.unproven = None;
        }
    }

    /// Forgets everything if it was judged by other options.
    pub(crate) fn hold_to(&mut self, options: &Options) {
        let key = |options: &Options| (options.strict, options.today, options.core.clone());
        if self.options.as_ref().map(key) != Some(key(options)) {
            self.forget();
            self.options = Some(Options { baseline: None, ..options.clone() });
        }
    }

    /// What was found in a plugin alone, if that is known.
    pub(crate) fn of_plugin(&self, index: usize) -> Option<Arc<Found>> {
        self.in_plugins.get(index)?.clone()
    }

    /// What a rule found, if that is known.
    pub(crate) fn findings(&self, rule: &str) -> Option<&[(RuleName, Arc<Diagnostic>)]> {
        self.findings.get(rule).map(Vec::as_slice)
    }

    pub(crate) fn wiring(&self) -> Vec<Arc<ByTopic>> {
        self.wiring.clone()
    }

    pub(crate) fn unproven(&self) -> Option<&[Unproven]> {
        self.unproven.as_deref()
    }

    pub(crate) fn keep<'r>(
        &mut self,
        judged: impl Iterator<Item = (&'r Rule, &'r Found)>,
        in_plugins: Vec<Arc<Found>>,
        unproven: &[Unproven],
        wiring: Vec<Arc<ByTopic>>,
        schemas: Vec<Schema>,
    ) {
        self.wiring = wiring;
        self.schemas = schemas;
        self.in_plugins = in_plugins.into_iter().map(Some).collect();
        for (rule, found) in judged {
            if rule.may_be_remembered(found.is_empty()) && !self.findings.contains_key(rule.id) {
                self.findings.insert(rule.id, found.clone());
            }
        }
        self.unproven.get_or_insert_with(|| unproven.to_vec());
    }
}

/// Moves the places of a finding, if any is elsewhere now.
fn follow(finding: &mut Arc<Diagnostic>, moved: &Moved) -> Option<()> {
    if !places(finding).any(|at| moved.is_elsewhere(at)) {
        return Some(());
    }
    let finding = Arc::make_mut(finding);
    let edits = finding.suggestion.iter_mut().flat_map(|suggestion| &mut suggestion.edits);
    let edits = edits.map(|edit| &mut edit.location);
    let related = finding.related.iter_mut().map(|related| &mut related.location);
    for at in std::iter::once(&mut finding.location).chain(related).chain(edits) {
        move_place(at, moved)?;
    }
    Some(())
}

/// Every place that a finding speaks of.
fn places(finding: &Diagnostic) -> impl Iterator<Item = &Location> {
    let edits = finding.suggestion.iter().flat_map(|suggestion| &suggestion.edits).map(|edit| &edit.location);
    let related = finding.related.iter().map(|related| &related.location);
    std::iter::once(&finding.location).chain(related).chain(edits)
}

fn followed(one: &mut Unproven, moved: &Moved) -> Option<()> {
    std::iter::once(&mut one.location).chain(&mut one.blocking).try_for_each(|at| move_place(at, moved))
}

fn move_place(at: &mut Location, moved: &Moved) -> Option<()> {
    if moved.is_elsewhere(at) {
        *at = moved.place(at)?;
    }
    Some(())
}
