//! TL206: topics that only ever happen in consequence of each other.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Emission, Graph, Island};

pub(crate) const RULE: Rule = Rule {
    id: "TL206",
    name: "dead-island",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl206.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    graph.liveness().islands().iter().filter_map(|island| finding(graph, island)).collect()
}

/// A circle, or a request that nobody makes although others wait for what comes of it. Where a topic is merely not
/// published, that is TL201's matter.
fn finding(graph: &Graph<'_>, island: &Island) -> Option<Finding> {
    if island.is_circle { circle(graph, island) } else { unasked(graph, island) }
}

fn circle(graph: &Graph<'_>, island: &Island) -> Option<Finding> {
    let calls: Vec<(&str, &Emission<'_>)> =
        island.topics.iter().filter_map(|topic| Some((topic.as_str(), call(graph, topic)?))).collect();
    let (topic, first) = *calls.first()?;
    let names: Vec<String> = calls.iter().map(|(topic, _)| format!("`{topic}`")).collect();
    let message = match names.as_slice() {
        [one] => format!("{one} is only published in consequence of itself"),
        _ => format!("{} are only published in consequence of each other", names.join(", ")),
    };
    let finding = Finding::new(first.slug, first.location.clone(), message).topic(topic).role("island");
    let finding = finding.label("runs only when it has run before");
    let others = calls[1..].iter().map(|(topic, call)| (call.location.clone(), format!("`{topic}` is published here")));
    let finding = others.fold(finding, |finding, (at, says)| finding.related(at, says));
    Some(finding.help("start it from a verb, a job, a record hook or an external topic"))
}

fn call<'g, 'a>(graph: &'g Graph<'a>, topic: &str) -> Option<&'g Emission<'a>> {
    graph.emissions_of(topic).find(|emission| emission.reach.surely(topic))
}

fn unasked(graph: &Graph<'_>, island: &Island) -> Option<Finding> {
    let request = island.topics.first().filter(|topic| graph.is_request(topic))?;
    let responder = *graph.responders(request).first()?;
    let waits = |topic: &&String| {
        let mut consumers = graph.consumers_of(topic).filter(|it| !it.is_pattern() && !it.is_optional());
        !graph.is_request(topic) && consumers.any(|consumer| consumer.slug != responder.slug)
    };
    let waited = island.beyond.iter().find(waits)?;
    let message = format!("nobody ever requests `{request}`, so `{waited}`, which others wait for, never happens");
    let finding = Finding::new(responder.slug, responder.location.clone(), message).topic(request).role("island");
    let finding = finding.label("answers a request that nobody makes");
    let waiting = graph.consumers_of(waited).map(|it| it.location.clone());
    let finding = waiting.fold(finding, |finding, at| finding.related(at, format!("waits for `{waited}`")));
    Some(finding.help("request it, or name it `external` where clients outside do"))
}
