//! The abstract evaluator: what an expression may be, as far as the texts alone tell.
//!
//! Evaluation is driven by demand. A parameter is known inside a frame, which names the call that gave the
//! arguments; outside of one it is unknown and noted in `touched`, so that `summaries` can ask again from
//! each caller.

mod calls;
mod members;
mod symbols;

pub(crate) use calls::{ITERATORS, method_of};

use super::program::{Module, Modules, Sym};
use super::strings::Strings;
use super::surface;
use super::value::{Func, Host, Items, Shape, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{
    ArrayExpression, ArrayExpressionElement, BinaryExpression, CallExpression, ChainElement, Class, ClassElement,
    Expression, LogicalExpression, MethodDefinitionKind, ObjectExpression, ObjectProperty, ObjectPropertyKind,
    PropertyKey, PropertyKind, TemplateLiteral,
};
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::{BinaryOperator, LogicalOperator};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Evaluation steps of one question.
const FUEL: usize = 20_000;
/// Evaluation steps of a short look.
const GLANCE_FUEL: usize = 1_000;
/// The deepest nesting of evaluations.
const DEPTH_MAX: usize = 80;
/// The deepest nesting of calls into the plugin's own functions.
pub(crate) const CALLS_MAX: usize = 4;

/// A call and the module it stands in.
#[derive(Clone, Copy)]
pub(crate) struct CallRef<'a> {
    pub(crate) module: usize,
    pub(crate) call: &'a CallExpression<'a>,
}

/// A call into one of the plugin's own functions.
pub(crate) struct Frame<'a> {
    pub(crate) func: Func,
    pub(crate) call: CallRef<'a>,
    pub(crate) parent: Ctx<'a>,
}

/// The calls that an evaluation is inside of, innermost first.
pub(crate) type Ctx<'a> = Option<Rc<Frame<'a>>>;

/// What evaluation knows of the whole plugin.
pub(crate) struct Evaluator<'p, 'a> {
    pub(crate) modules: &'p Modules<'a>,
    /// The handler that each function is.
    pub(crate) handlers: BTreeMap<Func, usize>,
    /// The topics or other names of the handlers.
    pub(crate) topics: Vec<Strings>,
    /// Calls such as `list.forEach(f)`, by the function they call for each element.
    pub(crate) iterations: BTreeMap<Func, Vec<CallRef<'a>>>,
    /// What each function returns: the argument of every `return`.
    pub(crate) returns: BTreeMap<Func, Vec<&'a Expression<'a>>>,
    /// Parameters that were asked for outside of a frame, by function and position.
    pub(crate) touched: Vec<(Func, usize)>,
    cache: BTreeMap<Sym, Value>,
    busy: BTreeSet<Sym>,
    /// Counts answers that hold only for this question: cycles, frames, parameters, an empty budget.
    passing: usize,
    fuel: usize,
    depth: usize,
}

impl<'p, 'a> Evaluator<'p, 'a> {
    pub(crate) fn new(modules: &'p Modules<'a>) -> Self {
        let mut new = Self {
            modules,
            handlers: BTreeMap::new(),
            topics: Vec::new(),
            iterations: BTreeMap::new(),
            returns: BTreeMap::new(),
            touched: Vec::new(),
            cache: BTreeMap::new(),
            busy: BTreeSet::new(),
            passing: 0,
            fuel: FUEL,
            depth: 0,
        };
        for at in 0..modules.list.len() {
            new.collect_returns(at);
        }
        new
    }

    /// Forgets what was evaluated, once more is known of handlers and loops.
    pub(crate) fn forget(&mut self) {
        self.cache.clear();
    }

