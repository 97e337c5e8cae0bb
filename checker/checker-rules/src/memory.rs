//! What a check found, kept for the next one: after most saves, who publishes and hears what is the same as before.

use crate::context::Options;
use crate::name::RuleName;
use crate::rule::Rule;
use checker_report::{Diagnostic, Unproven};
use contract_graph::Moved;
use contract_model::Location;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Findings of rules that see nothing but the wiring of a suite, before any is excepted.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the suite was judged by.
    options: Option<Options>,
    findings: BTreeMap<&'static str, Vec<(RuleName, Arc<Diagnostic>)>>,
    unproven: Option<Vec<Unproven>>,
}

impl Memory {
    /// Forgets everything, as after a change of a manifest or of the wiring.
    pub fn forget(&mut self) {
        self.findings.clear();
        self.unproven = None;
    }

    /// Takes note that code was changed and its places moved. What speaks of a place that is not known any more is
    /// forgotten.
    pub fn follow(&mut self, moved: &Moved) {
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

    /// What a rule found, if that is known.
    pub(crate) fn findings(&self, rule: &str) -> Option<&[(RuleName, Arc<Diagnostic>)]> {
        self.findings.get(rule).map(Vec::as_slice)
    }

    pub(crate) fn unproven(&self) -> Option<&[Unproven]> {
        self.unproven.as_deref()
    }

    pub(crate) fn keep<'r>(
        &mut self,
        judged: impl Iterator<Item = (&'r Rule, &'r Vec<(RuleName, Arc<Diagnostic>)>)>,
        unproven: &[Unproven],
    ) {
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
