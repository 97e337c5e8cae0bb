//! TL407: a request that waits for ever.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Emission, Via};

pub(crate) const RULE: Rule = Rule {
    id: "TL407",
    name: "no-timeout",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl407.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let requests = cx.whole.emissions().filter(|emission| emission.via == Via::Request);
    requests.filter(|emission| is_endless(emission)).flat_map(|emission| endless(cx, emission)).collect()
}

fn is_endless(emission: &Emission<'_>) -> bool {
    emission.fact.is_some_and(|fact| fact.detail.get("timeout").is_some_and(|timeout| timeout == "absent"))
}

fn endless(cx: &Context<'_>, emission: &Emission<'_>) -> Vec<Finding> {
    let (Some(fact), contract_graph::Reach::Exact(names)) = (emission.fact, &emission.reach) else { return Vec::new() };
    let open = names.iter().filter_map(|name| Some((name, cx.whole.contract(name)?)));
    open.filter(|(_, owned)| owned.contract.timeout.is_none())
        .map(|(name, owned)| {
            let message = format!("`{}` requests `{name}` and waits for ever", emission.slug);
            Finding::new(emission.slug, emission.location.clone(), message)
                .topic(name)
                .role("request")
                .within(fact)
                .label("neither the call nor the contract names a timeout")
                .related(owned.plugin.at(owned.contract.name.span), "the contract, without `timeout`")
                .help("add `{ timeout: '30s' }` as the third argument, or `timeout: 30s` to the topic's contract")
        })
        .collect()
}