    /// What an expression may be; a fresh question with its own budget.
    pub(crate) fn ask(&mut self, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value {
        self.ask_within(FUEL, module, expression, ctx)
    }

    /// What an expression may be, as far as a short look tells; for questions that are asked everywhere.
    pub(crate) fn glance(&mut self, module: usize, expression: &'a Expression<'a>) -> Value {
        self.ask_within(GLANCE_FUEL, module, expression, &None)
    }

    fn ask_within(&mut self, fuel: usize, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value {
        self.fuel = fuel;
        self.depth = 0;
        self.busy.clear();
        self.touched.clear();
        self.eval(module, expression, ctx)
    }

    pub(crate) fn module(&self, at: usize) -> &'p Module<'a> {
        let modules: &'p Modules<'a> = self.modules;
        &modules.list[at]
    }

    fn collect_returns(&mut self, at: usize) {
        let Some(semantic) = &self.module(at).semantic else { return };
        for node in semantic.nodes().iter() {
            match node.kind() {
                AstKind::ReturnStatement(it) => {
                    if let (Some(value), Some(func)) = (&it.argument, self.enclosing_function(at, node.id())) {
                        self.returns.entry(func).or_default().push(value);
                    }
                }
                AstKind::ArrowFunctionExpression(it) => {
                    if let Some(value) = it.body.as_expression() {
                        self.returns.entry((at, node.id())).or_default().push(value);
                    }
                }
                _ => {}
            }
        }
    }

    /// The innermost function around a node.
    pub(crate) fn enclosing_function(&self, at: usize, node: NodeId) -> Option<Func> {
        let nodes = self.module(at).semantic.as_ref()?.nodes();
        nodes.ancestors(node).find(|one| is_function(one.kind())).map(|one| (at, one.id()))
    }

    pub(super) fn eval(&mut self, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value {
        if self.fuel == 0 || self.depth >= DEPTH_MAX {
            self.passing += 1;
            return Value::unknown("too much to evaluate");
        }
        self.fuel -= 1;
        self.depth += 1;
        let value = self.eval_one(module, expression.get_inner_expression(), ctx);
        self.depth -= 1;
        value
    }

    fn eval_one(&mut self, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value {
        match expression {
            Expression::StringLiteral(it) => Value::text(it.value.as_str()),
            Expression::NumericLiteral(it) => Value::Scalar(it.value.to_string()),
            Expression::BooleanLiteral(it) => Value::Scalar(it.value.to_string()),
            Expression::NullLiteral(_) => Value::Nullish,
            Expression::TemplateLiteral(it) => self.template(module, it, ctx),
            Expression::Identifier(it) => self.identifier(module, it, ctx),
            Expression::ConditionalExpression(it) => {
                self.eval(module, &it.consequent, ctx).join(self.eval(module, &it.alternate, ctx))
            }
            Expression::LogicalExpression(it) => self.logical(module, it, ctx),
            Expression::BinaryExpression(it) => self.binary(module, it, ctx),
            Expression::ArrayExpression(it) => self.array(module, it, ctx),
            Expression::ObjectExpression(it) => self.object(module, it, ctx),
            Expression::ArrowFunctionExpression(it) => functions(module, it.node_id.get()),
            Expression::FunctionExpression(it) => functions(module, it.node_id.get()),
            Expression::ClassExpression(it) => self.class(module, it, ctx),
            Expression::AwaitExpression(it) => self.eval(module, &it.argument, ctx),
            Expression::AssignmentExpression(it) => self.eval(module, &it.right, ctx),
            Expression::SequenceExpression(it) => match it.expressions.last() {
                Some(last) => self.eval(module, last, ctx),
                None => Value::Nullish,
            },
            Expression::StaticMemberExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                self.member(&object, it.property.name.as_str())
            }
            Expression::ComputedMemberExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                let key = self.eval(module, &it.expression, ctx);
                self.computed_member(&object, &key)
            }
            Expression::PrivateFieldExpression(it) => {
                let object = self.eval(module, &it.object, ctx);
                self.member(&object, &format!("#{}", it.field.name))
            }
            Expression::ChainExpression(it) => self.chain(module, &it.expression, ctx),
            Expression::CallExpression(it) => self.call(module, it, ctx),
            Expression::NewExpression(it) => self.construct(module, it, ctx),
            Expression::ImportExpression(it) => self.dynamic_import(module, it),
            Expression::ThisExpression(it) => self.this(module, it.node_id.get(), ctx),
            _ => Value::unknown("an expression that is known only when the plugin runs"),
        }
    }

    fn chain(&mut self, module: usize, element: &'a ChainElement<'a>, ctx: &Ctx<'a>) -> Value {
        match element {
            ChainElement::CallExpression(it) => self.call(module, it, ctx),
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
            ChainElement::PrivateFieldExpression(_) => Value::unknown("a private field"),
        }
    }

    fn template(&mut self, module: usize, it: &'a TemplateLiteral<'a>, ctx: &Ctx<'a>) -> Value {
        let mut text = Strings::one("");
        let mut expressions = it.expressions.iter();
        for quasi in &it.quasis {
            text = text.concat(&Strings::one(quasi.value.cooked.as_ref().map_or("", |cooked| cooked.as_str())));
            if let Some(expression) = expressions.next() {
                text = text.concat(&self.eval(module, expression, ctx).as_strings());
            }
        }
        Value::Text(text)
    }

    fn logical(&mut self, module: usize, it: &'a LogicalExpression<'a>, ctx: &Ctx<'a>) -> Value {
        let left = self.eval(module, &it.left, ctx);
        match it.operator {
            LogicalOperator::And => match self.eval(module, &it.right, ctx) {
                Value::Unknown(why) => Value::Unknown(why),
                right => right,
            },
            LogicalOperator::Or | LogicalOperator::Coalesce => match &left {
                Value::Text(text) if text.exact().is_some_and(|texts| texts.iter().all(|text| !text.is_empty())) => {
                    left
                }
                Value::Object(_) | Value::Array(_) | Value::Functions(_) | Value::Host(_) => left,
                _ => left.join(self.eval(module, &it.right, ctx)),
            },
        }
    }

    fn binary(&mut self, module: usize, it: &'a BinaryExpression<'a>, ctx: &Ctx<'a>) -> Value {
        let left = self.eval(module, &it.left, ctx);
        if it.operator != BinaryOperator::Addition {
            return Value::unknown("a computed value");
        }
        let right = self.eval(module, &it.right, ctx);
        match (&left, &right) {
            (Value::Text(_), _) | (_, Value::Text(_)) => Value::Text(left.as_strings().concat(&right.as_strings())),
            _ => Value::unknown("a sum"),
        }
    }

    fn array(&mut self, module: usize, it: &'a ArrayExpression<'a>, ctx: &Ctx<'a>) -> Value {
        let mut list = Items::default();
        for element in &it.elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => match self.eval(module, &spread.argument, ctx) {
                    Value::Array(inner) if inner.rest.is_none() => list.items.extend(inner.items.iter().cloned()),
                    other => list.rest = Value::join_all(list.rest.take().into_iter().chain([other.element()])),
                },
                ArrayExpressionElement::Elision(_) => list.items.push(Value::Nullish),
                other => {
                    if let Some(expression) = other.as_expression() {
                        list.items.push(self.eval(module, expression, ctx));
                    }
                }
            }
        }
        Value::Array(Rc::new(list))
    }

