//! Who hears what in a world.

use crate::dice::Dice;
use contract_model::manifest::{AfterRetries, RetryPolicy};
use contract_model::{Millis, PluginSlug, SubscriptionId, TopicPattern};
use daemon_bus::{RetryRules, Subscription};
use std::collections::BTreeMap;

/// Limits so low that they are met.
pub(crate) fn tighten(dice: &mut Dice, spec: &mut Subscription) {
    let mut low = |most| 1 + usize::try_from(dice.below(most)).expect("small");
    (spec.parked_max, spec.tenants_behind_max) = (low(2), low(3));
    spec.window = 2 + low(6);
    if dice.percent(60) {
        spec.retry.otherwise.then = AfterRetries::Park;
    }
}

/// Some subscriptions.
pub(crate) fn specs(dice: &mut Dice) -> BTreeMap<SubscriptionId, Subscription> {
    let patterns = ["gl.*", "**", "ap.a"];
    let count = 1 + dice.below(3);
    let plugin = PluginSlug::new("plugin").expect("a slug");
    (0..count)
        .map(|number| {
            let id = SubscriptionId::new(&plugin, &format!("h{number}"));
            let pattern = patterns[usize::try_from(dice.below(3)).expect("small")];
            let mut spec = Subscription::new(id.clone(), vec![TopicPattern::new(pattern).expect("pattern")]);
            spec.window = 2 + usize::try_from(dice.below(24)).expect("small");
            spec.concurrency = dice.percent(40).then(|| 1 + u32::try_from(dice.below(3)).expect("small"));
            spec.priority = i32::try_from(dice.below(3)).expect("small");
            let then = if dice.percent(30) { AfterRetries::Park } else { AfterRetries::DeadLetter };
            let attempts = 1 + u32::try_from(dice.below(5)).expect("small");
            let otherwise = RetryPolicy { attempts, backoff: Millis(10), cap: Millis(400), then };
            spec.retry = RetryRules { rules: Vec::new(), otherwise };
            (id, spec)
        })
        .collect()
}
