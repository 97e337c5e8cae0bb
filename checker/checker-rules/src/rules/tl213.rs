//! TL213: a subscription that only an unresolved call may feed.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::needs_publisher;
use checker_report::Severity;
use contract_graph::{Consumer, Emission, Graph, Verdict, Via};

pub(crate) const RULE: Rule = Rule {
    id: "TL213",
    name: "unproven-subscription",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl213.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let required = graph.consumers().filter(|consumer| needs_publisher(cx, consumer));
    required
        .filter_map(|consumer| match graph.verdict(&consumer.topic) {
            Verdict::Unproven { blocking, further } => Some(finding(consumer, &blocking, further)),
            Verdict::Live | Verdict::Dangling => None,
        })
        .collect()
}

const RESOLVE: &str =
    "resolve those calls: a constant topic, `values:` in the manifest, or `/** @topics … */` before the call";
const REPAIR: &str = "repair that manifest, and check again";

fn finding(consumer: &Consumer<'_>, blocking: &[&Emission<'_>], further: usize) -> Finding {
    let message = format!("whether anybody publishes `{}` for `{}` is not known", consumer.topic, consumer.slug);
    let is_unread = further == 0 && blocking.iter().all(|emission| emission.via == Via::Unread);
    let label = match further {
        _ if is_unread => "live only if a plugin that cannot be read publishes it".to_owned(),
        0 => "live only if one of the unresolved calls publishes it".to_owned(),
        _ => format!("live only if one of {} unresolved calls publishes it", blocking.len() + further),
    };
    let finding = Finding::new(consumer.slug, consumer.location.clone(), message)
        .topic(&consumer.topic)
        .label(label)
        .role("consume")
        .help(if is_unread { REPAIR } else { RESOLVE });
    blocking.iter().fold(finding, |finding, emission| {
        let because = match emission.via {
            Via::Unread => format!("`{}` may publish it: this manifest cannot be read", emission.slug),
            _ => format!("`{}` may publish it here", emission.slug),
        };
        finding.related(emission.location.clone(), because)
    })
}