    fn object(&mut self, module: usize, it: &'a ObjectExpression<'a>, ctx: &Ctx<'a>) -> Value {
        let mut shape = Shape::default();
        for property in &it.properties {
            match property {
                ObjectPropertyKind::SpreadProperty(spread) => match self.eval(module, &spread.argument, ctx) {
                    Value::Object(inner) => {
                        shape.fields.extend(inner.fields.clone());
                        shape.rest = Value::join_all(shape.rest.take().into_iter().chain(inner.rest.clone()));
                    }
                    Value::Nullish => {}
                    _ => shape.rest = Some(Value::unknown("an object that is spread here")),
                },
                ObjectPropertyKind::ObjectProperty(it) => self.property(module, it, &mut shape, ctx),
            }
        }
        Value::Object(Rc::new(shape))
    }

    fn property(&mut self, module: usize, it: &'a ObjectProperty<'a>, shape: &mut Shape, ctx: &Ctx<'a>) {
        let value = match it.kind {
            PropertyKind::Init => self.eval(module, &it.value, ctx),
            // A getter gives what its function returns.
            PropertyKind::Get => match self.eval(module, &it.value, ctx) {
                Value::Functions(set) => self.returned(&set, ctx),
                other => other,
            },
            PropertyKind::Set => return,
        };
        match self.key_name(module, &it.key, it.computed, ctx) {
            Some(names) => {
                for name in names {
                    shape.fields.insert(name, value.clone());
                }
            }
            None => shape.rest = Value::join_all(shape.rest.take().into_iter().chain([value])),
        }
    }

