//! Wrappers: where the value of an argument becomes known, from call to call outwards.

use super::eval::{CALLS_MAX, CallRef, Ctx, Evaluator, Frame};
use super::value::{Func, Value};
use oxc_ast::ast::Expression;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most places one wrapper is reported at.
const OUTCOMES_MAX: usize = 512;

/// The calls of each of the plugin's own functions.
pub(crate) type Callers<'a> = BTreeMap<Func, Vec<CallRef<'a>>>;

/// A value and the calls that made it known, innermost first.
#[derive(Clone)]
pub(crate) struct Outcome<'a> {
    pub(crate) value: Value,
    /// Each function that was entered, by which call, and which of its arguments mattered.
    pub(crate) chain: Vec<Step<'a>>,
}

/// One call of a chain.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) func: Func,
    pub(crate) call: CallRef<'a>,
    pub(crate) argument: usize,
}

impl<'a> Outcome<'a> {
    /// The frames of the chain, to evaluate other arguments of the same calls.
    pub(crate) fn ctx(&self) -> Ctx<'a> {
        frames(&self.chain)
    }
}

fn frames<'a>(chain: &[Step<'a>]) -> Ctx<'a> {
    chain.iter().rev().fold(None, |parent, step| Some(Rc::new(Frame { func: step.func, call: step.call, parent })))
}

/// What an expression may be, told apart by the outer calls it depends on.
pub(crate) fn outcomes<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    callers: &Callers<'a>,
    module: usize,
    expression: &'a Expression<'a>,
) -> Vec<Outcome<'a>> {
    let mut out = Vec::new();
    widen(evaluator, callers, (module, expression), Vec::new(), &mut out);
    out
}

fn widen<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    callers: &Callers<'a>,
    question: (usize, &'a Expression<'a>),
    chain: Vec<Step<'a>>,
    out: &mut Vec<Outcome<'a>>,
) {
    let value = evaluator.ask(question.0, question.1, &frames(&chain));
    let touched: Vec<(Func, usize)> = evaluator.touched.clone();
    let open = touched
        .into_iter()
        .find(|(func, _)| callers.contains_key(func) && !chain.iter().any(|step| step.func == *func));
    let Some((func, argument)) = open.filter(|_| chain.len() < CALLS_MAX && out.len() < OUTCOMES_MAX) else {
        out.push(Outcome { value, chain });
        return;
    };
    for call in callers.get(&func).into_iter().flatten() {
        let mut longer = chain.clone();
        longer.push(Step { func, call: *call, argument });
        widen(evaluator, callers, question, longer, out);
    }
}

/// The functions an expression may be, over all outer calls.
pub(crate) fn functions<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    callers: &Callers<'a>,
    module: usize,
    expression: &'a Expression<'a>,
    ctx: &Ctx<'a>,
) -> BTreeSet<Func> {
    if let Value::Functions(set) = evaluator.ask(module, expression, ctx) {
        return set;
    }
    if ctx.is_some() {
        return BTreeSet::new();
    }
    let all = outcomes(evaluator, callers, module, expression).into_iter();
    all.filter_map(|one| if let Value::Functions(set) = one.value { Some(set) } else { None }).flatten().collect()
}
