//! TL214: a plugin uses another's private topic.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_graph::Owned;
use contract_model::Location;
use contract_model::manifest::Visibility;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL214",
    name: "private-topic-crossing",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl214.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let consumers = cx.whole.consumers().filter(|consumer| !consumer.is_pattern());
    let mut uses: BTreeMap<(&str, &str), (&str, &Location)> = BTreeMap::new();
    for consumer in consumers {
        uses.entry((consumer.slug, &consumer.topic)).or_insert(("consumes", &consumer.location));
    }
    for (topic, emission) in published(cx.whole).filter(|(topic, _)| cx.whole.is_request(topic)) {
        uses.entry((emission.slug, topic)).or_insert(("requests", &emission.location));
    }
    uses.into_iter()
        .filter_map(|((plugin, topic), (verb, at))| {
            let owned = cx.whole.contract(topic).filter(|owned| owned.contract.visibility == Visibility::Private)?;
            (owned.plugin.slug() != plugin).then(|| crossing(plugin, topic, verb, at, owned))
        })
        .collect()
}

fn crossing(plugin: &str, topic: &str, verb: &str, at: &Location, owned: Owned<'_>) -> Finding {
    let keeper = owned.plugin.slug();
    Finding::new(plugin, at.clone(), format!("`{plugin}` {verb} `{topic}`, which is private to `{keeper}`"))
        .topic(topic)
        .role(verb)
        .label("not for other plugins")
        .related(owned.plugin.at(owned.contract.name.span), "private by its contract")
        .help(format!("use a topic that `{keeper}` shows to the suite, or have it widen `visibility`"))
}
