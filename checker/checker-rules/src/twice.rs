//! Findings that tell of one fault twice.

use crate::registry::REGISTRY;
use checker_report::Diagnostic;
use std::sync::Arc;

/// Marks each finding whose rule follows another one that has found the same at the same place. Machines get both, by
/// their ids; people read one, which names the other. The findings are sorted by place.
pub(crate) fn join(findings: &mut [Arc<Diagnostic>]) {
    let follow: Vec<(&str, &str)> = REGISTRY.iter().filter_map(|one| Some((one.id, one.follows?))).collect();
    let followed = |rule: &str| follow.iter().find(|(id, _)| *id == rule).map(|(_, first)| *first);
    let open = |at: &usize| findings[*at].suppressed.is_none();
    let followers = (0..findings.len()).filter(open).filter_map(|at| Some((at, followed(findings[at].rule)?)));
    let pairs: Vec<(usize, usize)> = followers
        .filter_map(|(at, rule)| {
            let (location, topic) = (&findings[at].location, &findings[at].topic);
            let start = findings.partition_point(|one| one.location < *location);
            let here = (start..findings.len()).take_while(|one| findings[*one].location == *location);
            // Of several that are alike the last one tells of it.
            let first =
                here.filter(open).filter(|one| findings[*one].rule == rule && findings[*one].topic == *topic).last();
            Some((at, first?))
        })
        .collect();
    for (follower, first) in pairs {
        let told = Arc::make_mut(&mut findings[follower]);
        told.is_told = true;
        let name = (told.rule, told.name);
        Arc::make_mut(&mut findings[first]).also.push(name);
    }
}
