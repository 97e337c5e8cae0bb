//! What a registration gives besides its topic: options and the handler itself.

use super::eval::{CallRef, Evaluator, LoopId};
use super::index::{Site, last_argument};
use super::strings::Strings;
use super::summaries::{Outcome, Question, Step, functions, outcomes};
use super::value::{Func, Value};
use std::collections::BTreeMap;

/// The most items that loops are gone through to tell handlers apart.
const ITEMS_MAX: usize = 256;

/// The handler that a call gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// The function, where it is only one.
    pub(crate) function: Option<Func>,
}

/// The handler given to a call, inside of outer calls.
pub(crate) fn handler<'a>(evaluator: &mut Evaluator<'_, 'a>, call: CallRef<'a>, chain: &[Step<'a>]) -> Given {
    let Some(last) = last_argument(call) else { return Given::default() };
    let found = functions(evaluator, call, last, chain);
    let mut all: Vec<Func> = found.into_iter().map(|(one, _)| one.func).collect();
    all.sort_unstable();
    all.dedup();
    Given { function: if all.len() == 1 { all.pop() } else { None } }
}

/// The topics of a registration with their handlers: in a loop over known items, those of each item.
pub(crate) fn by_handler<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    site: &Site<'a>,
    outcome: &Outcome<'a>,
) -> Vec<(Value<'a>, Given)> {
    let mut found: Vec<(Value<'a>, Given)> = Vec::new();
    for picks in picks(evaluator, site, outcome) {
        evaluator.picks.clone_from(&picks);
        let value = outcomes(evaluator, Question::Given(site.at, 0), &outcome.chain).into_iter().map(|one| one.value);
        let value = Value::join_all(value).unwrap_or(Value::Never);
        let given = handler(evaluator, site.at, &outcome.chain);
        evaluator.picks.clear();
        match found.iter_mut().find(|(_, old)| *old == given) {
            Some((old, _)) => *old = std::mem::replace(old, Value::Never).join(value),
            None => found.push((value, given)),
        }
    }
    found
}

/// The items of the loops that a topic depends on; one empty choice where there are none.
fn picks<'a>(evaluator: &mut Evaluator<'_, 'a>, site: &Site<'a>, outcome: &Outcome<'a>) -> Vec<Vec<(LoopId, usize)>> {
    let mut out: Vec<Vec<(LoopId, usize)>> = Vec::new();
    let mut open: Vec<Vec<(LoopId, usize)>> = vec![Vec::new()];
    while let Some(chosen) = open.pop() {
        evaluator.picks.clone_from(&chosen);
        outcomes(evaluator, Question::Given(site.at, 0), &outcome.chain);
        let inner = evaluator.loops.first().copied();
        evaluator.picks.clear();
        match inner {
            Some((id, items)) if out.len() + open.len() + items <= ITEMS_MAX => {
                open.extend((0..items).rev().map(|at| chosen.iter().copied().chain([(id, at)]).collect()));
            }
            _ => out.push(chosen),
        }
    }
    out
}

/// The options that a call gives, by name: those of each object literal among its arguments but the first and the
/// payload.
pub(crate) fn options<'a>(evaluator: &mut Evaluator<'_, 'a>, call: CallRef<'a>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for at in 1..call.arguments.len() {
        let value = evaluator.ask_given(call, at);
        let fields = evaluator.named_texts(&value);
        if fields.keys().any(|name| OPTIONS.contains(&name.as_str())) {
            out.extend(fields.into_iter().filter(|(name, _)| OPTIONS.contains(&name.as_str())));
        }
    }
    out
}

/// The options that calls of the host know.
const OPTIONS: [&str; 26] = [
    "attempts",
    "broadcast",
    "catchUp",
    "concurrency",
    "context",
    "continue",
    "deadline",
    "delay",
    "formerly",
    "grants",
    "group",
    "headers",
    "idempotencyKey",
    "idempotent",
    "key",
    "name",
    "priority",
    "public",
    "roles",
    "runAt",
    "summary",
    "timeout",
    "timezone",
    "ttl",
    "uniqueKey",
    "when",
];

impl<'a> Evaluator<'_, 'a> {
    /// The fields of an object that are texts or numbers, and `?` for others.
    fn named_texts(&mut self, value: &Value<'a>) -> BTreeMap<String, String> {
        let shape = if matches!(value, Value::Literal(_) | Value::Object(_)) { self.shape_of(value) } else { None };
        let shown = |value: &Value<'a>| match value.as_strings() {
            Strings::Exact(texts) => texts.into_iter().collect::<Vec<_>>().join("|"),
            Strings::Form(_) => "?".to_owned(),
        };
        shape.iter().flat_map(|shape| &shape.fields).map(|(name, value)| (name.clone(), shown(value))).collect()
    }
}
