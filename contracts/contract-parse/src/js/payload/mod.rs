//! Payloads: what publishing calls send, what handlers read, and how handlers of requests end.
//!
//! [`code`] is all that this part knows of evaluator and index: what each call calls, and what each name is.
//! [`infer`] goes from expressions to shapes, `reads` from handlers' arguments to fields, `endings` along the paths
//! through handlers.

mod code;
mod endings;
mod habits;
mod infer;
mod reads;

pub(crate) use code::{Call, Code, Entered, entered};
pub(crate) use endings::endings;
pub(crate) use habits::{chained, option};
pub(crate) use reads::{Flow, Read, pointer};

use contract_model::shape::{Form, Shape};
use infer::{CALLS_MAX, Frame, Frames, Inference, depth};
use oxc_ast::ast::{Argument, Expression};
use std::rc::Rc;

/// The most calls from outside that one payload is told apart by.
const OUTCOMES_MAX: usize = 64;

/// What a call sends as its argument at a position: one shape for each chain of calls that it depends on. Only
/// chains that agree with `chain`, the calls that made the topic known, innermost first.
pub(crate) fn sent<'a>(code: &Code<'_, 'a>, call: Call<'a>, position: usize, chain: &[Entered]) -> Vec<Shape> {
    let arguments = &call.it.arguments;
    if arguments.iter().take(position + 1).any(Argument::is_spread) {
        return Vec::new();
    }
    let Some(expression) = arguments.get(position).and_then(Argument::as_expression) else {
        return vec![Shape::of(Form::Absent).at(code.origin(call.module, call.it.span))];
    };
    let mut out = Vec::new();
    widen(&mut Inference::new(code), (call.module, expression), &None, chain, &mut out);
    out
}

fn widen<'a>(
    inference: &mut Inference<'_, '_, 'a>,
    question: (usize, &'a Expression<'a>),
    frames: &Frames<'a>,
    chain: &[Entered],
    out: &mut Vec<Shape>,
) {
    let shape = inference.ask(question.0, question.1, frames);
    let code = inference.code;
    let is_new = |func: &crate::js::value::Func| {
        !code.callers(*func).is_empty()
            && !std::iter::successors(frames.as_ref(), |frame| frame.parent.as_ref()).any(|frame| frame.func == *func)
    };
    let open = inference.touched.iter().copied().find(is_new);
    let Some(func) = open.filter(|_| depth(frames) < CALLS_MAX && out.len() < OUTCOMES_MAX) else {
        if !out.contains(&shape) {
            out.push(shape);
        }
        return;
    };
    for call in code.callers(func) {
        let entered = (func, (call.module, call.it.node_id.get()));
        let inner = Some(append(frames, func, *call));
        for made in code.closures(entered) {
            let mut longer = chain.to_vec();
            if std::iter::once(&entered).chain(made).all(|one| agree(&mut longer, *one)) {
                widen(inference, question, &inner, &longer, out);
            }
        }
    }
}

/// Whether a function was entered by this call, for all that is known; it is known from then on.
fn agree(chain: &mut Vec<Entered>, one: Entered) -> bool {
    if let Some((_, by)) = chain.iter().find(|(func, _)| *func == one.0) {
        return *by == one.1;
    }
    chain.push(one);
    true
}

/// Adds a call around all others.
fn append<'a>(frames: &Frames<'a>, func: crate::js::value::Func, call: Call<'a>) -> Rc<Frame<'a>> {
    match frames {
        None => Rc::new(Frame { func, call, parent: None }),
        Some(frame) => {
            let parent = Some(append(&frame.parent, func, call));
            Rc::new(Frame { func: frame.func, call: frame.call, parent })
        }
    }
}
