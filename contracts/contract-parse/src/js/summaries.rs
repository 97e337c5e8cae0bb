//! Wrappers: where the value of an argument becomes known, from call to call outwards.

use super::eval::{
    Args, Assumed, CALLS_MAX, CallRef, Caller, Evaluator, THIS, Via, assumptions, consistent, constructor,
};
use super::form::Form;
use super::value::{ClassRef, Closure, Func, Value};
use oxc_span::GetSpan;
use std::rc::Rc;

/// The most places one wrapper is reported at.
const OUTCOMES_MAX: usize = 512;

/// What is asked about a call.
#[derive(Clone, Copy)]
pub(crate) enum Question<'a> {
    /// What it calls.
    Callee(CallRef<'a>),
    /// What it gives its function at a position.
    Given(CallRef<'a>, usize),
}

/// A value and the calls that made it known, innermost first.
#[derive(Clone)]
pub(crate) struct Outcome<'a> {
    pub(crate) value: Value<'a>,
    /// Each function that was entered and by which call.
    pub(crate) chain: Vec<Step<'a>>,
    /// The outermost call that the value depends on, by its place in `chain`, and its last argument that matters.
    pub(crate) known_at: Option<(usize, usize)>,
    /// Whether the budget was too small to answer.
    pub(crate) exhausted: bool,
    /// How the call was read, for `Question::Callee`.
    pub(crate) via: Via,
}

/// One call of a chain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step<'a> {
    pub(crate) func: Func,
    pub(crate) call: CallRef<'a>,
    /// What is taken for granted with it: first that this call is the one.
    pub(crate) assumed: Vec<Assumed<'a>>,
}

impl<'a> Step<'a> {
    fn of(func: Func, caller: &Caller<'a>) -> Self {
        let (args, this, bound) = (Args::Call(caller.call, None), caller.this.clone(), caller.bound.clone());
        let own = Assumed { func, args, this, bound };
        Self { func, call: caller.call, assumed: std::iter::once(own).chain(caller.assumed.iter().cloned()).collect() }
    }
}

/// Everything that a chain takes for granted.
pub(crate) fn assumed<'a>(chain: &[Step<'a>]) -> Vec<Assumed<'a>> {
    chain.iter().flat_map(|step| step.assumed.iter().cloned()).collect()
}

/// The answers to a question, told apart by the outer calls they depend on, beyond those of `chain`.
pub(crate) fn outcomes<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    question: Question<'a>,
    chain: &[Step<'a>],
) -> Vec<Outcome<'a>> {
    let mut out = Vec::new();
    widen(evaluator, question, chain.to_vec(), &mut out);
    evaluator.assume(Vec::new());
    // A function's calls of itself add nothing.
    if out.iter().any(|one| one.value != Value::Never) {
        out.retain(|one| one.value != Value::Never);
    }
    out
}

fn widen<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    question: Question<'a>,
    chain: Vec<Step<'a>>,
    out: &mut Vec<Outcome<'a>>,
) {
    evaluator.assume(assumed(&chain));
    let (value, via) = match question {
        Question::Callee(call) => {
            let callee = evaluator.ask_callee(call);
            (callee.value, callee.call.via)
        }
        Question::Given(call, at) => (evaluator.ask_given(call, at), call.via),
    };
    let known_at = known_at(evaluator, &chain);
    let is_open = matches!(value, Value::Never | Value::Nullish);
    let open =
        if chain.len() < CALLS_MAX && out.len() < OUTCOMES_MAX { open(evaluator, &chain, is_open) } else { None };
    let outcome = Outcome { value, known_at, exhausted: evaluator.exhausted, via, chain };
    let Some(func) = open else {
        out.push(outcome);
        return;
    };
    let granted = assumed(&outcome.chain);
    let callers = evaluator.callers.get(&func).cloned().unwrap_or_default();
    let before = out.len();
    // A handler that is also called gets what the bus gives, too, and one that is handed to a loop what that gives.
    if evaluator.handlers.contains_key(&func) || callers.iter().any(|one| one.call.via == Via::Each) {
        out.push(outcome.clone());
    }
    for caller in callers.iter().filter(|one| one.call.via != Via::Each) {
        if consistent(&caller.assumed, &granted) {
            let step = Step::of(func, caller);
            widen(evaluator, question, outcome.chain.iter().cloned().chain([step]).collect(), out);
        }
    }
    // A condition that reads a parameter makes a topic no better known at the calls than it is here.
    let is_settled = outcome.value.as_strings().exact().is_some() || matches!(outcome.value, Value::Unknown(_));
    let no_better = is_settled && out[before..].iter().all(|one| one.value == outcome.value);
    if no_better {
        out.truncate(before);
    }
    if out.len() == before {
        out.push(outcome);
    }
}

