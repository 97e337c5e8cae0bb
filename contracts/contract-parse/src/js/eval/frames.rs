//! Calls: who calls whom, how, and what is taken for granted for it.

use crate::js::value::{Func, Value};
use oxc_ast::ast::{Argument, CallExpression, Expression, NewExpression};
use oxc_span::Span;
use oxc_syntax::node::NodeId;
use std::rc::Rc;

/// Stands for the object of a method call in the place of an argument's position.
pub(crate) const THIS: usize = usize::MAX;

/// A call and the module it stands in.
#[derive(Clone, Copy)]
pub(crate) struct CallRef<'a> {
    pub(crate) module: usize,
    pub(crate) node: NodeId,
    pub(crate) span: Span,
    pub(crate) callee: &'a Expression<'a>,
    pub(crate) arguments: &'a [Argument<'a>],
    pub(crate) via: Via,
}

/// How the arguments of a call come to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Via {
    /// As they stand.
    Plain,
    /// By `new`.
    New,
    /// By `f.call(this, …)`: one place further.
    Call,
    /// By `f.apply(this, list)`.
    Apply,
    /// By `Reflect.apply(f, this, list)`.
    Reflect,
    /// By a method that calls its argument for each element of a list.
    Each,
    /// By `promise.then(f)`.
    Then,
}

impl<'a> CallRef<'a> {
    pub(crate) fn of_call(module: usize, call: &'a CallExpression<'a>) -> Self {
        let (node, span, via) = (call.node_id.get(), call.span, Via::Plain);
        Self { module, node, span, callee: &call.callee, arguments: &call.arguments, via }
    }

    pub(crate) fn of_new(module: usize, new: &'a NewExpression<'a>) -> Self {
        let (node, span, via) = (new.node_id.get(), new.span, Via::New);
        Self { module, node, span, callee: &new.callee, arguments: &new.arguments, via }
    }

    /// The expression at a position, if nothing is spread before it.
    pub(crate) fn argument(&self, at: usize) -> Option<&'a Expression<'a>> {
        if self.arguments.iter().take(at + 1).any(Argument::is_spread) {
            return None;
        }
        self.arguments.get(at).and_then(Argument::as_expression)
    }

    fn same(&self, other: &Self) -> bool {
        self.module == other.module && self.node == other.node && self.via == other.via
    }
}

impl PartialEq for CallRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

impl std::fmt::Debug for CallRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} call at {}:{}", self.via, self.module, self.span.start)
    }
}

/// An expression and where its names are known.
#[derive(Clone)]
pub(crate) struct Given<'a> {
    pub(crate) module: usize,
    pub(crate) expression: &'a Expression<'a>,
    pub(crate) ctx: Ctx<'a>,
}

impl PartialEq for Given<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.expression, other.expression) && self.ctx == other.ctx
    }
}

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an argument of module {}", self.module)
    }
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Args<'a> {
    /// Those of a call as it is written, in the calls that it stands in.
    Call(CallRef<'a>, Ctx<'a>),
    /// Known values, for functions that built-in ones call.
    Values(Vec<Value<'a>>),
}

/// A call into one of the plugin's own functions.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) func: Func,
    pub(crate) args: Args<'a>,
    /// What the function's outer names are known in.
    pub(crate) env: Ctx<'a>,
    pub(crate) this: Option<Rc<Value<'a>>>,
    pub(crate) bound: Rc<Vec<Given<'a>>>,
    /// How many calls deep it is.
    pub(crate) depth: usize,
}

impl PartialEq for Frame<'_> {
    fn eq(&self, other: &Self) -> bool {
        // Frames hold the frames around them, so comparing them part by part takes long.
        std::ptr::eq(self, other)
            || self.func == other.func
                && self.depth == other.depth
                && self.args == other.args
                && self.env == other.env
                && self.this == other.this
                && self.bound == other.bound
    }
}

/// The call that an evaluation is inside of.
pub(crate) type Ctx<'a> = Option<Rc<Frame<'a>>>;

pub(super) fn depth(ctx: &Ctx<'_>) -> usize {
    ctx.as_ref().map_or(0, |frame| frame.depth)
}

/// A call of a function that is taken for granted while a question is asked from outside of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assumed<'a> {
    pub(crate) func: Func,
    pub(crate) args: Args<'a>,
    pub(crate) this: Option<Rc<Value<'a>>>,
    pub(crate) bound: Rc<Vec<Given<'a>>>,
}

/// A call of one of the plugin's own functions, and what must be taken for granted for it to call that one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Caller<'a> {
    pub(crate) call: CallRef<'a>,
    pub(crate) this: Option<Rc<Value<'a>>>,
    pub(crate) bound: Rc<Vec<Given<'a>>>,
    pub(crate) assumed: Vec<Assumed<'a>>,
}

/// A `for` loop or an iterating call.
pub(crate) type LoopId = (usize, NodeId);

/// Whether two sets of assumptions do not contradict each other.
pub(crate) fn consistent(a: &[Assumed<'_>], b: &[Assumed<'_>]) -> bool {
    a.iter().all(|one| b.iter().all(|other| one.func != other.func || one.args == other.args))
}

/// The calls around a closure's outer names, as assumptions.
pub(crate) fn assumptions<'a>(env: &Ctx<'a>) -> Vec<Assumed<'a>> {
    let mut out = Vec::new();
    let mut frame = env.as_ref();
    while let Some(one) = frame {
        let (args, this, bound) = (one.args.clone(), one.this.clone(), one.bound.clone());
        out.push(Assumed { func: one.func, args, this, bound });
        frame = one.env.as_ref();
    }
    out
}
