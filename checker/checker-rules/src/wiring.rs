//! What several rules ask of a composition.

use crate::context::Context;
use contract_graph::{Consumer, Emission, Graph, Reach, Verdict};
use contract_model::manifest::TopicKind;
use contract_parse::{FactKind, TopicValue};

/// Whether a consumer waits in vain when nobody publishes. Who answers requests offers a service: that nobody calls
/// it today is no fault.
pub(crate) fn needs_publisher(cx: &Context<'_>, consumer: &Consumer<'_>) -> bool {
    !consumer.is_optional() && !is_owned_request(cx, &consumer.topic)
}

pub(crate) fn is_owned_request(cx: &Context<'_>, topic: &str) -> bool {
    cx.whole.contract(topic).is_some_and(|owned| owned.contract.kind == TopicKind::Request)
}

/// Consumers of exact topics that need a publisher and are proved to have none in this composition.
pub(crate) fn unpublished<'g, 'a>(cx: &Context<'_>, graph: &'g Graph<'a>) -> Vec<&'g Consumer<'a>> {
    let exact = graph.consumers().filter(|consumer| !consumer.is_pattern());
    exact.filter(|consumer| needs_publisher(cx, consumer) && is_dangling(graph, &consumer.topic)).collect()
}

/// Those of them that no plugin outside of the composition publishes for certain either.
pub(crate) fn dangling<'g, 'a>(cx: &Context<'_>, graph: &'g Graph<'a>) -> Vec<&'g Consumer<'a>> {
    unpublished(cx, graph).into_iter().filter(|consumer| !is_live(cx.whole, &consumer.topic)).collect()
}

pub(crate) fn is_dangling(graph: &Graph<'_>, topic: &str) -> bool {
    matches!(graph.verdict(topic), Verdict::Dangling)
}

pub(crate) fn is_live(graph: &Graph<'_>, topic: &str) -> bool {
    matches!(graph.verdict(topic), Verdict::Live)
}

/// Every exact topic that some place publishes for certain, with that place, by plugin and place.
pub(crate) fn published<'g, 'a>(graph: &'g Graph<'a>) -> impl Iterator<Item = (&'g str, &'g Emission<'a>)> {
    graph.emissions().flat_map(|emission| {
        let names = match &emission.reach {
            Reach::Exact(names) | Reach::Vouched(names) => Some(names),
            Reach::Pattern(_) | Reach::Unknown => None,
        };
        names.into_iter().flatten().filter(|name| !name.contains('*')).map(move |name| (name.as_str(), emission))
    })
}

/// Whether some subscription of the composition hears what is not known, or stands in a manifest that cannot be read.
pub(crate) fn has_unknown_subscription(graph: &Graph<'_>) -> bool {
    if graph.unread().next().is_some() {
        return true;
    }
    let subscriptions = graph.plugins().flat_map(|plugin| plugin.running(FactKind::Subscribe));
    subscriptions.into_iter().any(|fact| matches!(fact.topic, Some(TopicValue::Unknown(_))))
}

/// The tags of a plugin; none where there is no such plugin.
pub(crate) fn tags<'a>(graph: &Graph<'a>, slug: &str) -> &'a [String] {
    let manifest = graph.plugin(slug).and_then(contract_graph::PluginView::manifest);
    manifest.map(|manifest| manifest.tags.as_slice()).unwrap_or_default()
}