/// The function whose callers should be asked next. That a method was called on some object matters where nothing
/// else is known, and where objects inherit.
fn open(evaluator: &Evaluator<'_, '_>, chain: &[Step<'_>], is_open: bool) -> Option<Func> {
    if evaluator.known.lacks(Form::Wrappers) {
        return None;
    }
    let fresh = |func: &Func| {
        let called = evaluator.callers.get(func).is_some_and(|all| all.iter().any(|one| one.call.via != Via::Each));
        called && !chain.iter().any(|step| step.assumed.iter().any(|one| one.func == *func))
    };
    let method = evaluator.touched_this.iter().copied().find(fresh);
    match evaluator.touched.iter().map(|(func, _)| *func).find(fresh) {
        // What a constructor was given is best asked of the object that a method is called on.
        Some(found) if evaluator.is_constructor(found) => method.or(Some(found)),
        Some(found) => Some(found),
        None => method.filter(|_| is_open || evaluator.inherits()),
    }
}

fn known_at(evaluator: &Evaluator<'_, '_>, chain: &[Step<'_>]) -> Option<(usize, usize)> {
    let mut found: Option<(usize, usize)> = None;
    for (at, argument) in &evaluator.used {
        let mut start = 0;
        for (index, step) in chain.iter().enumerate() {
            let own = start == *at;
            let within = (start..start + step.assumed.len()).contains(at);
            start += step.assumed.len();
            if !within {
                continue;
            }
            let argument = if own { *argument } else { THIS };
            found = match found {
                Some((outer, _)) if index > outer => Some((index, argument)),
                Some((outer, old)) if index == outer => Some((outer, last_argument(old, argument))),
                None => Some((index, argument)),
                kept => kept,
            };
        }
    }
    found
}

fn last_argument(a: usize, b: usize) -> usize {
    match (a, b) {
        (THIS, other) | (other, THIS) => other,
        (a, b) => a.max(b),
    }
}

/// Where an argument of a call ends; the call's own end where it stands elsewhere.
pub(crate) fn argument_end(call: CallRef<'_>, at: usize) -> u32 {
    let place = match call.via {
        Via::Plain | Via::New => Some(at),
        Via::Call => at.checked_add(1),
        Via::Apply => Some(1),
        Via::Reflect => Some(2),
        Via::Each | Via::Then => None,
    };
    let argument = place.and_then(|place| call.arguments.get(place));
    let spread =
        call.arguments.iter().take(place.map_or(0, |place| place.saturating_add(1))).find(|one| one.is_spread());
    spread.or(argument).map_or(call.span.end, |argument| argument.span().end)
}

/// The functions that a call gives at a position, over all outer calls, each with what it takes for granted.
pub(crate) fn functions<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    call: CallRef<'a>,
    at: usize,
    chain: &[Step<'a>],
) -> Vec<(Closure<'a>, Vec<Assumed<'a>>)> {
    let mut out = Vec::new();
    for outcome in outcomes(evaluator, Question::Given(call, at), chain) {
        let granted = assumed(&outcome.chain);
        let closures = evaluator.functions_within(&outcome.value);
        out.extend(closures.into_iter().map(|one| {
            let assumed: Vec<Assumed<'a>> = assumptions(&one.env).into_iter().chain(granted.iter().cloned()).collect();
            (one, assumed)
        }));
    }
    out
}

impl<'a> Evaluator<'_, 'a> {
    /// The functions that a value is or holds by name, as `{method: fn}` does.
    fn functions_within(&mut self, value: &Value<'a>) -> Vec<Closure<'a>> {
        let mut out = Vec::new();
        for part in value.parts() {
            match part {
                Value::Functions(set) => out.extend(set.iter().cloned()),
                Value::Literal(_) | Value::Object(_) | Value::Instance(_) | Value::Derived(_) => {
                    let shape = self.glanced(|this| this.shape_of(part));
                    out.extend(shape.iter().flat_map(|shape| shape.fields.values()).flat_map(Value::closures));
                }
                _ => {}
            }
        }
        out
    }

    fn is_constructor(&self, (module, node): Func) -> bool {
        let nodes = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes);
        nodes.is_some_and(|nodes| {
            matches!(nodes.parent_kind(node), oxc_ast::AstKind::MethodDefinition(it) if it.kind.is_constructor())
        })
    }

    /// The constructors that `new` of a value, or `super(…)`, runs.
    pub(super) fn constructors(&mut self, value: &Value<'a>) -> Vec<(Func, Rc<ClassRef<'a>>)> {
        let classes: Vec<_> = value
            .parts()
            .iter()
            .filter_map(|part| match part {
                Value::Class(class) => Some(class.clone()),
                _ => None,
            })
            .collect();
        let mut out = Vec::new();
        for class in classes {
            let func = constructor(&class).or_else(|| self.glanced(|this| this.inherited_constructor(&class)));
            out.extend(func.map(|func| (func, class.clone())));
        }
        out
    }
}
