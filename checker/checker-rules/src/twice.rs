//! Findings that tell of one fault twice.

use crate::registry::REGISTRY;
use checker_report::Diagnostic;
use contract_model::Location;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Marks each finding whose rule follows another one that has found the same at the same place. Machines get both, by
/// their ids; people read one, which names the other.
pub(crate) fn join(findings: &mut [Arc<Diagnostic>]) {
    let followed = |rule: &str| REGISTRY.iter().find(|one| one.id == rule).and_then(|one| one.follows);
    let followers: Vec<(usize, &str)> = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.suppressed.is_none())
        .filter_map(|(at, finding)| Some((at, followed(finding.rule)?)))
        .collect();
    if followers.is_empty() {
        return;
    }
    let firsts = firsts(findings);
    let pairs: Vec<(usize, usize)> = followers
        .into_iter()
        .filter_map(|(at, rule)| {
            let Diagnostic { location, topic, .. } = &*findings[at];
            Some((at, *firsts.get(&(rule, location.clone(), topic.clone()))?))
        })
        .collect();
    for (follower, first) in pairs {
        let told = Arc::make_mut(&mut findings[follower]);
        told.is_told = true;
        let name = (told.rule, told.name);
        Arc::make_mut(&mut findings[first]).also.push(name);
    }
}

type Fault = (&'static str, Location, Option<String>);

fn firsts(findings: &[Arc<Diagnostic>]) -> BTreeMap<Fault, usize> {
    let open = findings.iter().enumerate().filter(|(_, finding)| finding.suppressed.is_none());
    open.map(|(at, finding)| ((finding.rule, finding.location.clone(), finding.topic.clone()), at)).collect()
}
