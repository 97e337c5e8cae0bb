//! TL611: a plugin no longer hears what it relied on.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Consumer, Evolution, overlap};

pub(crate) const RULE: Rule = Rule {
    id: "TL611",
    name: "consumer-removed",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl611.md"),
    check: Check::Evolution(check),
};

fn check(_: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    let were = evolution.before.consumers().filter(|consumer| !consumer.is_optional());
    were.filter_map(|consumer| finding(evolution, consumer)).collect()
}

fn finding(evolution: &Evolution<'_>, was: &Consumer<'_>) -> Option<Finding> {
    let plugin = evolution.after.plugin(was.slug).filter(|plugin| !plugin.is_unsure())?;
    let topic = was.topic.as_str();
    let still = evolution.after.consumers().any(|one| one.slug == was.slug && overlap(&one.topic, topic));
    let moved = evolution.topic(topic).is_some_and(|change| change.renamed_to.is_some());
    let published = evolution.after.emissions().any(|emission| emission.reach.surely_under(topic));
    // What only clients publish is named by no call of the suite.
    let enters = evolution.after.enters_from_outside(topic);
    if still || moved || !(published || enters) || evolution.after.owner(topic) == Some(was.slug) {
        return None;
    }
    let others = evolution.after.consumers().any(|one| overlap(&one.topic, topic));
    let nobody = if others { "" } else { ", and nobody else does" };
    let message = format!(
        "`{}` no longer consumes `{topic}`{nobody}; it {}",
        was.slug,
        if published { "is still published" } else { "still enters from outside" }
    );
    let finding = Finding::new(was.slug, plugin.top(), message).topic(topic).role("consume");
    let help = "if that is meant, let waiting events drain before the upgrade; what still waits then finds no handler";
    Some(finding.label("consumed it until now").help(help))
}
