//! Items of lists.

use super::{Answer, Comparison, Pair};
use crate::node::Node;
use serde_json::Value;

impl Comparison {
    pub(super) fn compare_items(&mut self, pair: &Pair<'_, '_>) -> Answer {
        let speaks = pair.consumer.get("items").is_some() || pair.consumer.get("prefixItems").is_some();
        if !pair.producer.types.contains("array") || !speaks {
            return Answer::Yes;
        }
        let prefix = |part: &Node<'_>| part.list("prefixItems").len();
        let first = pair.producer.parts.iter().map(prefix).chain([prefix(pair.consumer)]).max().unwrap_or(0);
        let most = pair.producer.said("maxItems").filter_map(Value::as_u64).min();
        let is_sent = |at: usize| most.is_none_or(|most| (at as u64) < most);
        let mut answers = Vec::new();
        for at in (0..first).filter(|at| is_sent(*at)) {
            let sent: Vec<Node<'_>> = pair.producer.parts.iter().filter_map(|part| item(part, at)).collect();
            answers.push(self.compare_item(pair, &sent, item(pair.consumer, at), &at.to_string()));
        }
        if is_sent(first) {
            let sent: Vec<Node<'_>> = pair.producer.parts.iter().filter_map(|part| part.child("items")).collect();
            answers.push(self.compare_item(pair, &sent, pair.consumer.child("items"), "*"));
        }
        Answer::all(answers)
    }

    fn compare_item<'s>(
        &mut self,
        pair: &Pair<'_, '_>,
        sent: &[Node<'s>],
        wanted: Option<Node<'s>>,
        step: &str,
    ) -> Answer {
        let Some(wanted) = wanted else { return Answer::Yes };
        let pointer = format!("{}/{step}", pair.pointer);
        if sent.is_empty() && !super::is_true(&wanted) {
            return pair.no(format!("the producer does not say what its items are, at `{pointer}`"));
        }
        self.compare(sent, &wanted, &pointer)
    }
}

fn item<'s>(part: &Node<'s>, at: usize) -> Option<Node<'s>> {
    part.list("prefixItems").into_iter().nth(at).or_else(|| part.child("items"))
}
