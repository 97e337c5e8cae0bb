//! TL304: the code publishes what the manifest does not.

use crate::context::Context;
use crate::finding::{Additions, Finding, renames};
use crate::rule::{Check, Rule};
use crate::slip;
use checker_report::Severity;
use contract_graph::{Emission, PluginView, Reach, Via};
use contract_model::{Manifest, TopicName};

pub(crate) const RULE: Rule = Rule {
    id: "TL304",
    name: "published-not-declared",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl304.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.suite.views().flat_map(|view| undeclared(cx, view)).collect()
}

fn undeclared(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let Some(manifest) = view.manifest().filter(|manifest| manifest.knows("publishes")) else { return Vec::new() };
    let additions = Additions::to(view);
    let mut found = Vec::new();
    for emission in cx.whole.emissions_by(view.index) {
        let (Reach::Exact(names) | Reach::Vouched(names)) = &emission.reach else { continue };
        let missing = names.iter().filter(|topic| !topic.contains('*') && !is_declared(manifest, topic));
        found.extend(missing.map(|topic| {
            let meant = meant(cx, manifest, emission, topic);
            let finding = finding(&additions, emission, topic);
            match meant {
                Some(meant) => finding
                    .suggest(format!("did you mean `{meant}`?"), renames(cx, &[&emission.location], topic, meant)),
                None => finding.suggest(
                    format!("add `{topic}` to `publishes` in plugin.yaml"),
                    additions.put_in("publishes", topic),
                ),
            }
        }));
    }
    found
}

fn finding(additions: &Additions<'_>, emission: &Emission<'_>, topic: &str) -> Finding {
    let how = match emission.via {
        Via::Publish | Via::Declared | Via::Unread => "publishes",
        Via::Request => "requests",
        Via::Reply => "answers with",
    };
    let message = format!("`{}` {how} `{topic}`, which its manifest does not publish", emission.slug);
    let finding = Finding::new(emission.slug, emission.location.clone(), message)
        .topic(topic)
        .role("publish")
        .label("the bus refuses this event")
        .related(additions.place_of("publishes"), "not among `publishes`");
    match emission.fact {
        Some(fact) => finding.within(fact),
        None => finding,
    }
}

/// The topic that was mistyped: nobody owns, hears or lets in what is written, and what the plugin publishes, or else
/// what somebody owns, is a letter or two off.
fn meant<'a>(cx: &Context<'a>, manifest: &'a Manifest, emission: &Emission<'_>, topic: &str) -> Option<&'a str> {
    let is_known = slip::is_owned(cx, topic) || cx.whole.consumers().any(|consumer| consumer.hears_by_name(topic));
    // The name of a reply stands in the contract of its request.
    if is_known || emission.via == Via::Reply {
        return None;
    }
    let declared = manifest.publishes.iter().flat_map(|entry| {
        let values = entry.value.values.iter().map(TopicName::as_str);
        values.chain([entry.value.topic.as_str()])
    });
    slip::meant(cx, topic, declared)
}

fn is_declared(manifest: &Manifest, topic: &str) -> bool {
    TopicName::new(topic).is_ok_and(|topic| manifest.may_publish(&topic))
}
