//! Which topic was meant by a mistyped one.

use crate::context::Context;
use crate::nearest::{is_slip, nearest};
use contract_graph::PluginView;
use contract_model::TopicName;

/// Whether some plugin owns a topic of this name, or the suite lets it in from outside.
pub(crate) fn is_owned(cx: &Context<'_>, topic: &str) -> bool {
    owned(cx).any(|owned| owned == topic) || cx.suite.external(topic).is_some()
}

/// The topic that was meant by one that nobody has: what the plugin's manifest names, or else what somebody owns, is a
/// letter or two off.
pub(crate) fn meant<'a>(cx: &Context<'a>, topic: &str, named: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slip = |meant: &&'a str| is_slip(topic, meant);
    nearest(topic, named.filter(|name| !name.contains('*')))
        .filter(slip)
        .or_else(|| nearest(topic, owned(cx)).filter(slip))
}

fn owned<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a str> {
    let manifests = cx.suite.views().filter_map(PluginView::manifest);
    manifests.flat_map(|manifest| manifest.topics.keys()).map(TopicName::as_str)
}