    /// The names a property key may have, if they are known.
    pub(super) fn key_name(
        &mut self,
        module: usize,
        key: &'a PropertyKey<'a>,
        computed: bool,
        ctx: &Ctx<'a>,
    ) -> Option<Vec<String>> {
        if let PropertyKey::PrivateIdentifier(it) = key {
            return Some(vec![format!("#{}", it.name)]);
        }
        if !computed {
            return key.static_name().map(|name| vec![name.into_owned()]);
        }
        let value = self.eval(module, key.as_expression()?, ctx);
        value.as_strings().exact().map(|texts| texts.iter().cloned().collect())
    }

    /// A class as an object of its methods and the fields that have a value; static or not.
    pub(super) fn class(&mut self, module: usize, it: &'a Class<'a>, ctx: &Ctx<'a>) -> Value {
        let mut shape = Shape::default();
        for element in &it.body.body {
            let (key, computed, value) = match element {
                ClassElement::MethodDefinition(method) => {
                    let function = functions(module, method.value.node_id.get());
                    let value = match (method.kind, function) {
                        (MethodDefinitionKind::Get, Value::Functions(set)) => self.returned(&set, ctx),
                        (MethodDefinitionKind::Set, _) => continue,
                        (_, function) => function,
                    };
                    (&method.key, method.computed, value)
                }
                ClassElement::PropertyDefinition(field) => {
                    let Some(value) = &field.value else { continue };
                    (&field.key, field.computed, self.eval(module, value, ctx))
                }
                _ => continue,
            };
            for name in self.key_name(module, key, computed, ctx).unwrap_or_default() {
                shape.fields.insert(name, value.clone());
            }
        }
        Value::Object(Rc::new(shape))
    }

    fn this(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Value {
        let nodes = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes);
        for ancestor in nodes.into_iter().flat_map(|nodes| nodes.ancestor_kinds(node)) {
            match ancestor {
                AstKind::Class(class) => return self.class(module, class, ctx),
                AstKind::ObjectExpression(object) => return self.object(module, object, ctx),
                _ => {}
            }
        }
        Value::unknown("`this`")
    }
}

/// Whether a node is a function of any form.
pub(crate) fn is_function(kind: AstKind<'_>) -> bool {
    matches!(kind, AstKind::Function(_) | AstKind::ArrowFunctionExpression(_))
}

pub(super) fn functions(module: usize, node: NodeId) -> Value {
    Value::Functions(BTreeSet::from([(module, node)]))
}

/// The host object or method, if that is what a value is.
pub(crate) fn host(value: &Value) -> Option<&Host> {
    match value {
        Value::Host(host) => Some(host),
        _ => None,
    }
}

/// A name that no scope declares.
fn global(name: &str) -> Value {
    match name {
        "undefined" => Value::Nullish,
        _ => surface::global(name).unwrap_or_else(|| Value::unknown(&format!("the global `{name}`"))),
    }
}
