//! Names: declarations, parameters, imports, and the parts that patterns pick.

use super::{Frames, Inference, member};
use crate::js::payload::code::Code;
use crate::js::program::{Binding, Sym};
use crate::js::value::Func;
use contract_model::shape::{FieldShape, Form, ListShape, Numeric, ObjectShape, Shape};
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, Expression, FormalParameter, IdentifierReference, VariableDeclarator};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::AssignmentOperator;

impl<'a> Inference<'_, '_, 'a> {
    pub(super) fn identifier(&mut self, module: usize, it: &'a IdentifierReference<'a>, frames: &Frames<'a>) -> Shape {
        let Some(symbol) = self.code.symbol(module, it) else {
            return if it.name == "undefined" { Shape::of(Form::Absent) } else { Shape::unknown() };
        };
        match self.code.modules.resolve(symbol) {
            Binding::Symbol(own) if own == symbol => self.named(own, frames),
            Binding::Symbol(other) => self.named(other, &None),
            Binding::Json(at) => self.code.module(at).json.as_ref().map_or_else(Shape::unknown, from_json),
            Binding::Default(at, kind) => match kind.as_expression() {
                Some(expression) => super::mutable::loosened(self.infer(at, expression, &None)),
                None => Shape::unknown(),
            },
            Binding::Namespace(_) => Shape::unknown(),
        }
    }

    /// Whether an expression names a whole module.
    pub(super) fn is_namespace(&self, module: usize, expression: &Expression<'_>) -> bool {
        let symbol =
            expression.get_inner_expression().get_identifier_reference().and_then(|it| self.code.symbol(module, it));
        symbol.is_some_and(|symbol| matches!(self.code.modules.resolve(symbol), Binding::Namespace(_)))
    }

    fn named(&mut self, symbol: Sym, frames: &Frames<'a>) -> Shape {
        if !self.begin(symbol) {
            return Shape::unknown();
        }
        let shape = self.declared(symbol, frames);
        let shape = self.settled(symbol, shape, frames);
        self.busy.remove(&symbol);
        shape
    }

    fn declared(&mut self, symbol: Sym, frames: &Frames<'a>) -> Shape {
        let (at, _) = symbol;
        let (Some(node), Some(nodes)) = (self.code.declaration(symbol), self.code.nodes(at)) else {
            return Shape::unknown();
        };
        let first = match nodes.kind(node) {
            AstKind::VariableDeclarator(it) => self.variable(at, node, it, symbol, frames),
            AstKind::FormalParameter(it) => self.parameter(at, node, it, symbol, frames),
            _ => return Shape::unknown(),
        };
        let writes = self.code.writes(symbol);
        let all = writes.into_iter().map(|(at, node)| self.written(at, node, frames)).collect::<Vec<_>>();
        Shape::one_of(std::iter::once(first).chain(all))
    }

    fn variable(
        &mut self,
        at: usize,
        node: NodeId,
        it: &'a VariableDeclarator<'a>,
        symbol: Sym,
        frames: &Frames<'a>,
    ) -> Shape {
        let value = match &it.init {
            Some(init) => self.infer(at, init, frames),
            None => self.loop_element(at, node, frames),
        };
        let shape = self.pick(at, &it.id, value, symbol, frames).unwrap_or_else(Shape::unknown);
        // A lookup that finds nothing for one caller is mostly used behind a condition that leaves that caller out.
        let computed =
            it.init.as_ref().is_some_and(|init| !matches!(init.get_inner_expression(), Expression::NullLiteral(_)));
        let empty = matches!(shape.form, Form::Null | Form::Absent);
        if computed && empty { Shape::unknown() } else { shape }
    }

    /// What a loop gives the name that its head declares; undefined where there is no loop.
    fn loop_element(&mut self, at: usize, node: NodeId, frames: &Frames<'a>) -> Shape {
        let Some(nodes) = self.code.nodes(at) else { return Shape::unknown() };
        let declaration = nodes.parent_id(node);
        match nodes.parent_kind(declaration) {
            AstKind::ForOfStatement(it) if it.left.span() == nodes.kind(declaration).span() => {
                elements(&self.infer(at, &it.right, frames))
            }
            AstKind::ForInStatement(it) if it.left.span() == nodes.kind(declaration).span() => {
                Shape::of(Form::Text(None))
            }
            _ => Shape::of(Form::Absent),
        }
    }

    /// What a later write gives a name.
    fn written(&mut self, at: usize, node: NodeId, frames: &Frames<'a>) -> Shape {
        let Some(nodes) = self.code.nodes(at) else { return Shape::unknown() };
        let name = nodes.kind(node).span();
        match nodes.parent_kind(node) {
            AstKind::AssignmentExpression(it) if it.left.span() == name => match it.operator {
                AssignmentOperator::Assign => self.infer(at, &it.right, frames),
                operator => compound(operator),
            },
            AstKind::UpdateExpression(_) => Shape::of(Form::Number(Numeric::Any)),
            _ => Shape::unknown(),
        }
    }

    fn parameter(
        &mut self,
        at: usize,
        node: NodeId,
        it: &'a FormalParameter<'a>,
        symbol: Sym,
        frames: &Frames<'a>,
    ) -> Shape {
        let Some(func) = self.code.enclosing(at, node) else { return Shape::unknown() };
        let position =
            self.code.params(func).and_then(|params| params.items.iter().position(|one| one.span == it.span));
        let Some(position) = position else { return Shape::unknown() };
        let mut value = self.argument(func, position, frames);
        if let Some(default) = &it.initializer {
            value = self.or_default(at, value, default, frames);
        }
        self.pick(at, &it.pattern, value, symbol, frames).unwrap_or_else(Shape::unknown)
    }

