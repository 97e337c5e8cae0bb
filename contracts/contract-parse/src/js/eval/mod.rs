//! The abstract evaluator: what an expression may be, as far as the texts alone tell.
//!
//! Evaluation is driven by demand. A parameter is known inside a frame, which names the call that gave the
//! arguments, or where a call is assumed; else it is unknown and noted in `touched`, so that `summaries` can
//! ask again from each caller. A short look (`glance`) takes what all callers give together instead.
//!
//! Objects are known by where the program makes them; whatever is written to a field anywhere (`heap`) counts
//! for every object made there.

mod arguments;
mod building;
mod builtins;
mod calls;
mod changes;
mod constants;
mod derived;
mod flow;
mod frames;
mod heap;
mod instances;
mod lists;
mod literals;
mod members;
mod memo;
mod patterns;
mod receivers;
mod returns;
mod symbols;
mod texts;

pub(crate) use builtins::iterates;
pub(crate) use calls::{Callee, method_of};
pub(crate) use changes::target_of;
use frames::depth;
pub(crate) use frames::{
    Args, Assumed, CallRef, Caller, Ctx, Frame, Given, LoopId, THIS, Via, assumptions, consistent,
};
pub(crate) use instances::constructor;
pub(crate) use memo::distinct;

use super::form::Form;
use super::known::Known;
use super::program::{Module, Modules, Sym};
use super::strings::Strings;
use super::surface;
use super::value::{Func, Host, Literal, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{ChainElement, Expression};
use oxc_syntax::node::NodeId;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Evaluation steps of one question.
const FUEL: usize = 20_000;
/// Evaluation steps of a short look.
const GLANCE_FUEL: usize = 2_000;
/// Evaluation steps of a whole plugin; beyond, nothing more is known.
const PLUGIN_FUEL: usize = 4_000_000;
/// The deepest nesting of evaluations.
const DEPTH_MAX: usize = 80;
/// The deepest nesting of calls into the plugin's own functions.
pub(crate) const CALLS_MAX: usize = 6;

/// What inherits in a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bases {
    None,
    /// Only classes, by `extends`.
    Classes,
    /// Objects, too.
    Objects,
}

/// Things that are being evaluated, by the depth at which that began.
type Busy<T> = FxHashMap<T, usize>;

/// The calls of each of the plugin's own functions.
pub(crate) type Callers<'a> = BTreeMap<Func, Rc<Vec<Caller<'a>>>>;

