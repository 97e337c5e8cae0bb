//! What a registration gives besides its topic: options and the handler itself.

use super::eval::{CallRef, Evaluator, LoopId};
use super::index::{Site, last_argument};
use super::summaries::{Outcome, Question, Step, functions, outcomes};
use super::value::{Func, Value};
use litemap::LiteMap;
use oxc_ast::ast::ObjectPropertyKind;

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
        evaluator.pick_items(picks.clone());
        let value = outcomes(evaluator, Question::Given(site.at, 0), &outcome.chain).into_iter().map(|one| one.value);
        let value = Value::join_all(value).unwrap_or(Value::Never);
        let given = handler(evaluator, site.at, &outcome.chain);
        evaluator.pick_items(Vec::new());
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
        evaluator.pick_items(chosen.clone());
        outcomes(evaluator, Question::Given(site.at, 0), &outcome.chain);
        let inner = evaluator.loops.first().copied();
        evaluator.pick_items(Vec::new());
        match inner {
            Some((id, items)) if out.len() + open.len() + items <= ITEMS_MAX => {
                open.extend((0..items).rev().map(|at| chosen.iter().copied().chain([(id, at)]).collect()));
            }
            _ => out.push(chosen),
        }
    }
    out
}

/// The options that a call gives, by name: those of the object literals among its arguments from `first` on.
pub(crate) fn options<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    call: CallRef<'a>,
    first: usize,
) -> LiteMap<String, String> {
    let mut out = LiteMap::new();
    for at in first..call.arguments.len() {
        let value = evaluator.ask_given(call, at);
        for name in own_names(&value) {
            let field = evaluator.member(&value, name).as_strings();
            let shown = field.exact().map(|texts| texts.iter().cloned().collect::<Vec<_>>().join("|"));
            out.insert(name.to_owned(), shown.unwrap_or_else(|| "?".to_owned()));
        }
    }
    out
}

/// The texts that one option of a call may have; none where it is not given or only a run knows it.
pub(crate) fn option<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    call: CallRef<'a>,
    first: usize,
    name: &str,
) -> Vec<String> {
    let mut out = Vec::new();
    for at in first..call.arguments.len() {
        let value = evaluator.ask_given(call, at);
        if own_names(&value).contains(&name) {
            let field = evaluator.member(&value, name).as_strings();
            out.extend(field.exact().into_iter().flatten().cloned());
        }
    }
    out
}

/// The options that calls of the host know, sorted.
const OPTIONS: [&str; 28] = [
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
    "request",
    "response",
    "roles",
    "runAt",
    "summary",
    "timeout",
    "timezone",
    "ttl",
    "uniqueKey",
    "when",
];

/// The options that an object has.
fn own_names(value: &Value<'_>) -> Vec<&'static str> {
    let known = |name: &str| OPTIONS.binary_search(&name).ok().map(|at| OPTIONS[at]);
    match value {
        Value::Literal(literal) => {
            let keys = literal.object.properties.iter().filter_map(|one| match one {
                ObjectPropertyKind::ObjectProperty(property) => property.key.static_name(),
                ObjectPropertyKind::SpreadProperty(_) => None,
            });
            keys.filter_map(|name| known(&name)).collect()
        }
        Value::Object(shape) if !shape.is_map => shape.fields.keys().filter_map(|name| known(name)).collect(),
        _ => Vec::new(),
    }
}