    /// The argument that a function gets.
    fn argument(&mut self, func: Func, position: usize, frames: &Frames<'a>) -> Shape {
        let mut frame = frames.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                let arguments = &one.call.it.arguments;
                if arguments.iter().take(position + 1).any(oxc_ast::ast::Argument::is_spread) {
                    return Shape::unknown();
                }
                let (module, parent) = (one.call.module, one.parent.clone());
                return match arguments.get(position).and_then(|argument| argument.as_expression()) {
                    Some(expression) => self.infer(module, expression, &parent),
                    None => Shape::of(Form::Absent),
                };
            }
            frame = one.parent.as_ref();
        }
        if !self.code.handled.contains_key(&func) {
            self.touched.push(func);
        }
        Shape::unknown()
    }

    /// The part of a value that a pattern binds to a name.
    pub(super) fn pick(
        &mut self,
        at: usize,
        pattern: &'a BindingPattern<'a>,
        value: Shape,
        symbol: Sym,
        frames: &Frames<'a>,
    ) -> Option<Shape> {
        match pattern {
            BindingPattern::BindingIdentifier(_) => (Code::bound(at, pattern) == Some(symbol)).then_some(value),
            BindingPattern::AssignmentPattern(it) => {
                let value = self.or_default(at, value, &it.right, frames);
                self.pick(at, &it.left, value, symbol, frames)
            }
            BindingPattern::ObjectPattern(it) => {
                for property in &it.properties {
                    let part = match property.key.static_name().filter(|_| !property.computed) {
                        Some(name) => part(&value, &name),
                        None => Shape::unknown(),
                    };
                    if let Some(found) = self.pick(at, &property.value, part, symbol, frames) {
                        return Some(found);
                    }
                }
                let rest = it.rest.as_ref()?;
                let names: Option<Vec<String>> =
                    it.properties.iter().map(|one| one.key.static_name().map(std::borrow::Cow::into_owned)).collect();
                self.pick(at, &rest.argument, without(&value, names.as_deref()), symbol, frames)
            }
            BindingPattern::ArrayPattern(it) => {
                for (position, element) in it.elements.iter().enumerate() {
                    let Some(element) = element else { continue };
                    let part = part(&value, &position.to_string());
                    if let Some(found) = self.pick(at, element, part, symbol, frames) {
                        return Some(found);
                    }
                }
                let rest = it.rest.as_ref()?;
                let list = ListShape { items: Vec::new(), rest: Some(Box::new(elements(&value))) };
                self.pick(at, &rest.argument, Shape::of(Form::List(list)), symbol, frames)
            }
        }
    }

    fn or_default(&mut self, at: usize, value: Shape, default: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        if !value.alternatives().iter().any(|one| one.form == Form::Absent) {
            return value;
        }
        let given = value.alternatives().iter().filter(|one| one.form != Form::Absent).cloned().collect::<Vec<_>>();
        Shape::one_of(given.into_iter().chain([self.infer(at, default, frames)]))
    }
}

fn part(value: &Shape, name: &str) -> Shape {
    Shape::one_of(value.alternatives().iter().map(|one| member(one, name, false)).collect::<Vec<_>>())
}

/// What a loop over a list gives.
pub(super) fn elements(list: &Shape) -> Shape {
    match &list.form {
        Form::List(list) => {
            Shape::one_of(list.items.iter().cloned().chain(list.rest.iter().map(|rest| (**rest).clone())))
        }
        _ => Shape::unknown(),
    }
}

/// What `...rest` leaves of an object.
fn without(value: &Shape, names: Option<&[String]>) -> Shape {
    let (Form::Object(object), Some(names)) = (&value.form, names) else { return Shape::unknown() };
    let mut object = object.clone();
    object.fields.retain(|name, _| !names.contains(name));
    Shape { form: Form::Object(object), at: value.at.clone() }
}

/// What `+=` and the like leave.
pub(super) fn compound(operator: AssignmentOperator) -> Shape {
    match operator {
        AssignmentOperator::Addition => {
            Shape::one_of([Shape::of(Form::Text(None)), Shape::of(Form::Number(Numeric::Any))])
        }
        operator if operator.is_arithmetic() => Shape::of(Form::Number(Numeric::Any)),
        operator if operator.is_bitwise() => Shape::of(Form::Number(Numeric::Whole)),
        _ => Shape::unknown(),
    }
}

fn from_json(json: &serde_json::Value) -> Shape {
    Shape::of(match json {
        serde_json::Value::Null => Form::Null,
        serde_json::Value::Bool(flag) => Form::Bool(Some(*flag)),
        serde_json::Value::Number(number) => Form::Number(Numeric::Exact(number.clone())),
        serde_json::Value::String(text) => Form::Text(Some(text.clone())),
        serde_json::Value::Array(items) => {
            Form::List(ListShape { items: items.iter().map(from_json).collect(), rest: None })
        }
        serde_json::Value::Object(map) => {
            let field = |value| FieldShape { value: from_json(value), always: true, at: None };
            let fields = map.iter().map(|(name, value)| (name.clone(), field(value))).collect();
            Form::Object(ObjectShape { fields, open: false })
        }
    })
}