/// What evaluation knows of the whole plugin.
pub(crate) struct Evaluator<'p, 'a> {
    pub(crate) modules: &'p Modules<'a>,
    /// What is known from outside of the code.
    pub(crate) known: &'p Known,
    /// The calls of each function, as far as they are known.
    pub(crate) callers: Callers<'a>,
    /// The handlers that each function is, by their number and what must be taken for granted for it.
    pub(crate) handlers: BTreeMap<Func, Vec<(usize, Vec<Assumed<'a>>)>>,
    /// The objects that handlers are bound to.
    pub(crate) receivers: BTreeMap<Func, Vec<Value<'a>>>,
    /// The topics or other names of the handlers.
    pub(crate) topics: Vec<Strings>,
    /// The arguments that handlers get: each the numbers of the handlers that it may be of.
    pub(crate) events: Vec<Vec<usize>>,
    /// What each function returns: the argument of every `return`, or of every `yield` of a generator.
    returns: BTreeMap<Func, Vec<&'a Expression<'a>>>,
    /// What the `yield*` of each generator go through.
    delegated: BTreeMap<Func, Vec<&'a Expression<'a>>>,
    /// The call of `super(…)` in each constructor.
    supers: BTreeMap<Func, CallRef<'a>>,
    heap: heap::Heap<'a>,
    /// Whether it is known what each change of a list is meant for, as far as callers are known.
    lists_are_settled: bool,
    /// Whether some class or object says what it inherits from: then a method's object may be of another kind than the
    /// one that the method is written in, and what that one has may be another's.
    bases: Bases,
    heirs: Option<receivers::Heirs<'a>>,
    /// Parameters that were asked for outside of a call, by function and position.
    pub(crate) touched: Vec<(Func, usize)>,
    /// Methods whose object was asked for outside of a call.
    pub(crate) touched_this: Vec<Func>,
    /// Calls taken for granted.
    assumed: Vec<Assumed<'a>>,
    /// Which of them mattered, by their place in `assumed`, and which argument.
    pub(crate) used: Vec<(usize, usize)>,
    /// Loops over several known items that mattered.
    pub(crate) loops: Vec<(LoopId, usize)>,
    /// The functions whose callers and handlers were looked up.
    consulted: Vec<Func>,
    /// The same of the questions before this one, since they were last asked for.
    consulted_before: Vec<Func>,
    /// The item that a loop is at.
    picks: Vec<(LoopId, usize)>,
    /// Whether parameters are what all callers give together.
    merging: bool,
    cache: Vec<Vec<Option<Value<'a>>>>,
    memo: memo::Memo<'a>,
    /// What is being evaluated, each with the depth at which that began.
    busy: Busy<(Sym, usize)>,
    busy_arguments: Busy<(Func, usize)>,
    busy_writes: Busy<(usize, NodeId)>,
    /// The outermost depth at which something began that an answer was cut short for.
    cycle: usize,
    /// JSON modules as values.
    documents: BTreeMap<usize, Value<'a>>,
    /// Counts answers that hold only for this question: cycles, frames, parameters, an empty budget.
    passing: usize,
    fuel: usize,
    /// Steps left for the whole plugin.
    plugin_fuel: usize,
    depth: usize,
    /// Whether the budget of the last question, or of the plugin, was too small.
    pub(crate) exhausted: bool,
}

impl<'p, 'a> Evaluator<'p, 'a> {
    pub(crate) fn new(modules: &'p Modules<'a>, known: &'p Known) -> Self {
        let mut new = Self {
            modules,
            known,
            callers: BTreeMap::new(),
            handlers: BTreeMap::new(),
            receivers: BTreeMap::new(),
            topics: Vec::new(),
            events: Vec::new(),
            returns: BTreeMap::new(),
            delegated: BTreeMap::new(),
            supers: BTreeMap::new(),
            heap: heap::Heap::default(),
            lists_are_settled: false,
            bases: Bases::None,
            heirs: None,
            touched: Vec::new(),
            touched_this: Vec::new(),
            assumed: Vec::new(),
            used: Vec::new(),
            loops: Vec::new(),
            consulted: Vec::new(),
            consulted_before: Vec::new(),
            picks: Vec::new(),
            merging: false,
            cache: Vec::new(),
            memo: memo::Memo::new(),
            busy: Busy::default(),
            busy_arguments: Busy::default(),
            busy_writes: Busy::default(),
            cycle: usize::MAX,
            documents: BTreeMap::new(),
            passing: 0,
            fuel: FUEL,
            plugin_fuel: PLUGIN_FUEL,
            depth: 0,
            exhausted: false,
        };
        for at in 0..modules.list.len() {
            new.survey(at);
        }
        new.forget();
        new
    }

    /// Forgets what was evaluated, once more is known of handlers and callers.
    pub(crate) fn forget(&mut self) {
        let symbols = |module: &Module<'_>| module.semantic.as_ref().map_or(0, |one| one.scoping().symbols_len());
        self.cache = self.modules.list.iter().map(|module| vec![None; symbols(module)]).collect();
        self.heap.forget();
        self.heirs = None;
        self.memo.forget();
        self.lists_are_settled = false;
    }

