//! Answers that are kept: a call or a name asked for twice in the same calls is worked out once.
//!
//! Not kept is what a cycle or a budget cut short: asked for from elsewhere, it may be more.

use super::{Frames, Inference};
use crate::js::value::Func;
use contract_model::shape::Shape;
use oxc_ast::ast::Expression;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// The answers so far: by the address of the expression and of the innermost call.
pub(super) type Memo<'a> = FxHashMap<(usize, usize), Kept<'a>>;

/// An answer.
pub(super) struct Kept<'a> {
    shape: Shape,
    /// The parameters that it touched.
    touched: Vec<Func>,
    /// Keeps the address of the call from being given to another.
    #[expect(dead_code, reason = "it is held, not read")]
    frames: Frames<'a>,
}

/// Whether an expression is worth keeping: what is made of others is quickly made again.
fn is_worth(expression: &Expression<'_>) -> bool {
    matches!(expression, Expression::Identifier(_) | Expression::CallExpression(_) | Expression::AwaitExpression(_))
}

impl<'a> Inference<'_, '_, 'a> {
    pub(super) fn infer_once(&mut self, module: usize, expression: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        if !is_worth(expression) {
            return self.infer_one(module, expression, frames);
        }
        let frame = frames.as_ref().map_or(0, |frame| Rc::as_ptr(frame) as usize);
        let key = (std::ptr::from_ref(expression) as usize, frame);
        if let Some(kept) = self.memo.get(&key) {
            self.touched.extend_from_slice(&kept.touched);
            return kept.shape.clone();
        }
        let mark = self.touched.len();
        let outer = std::mem::replace(&mut self.cycle, usize::MAX);
        let shape = self.infer_one(module, expression, frames);
        let is_whole = self.cycle >= self.depth;
        if is_whole {
            let touched = crate::js::eval::distinct(&mut self.touched, mark);
            self.memo.insert(key, Kept { shape: shape.clone(), touched, frames: frames.clone() });
        }
        self.cycle = if is_whole { outer } else { outer.min(self.cycle) };
        shape
    }
}
