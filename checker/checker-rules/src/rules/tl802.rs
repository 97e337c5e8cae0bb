//! TL802: a topic does not reach whom the suite requires it to reach.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::{published, tags};
use checker_report::Severity;
use contract_graph::Graph;
use contract_model::policy::{PluginSelector, RequiredListener};
use contract_model::span::Spanned;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL802",
    name: "required-listener",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl802.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    cx.suite.manifest.require.iter().flat_map(|entry| unheard(cx, graph, entry)).collect()
}

fn unheard(cx: &Context<'_>, graph: &Graph<'_>, entry: &Spanned<RequiredListener>) -> Vec<Finding> {
    let rule = &entry.value;
    let is_open = graph.unread().next().is_some();
    let mut seen = BTreeSet::new();
    published(graph)
        .filter(|(topic, emission)| rule.topic.value.matches(topic) && seen.insert((emission.slug, *topic)))
        .filter(|(topic, _)| !graph.consumers_of(topic).any(|consumer| is_listener(graph, rule, consumer.slug)))
        .map(|(topic, emission)| {
            let who = listeners(rule);
            let message = format!("`{topic}` of `{}` does not reach {who}, which suite.yaml requires", emission.slug);
            let finding = Finding::new(emission.slug, emission.location.clone(), message).topic(topic);
            let finding = finding.role(who.clone()).label("published here");
            let finding = finding.related(cx.suite.at(entry.span), "required by this rule");
            let reason = rule.reason.as_deref().unwrap_or("the suite requires it");
            // A listener whose manifest cannot be read may hear it.
            let finding = if is_open { finding.severity(cx.unproven()) } else { finding };
            finding.help(format!("{reason}; consume it in {who}"))
        })
        .collect()
}

fn is_listener(graph: &Graph<'_>, rule: &RequiredListener, slug: &str) -> bool {
    rule.listener.iter().any(|selector| selector.value.selects(slug, tags(graph, slug)))
}

fn listeners(rule: &RequiredListener) -> String {
    let names = rule.listener.iter().map(|selector| match &selector.value {
        PluginSelector::All => "any plugin".to_owned(),
        PluginSelector::Tag(tag) => format!("a plugin tagged `{tag}`"),
        PluginSelector::Slug(slug) => format!("`{slug}`"),
    });
    names.collect::<Vec<_>>().join(" or ")
}