    /// What a call gives its function at a position; a fresh question.
    pub(crate) fn ask_given(&mut self, call: CallRef<'a>, at: usize) -> Value<'a> {
        self.begin(FUEL);
        self.given(call, at, &None)
    }

    /// What a call calls; a fresh question.
    pub(crate) fn ask_callee(&mut self, call: CallRef<'a>) -> Callee<'a> {
        self.begin(FUEL);
        self.callee(call, &None)
    }

    /// What an expression may be, as far as a short look tells; for questions that are asked everywhere.
    pub(crate) fn glance(&mut self, module: usize, expression: &'a Expression<'a>) -> Value<'a> {
        self.glanced(|this| this.eval(module, expression, &None))
    }

    /// Answers a question with parameters being what all callers give together.
    pub(crate) fn glanced<T>(&mut self, question: impl FnOnce(&mut Self) -> T) -> T {
        self.begin(GLANCE_FUEL);
        self.merging = true;
        let answer = question(self);
        self.merging = false;
        answer
    }

    /// Starts a question with its own budget.
    fn begin(&mut self, fuel: usize) {
        self.settle_lists();
        self.fuel = fuel.min(self.plugin_fuel);
        self.depth = 0;
        self.exhausted = false;
        self.cycle = usize::MAX;
        self.busy.clear();
        self.busy_arguments.clear();
        self.busy_writes.clear();
        self.touched.clear();
        self.touched_this.clear();
        self.used.clear();
        self.loops.clear();
        self.consulted_before.append(&mut self.consulted);
    }

    /// The functions whose callers and handlers decided the answers since this was last asked, sorted.
    pub(crate) fn take_consulted(&mut self) -> Vec<Func> {
        self.consulted_before.append(&mut self.consulted);
        self.consulted_before.sort_unstable();
        self.consulted_before.dedup();
        std::mem::take(&mut self.consulted_before)
    }

    /// Whether the plugin as a whole has used up what it is granted.
    pub(crate) fn is_spent(&self) -> bool {
        self.plugin_fuel == 0
    }

    pub(crate) fn module(&self, at: usize) -> &'p Module<'a> {
        let modules: &'p Modules<'a> = self.modules;
        &modules.list[at]
    }

    /// Notes what functions return and what is written to fields.
    fn survey(&mut self, at: usize) {
        let Some(semantic) = &self.module(at).semantic else { return };
        for node in semantic.nodes().iter() {
            self.heap.note_target(at, semantic.nodes(), node.id());
            match node.kind() {
                AstKind::ReturnStatement(it) => {
                    if let (Some(value), Some(func)) = (&it.argument, self.enclosing_function(at, node.id()))
                        && !self.is_generator(func)
                    {
                        self.returns.entry(func).or_default().push(value);
                    }
                }
                AstKind::YieldExpression(it) => {
                    if let (Some(value), Some(func)) = (&it.argument, self.enclosing_function(at, node.id())) {
                        let of_one = if it.delegate { &mut self.delegated } else { &mut self.returns };
                        of_one.entry(func).or_default().push(value);
                    }
                }
                AstKind::ArrowFunctionExpression(it) => {
                    if let Some(value) = it.body.as_expression() {
                        self.returns.entry((at, node.id())).or_default().push(value);
                    }
                }
                AstKind::Class(it) if it.heritage.is_some() => self.bases = self.bases.max(Bases::Classes),
                AstKind::ObjectProperty(it) if instances::is_prototype(it) => self.bases = Bases::Objects,
                AstKind::AssignmentExpression(it) => self.heap.note(at, it),
                // What is on a prototype is inherited.
                AstKind::StaticMemberExpression(it) if it.property.name == "prototype" => self.bases = Bases::Objects,
                AstKind::CallExpression(it) => {
                    if self.heap.note_prototype(at, it) {
                        self.bases = Bases::Objects;
                    }
                    self.heap.note_assign(at, it);
                    self.heap.note_addition(at, it);
                    self.heap.note_defined(at, it);
                    self.heap.note_list_call(at, it);
                    if let (Expression::Super(_), Some(func)) = (&it.callee, self.enclosing_function(at, node.id())) {
                        self.supers.insert(func, CallRef::of_call(at, it));
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether anything inherits.
    pub(crate) fn inherits(&self) -> bool {
        self.bases > Bases::None
    }

    pub(super) fn is_generator(&self, (module, node): Func) -> bool {
        matches!(self.module(module).kind(node), Some(AstKind::Function(it)) if it.generator)
    }

    /// The innermost function around a node.
    pub(crate) fn enclosing_function(&self, at: usize, node: NodeId) -> Option<Func> {
        let nodes = self.module(at).semantic.as_ref()?.nodes();
        nodes.ancestors(node).find(|one| is_function(one.kind())).map(|one| (at, one.id()))
    }

    pub(super) fn eval(&mut self, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        if self.fuel == 0 || self.depth >= DEPTH_MAX {
            self.passing += 1;
            self.exhausted = true;
            return Value::unknown("too much to evaluate");
        }
        self.fuel -= 1;
        self.plugin_fuel = self.plugin_fuel.saturating_sub(1);
        self.depth += 1;
        let value = self.eval_once(module, expression.get_inner_expression(), ctx);
        self.depth -= 1;
        value
    }

    /// Stands for what a form of writing gives that is not followed.
    pub(super) fn lacking(&self, form: Form) -> Option<Value<'a>> {
        self.known.lacks(form).then(|| Value::unknown("a form of writing that is left out"))
    }

    fn eval_one(&mut self, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match expression {
            Expression::StringLiteral(it) => Value::text(it.value.as_str()),
            Expression::NumericLiteral(it) => Value::Scalar(it.value.to_string()),
            Expression::BooleanLiteral(it) => Value::truth(it.value),
            Expression::NullLiteral(_) => Value::Nullish,
            Expression::TemplateLiteral(it) => self.template(module, it, ctx),
            Expression::Identifier(it) => self.identifier(module, it, ctx),
            Expression::ConditionalExpression(it) => self.conditional(module, it, ctx),
            Expression::LogicalExpression(it) => self.logical(module, it, ctx),
            Expression::BinaryExpression(it) => self.binary(module, it, ctx),
            Expression::UnaryExpression(it) => self.unary(module, it, ctx),
            Expression::ArrayExpression(it) => self.array(module, it, ctx),
            Expression::ObjectExpression(it) => {
                Value::Literal(Rc::new(Literal { module, object: it, ctx: ctx.clone() }))
            }
            Expression::ArrowFunctionExpression(it) => Value::function((module, it.node_id.get()), ctx.clone()),
            Expression::FunctionExpression(it) => Value::function((module, it.node_id.get()), ctx.clone()),
            Expression::ClassExpression(it) => Self::class(module, it, ctx),
            Expression::AwaitExpression(it) => self.eval(module, &it.argument, ctx),
            Expression::AssignmentExpression(it) => self.assigned(module, it, ctx),
            Expression::SequenceExpression(it) => match it.expressions.last() {
                Some(last) => self.eval(module, last, ctx),
                None => Value::Nullish,
            },
            Expression::StaticMemberExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                if let Expression::Super(here) = &it.object {
                    let here = (module, here.node_id.get());
                    return self.inherited_member(&object, it.property.name.as_str(), here, ctx);
                }
                self.member(&object, it.property.name.as_str())
            }
            Expression::Super(it) => self.base_around(module, it.node_id.get(), ctx),
            Expression::ComputedMemberExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                let key = self.eval(module, &it.expression, ctx);
                if let (Expression::Super(here), Some(key)) = (&it.object, key.as_strings().single()) {
                    return self.inherited_member(&object, key, (module, here.node_id.get()), ctx);
                }
                self.computed_member(&object, &key)
            }
            Expression::PrivateFieldExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                self.member(&object, &format!("#{}", it.field.name))
            }
            Expression::ChainExpression(it) => self.chain(module, &it.expression, ctx),
            Expression::CallExpression(it) => {
                let value = self.call(CallRef::of_call(module, it), ctx);
                self.made_at(value, (module, it.node_id.get()), ctx)
            }
            Expression::NewExpression(it) => {
                let value = self.construct(CallRef::of_new(module, it), ctx);
                self.made_at(value, (module, it.node_id.get()), ctx)
            }
            Expression::ImportExpression(it) => self.dynamic_import(module, it),
            Expression::ThisExpression(it) => self.this(module, it.node_id.get(), ctx),
            Expression::TaggedTemplateExpression(it) => self.tagged(module, it, ctx),
            _ => Value::unknown("an expression that is known only when the plugin runs"),
        }
    }

    fn chain(&mut self, module: usize, element: &'a ChainElement<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match element {
            ChainElement::CallExpression(it) => self.call(CallRef::of_call(module, it), ctx),
            ChainElement::TSNonNullExpression(it) => self.eval(module, &it.expression, ctx),
            ChainElement::StaticMemberExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                self.member(&object, it.property.name.as_str())
            }
            ChainElement::ComputedMemberExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                let key = self.eval(module, &it.expression, ctx);
                self.computed_member(&object, &key)
            }
            ChainElement::PrivateFieldExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                self.member(&object, &format!("#{}", it.field.name))
            }
        }
    }
}

/// Whether a node is a function of any form.
pub(crate) fn is_function(kind: AstKind<'_>) -> bool {
    matches!(kind, AstKind::Function(_) | AstKind::ArrowFunctionExpression(_))
}

/// The host object or method, if that is what a value is.
pub(crate) fn host<'v>(value: &'v Value<'_>) -> Option<&'v Host> {
    match value {
        Value::Host(host) => Some(host),
        _ => None,
    }
}

/// A name that no scope declares.
fn global<'a>(name: &str) -> Value<'a> {
    match name {
        "undefined" => Value::Nullish,
        "NaN" => Value::Scalar(name.to_owned()),
        _ => surface::global(name).unwrap_or_else(|| Value::unknown(&format!("the global `{name}`"))),
    }
}
