//! Calls that may be calls of the bus: by their name, on an object of which nothing is known. The name proves nothing,
//! and nothing proves the opposite, so they are listed as what they may be.

use super::{Extractor, Place};
use crate::facts::{Fact, FactKind, TopicValue};
use crate::js::eval::{CallRef, method_of};
use crate::js::index::{Site, node_of};
use crate::js::summaries::{Question, argument_end, outcomes};
use crate::js::topics::topics;
use crate::js::value::Value;
use contract_model::TopicName;
use oxc_span::GetSpan;

impl<'a> Extractor<'_, '_, 'a> {
    /// One fact for each topic that a doubtful call may be about.
    pub(super) fn doubt(&mut self, site: &Site<'a>) {
        let Some((kind, object)) = suspected(site) else { return };
        if !self.reach.reachable(site.at.module, node_of(site.at)) {
            return;
        }
        let place = Place { call: site.at, end: argument_end(site.at, 0) };
        let why = format!("whether `{object}` is the bus is not known", object = self.written(site.at.module, object));
        let mut found: Vec<TopicValue> = Vec::new();
        for outcome in outcomes(self.evaluator, Question::Given(site.at, 0), &site.chain) {
            for topic in topics(&outcome.value).into_iter().flat_map(|topic| perhaps(kind, topic, &why)) {
                if !found.contains(&topic) {
                    found.push(topic);
                }
            }
        }
        for topic in found {
            let fact = self.call_fact(kind, place);
            self.facts.push(Fact { topic: Some(topic), evidence: vec![why.clone()], ..fact });
        }
    }

    /// How an expression is written, on one line.
    fn written(&self, module: usize, expression: &oxc_ast::ast::Expression<'a>) -> String {
        let span = expression.span();
        let text = self.evaluator.module(module).text.get(span.start as usize..span.end as usize);
        text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect()
    }
}

/// What a call would be if its object were the bus, and that object; nothing where it cannot be.
fn suspected<'a>(site: &Site<'a>) -> Option<(FactKind, &'a oxc_ast::ast::Expression<'a>)> {
    let at: CallRef<'a> = site.at;
    let (object, method) = method_of(at.callee)?;
    let kind = match method {
        "publish" => FactKind::Publish,
        "onEvent" => FactKind::Subscribe,
        "request" => FactKind::Request,
        _ => return None,
    };
    let is_open = site.callee.parts().iter().any(|part| matches!(part, Value::Unknown(why) if may_be_host(why)));
    // What is the host for all that is known gives facts of its own.
    let is_host = site.callee.hosts().next().is_some();
    (is_open && !is_host && !at.arguments.is_empty()).then_some((kind, object))
}

/// Whether something that is not known for this reason may be an object of the host: data is none, and neither is what
/// the language itself gives. Where a host object is thrown, `escapes` says so.
fn may_be_host(why: &str) -> bool {
    let known = ["the global `", "a new `", "the result of `", "data of an event", "parsed JSON", "a caught exception"];
    !known.iter().any(|start| why.starts_with(start))
}

/// What is published if it is the bus: at most that topic. A subscription is not known at all, for a handler that may
/// not be one answers nothing. What is no topic is no event, either.
fn perhaps(kind: FactKind, topic: TopicValue, why: &str) -> Vec<TopicValue> {
    let names = match topic {
        TopicValue::Exact(names) => names,
        TopicValue::Pattern(pattern) if kind != FactKind::Subscribe => return vec![TopicValue::Pattern(pattern)],
        TopicValue::Pattern(_) | TopicValue::Unknown(_) => return vec![TopicValue::Unknown(why.to_owned())],
    };
    let names: Vec<String> = names.iter().filter(|name| name.parse::<TopicName>().is_ok()).cloned().collect();
    match (kind, names.is_empty()) {
        (_, true) => Vec::new(),
        (FactKind::Subscribe, false) => vec![TopicValue::Unknown(why.to_owned())],
        (_, false) => names.into_iter().map(TopicValue::Pattern).collect(),
    }
}
