//! What a check found, kept for the next one: after most saves, who publishes and hears what is the same as before.

use crate::context::Options;
use crate::name::RuleName;
use crate::rule::Rule;
use checker_report::{Diagnostic, Unproven};
use contract_graph::Moved;
use contract_model::Location;
use std::collections::BTreeMap;

/// Findings of rules that see nothing but the wiring of a suite, before any is excepted.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the suite was judged by.
    options: Option<Options>,
    findings: BTreeMap<&'static str, Vec<(RuleName, Diagnostic)>>,
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
        let unproven = self.unproven.take();
        self.unproven = unproven.and_then(|all| all.into_iter().map(|one| followed(one, moved)).collect());
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
    pub(crate) fn findings(&self, rule: &str) -> Option<&[(RuleName, Diagnostic)]> {
        self.findings.get(rule).map(Vec::as_slice)
    }

    pub(crate) fn unproven(&self) -> Option<&[Unproven]> {
        self.unproven.as_deref()
    }

    pub(crate) fn keep<'r>(
        &mut self,
        judged: impl Iterator<Item = (&'r Rule, &'r Vec<(RuleName, Diagnostic)>)>,
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

/// Moves the places of a finding.
fn follow(finding: &mut Diagnostic, moved: &Moved) -> Option<()> {
    let edits = finding.suggestion.iter_mut().flat_map(|suggestion| &mut suggestion.edits);
    let edits = edits.map(|edit| &mut edit.location);
    let related = finding.related.iter_mut().map(|related| &mut related.location);
    for at in std::iter::once(&mut finding.location).chain(related).chain(edits) {
        move_place(at, moved)?;
    }
    Some(())
}

fn followed(mut one: Unproven, moved: &Moved) -> Option<Unproven> {
    for at in std::iter::once(&mut one.location).chain(&mut one.blocking) {
        move_place(at, moved)?;
    }
    Some(one)
}

fn move_place(at: &mut Location, moved: &Moved) -> Option<()> {
    if moved.is_elsewhere(at) {
        *at = moved.place(at)?;
    }
    Some(())
}
