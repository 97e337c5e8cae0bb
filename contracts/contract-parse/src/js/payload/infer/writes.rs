//! What becomes of objects and lists after they were made: writes to their fields, and ways out of sight.
//!
//! Effects are taken together whatever their order: a field that is written somewhere may be there, and what gets out
//! of sight may hold anything.

use super::literals::widen;
use super::mutable::{each, forget, has_mutable_items, is_mutable, loosened, of_anything};
use super::names::compound;
use super::{Frames, Inference};
use crate::js::eval::target_of;
use crate::js::payload::code::Call;
use crate::js::program::Sym;
use contract_model::shape::{FieldShape, Form, Shape};
use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::{AssignmentOperator, UnaryOperator};

/// Methods of lists that change nothing.
const READING: [&str; 24] = [
    "map",
    "filter",
    "slice",
    "concat",
    "join",
    "includes",
    "indexOf",
    "lastIndexOf",
    "find",
    "findIndex",
    "findLast",
    "some",
    "every",
    "reduce",
    "reduceRight",
    "forEach",
    "flatMap",
    "flat",
    "at",
    "entries",
    "values",
    "keys",
    "toSorted",
    "toReversed",
];

impl<'a> Inference<'_, '_, 'a> {
    /// The shape after everything that is done by this name.
    pub(super) fn settled(&mut self, symbol: Sym, mut shape: Shape, frames: &Frames<'a>) -> Shape {
        if !is_mutable(&shape) {
            return shape;
        }
        if self.code.is_namespace(symbol.0) && self.is_top_level(symbol) {
            return loosened(shape);
        }
        // A field that is deleted somewhere is not known to be there, whoever else writes it.
        let reads = self.code.references(symbol).into_iter().filter(|(.., write)| !write);
        let (last, first): (Vec<_>, Vec<_>) = reads.partition(|(at, node, _)| self.deletes(*at, *node));
        for (at, node, _) in first.into_iter().chain(last) {
            shape = self.after(at, node, shape, frames);
        }
        shape
    }

    /// Whether `delete` takes away something of the value at a place.
    fn deletes(&self, at: usize, node: NodeId) -> bool {
        let Some(nodes) = self.code.nodes(at) else { return false };
        let around = std::iter::successors(self.code.user(at, node), |(_, outer)| self.code.user(at, *outer));
        let user = around.map(|(_, outer)| nodes.kind(outer)).find(|kind| !is_member(*kind));
        matches!(user, Some(AstKind::UnaryExpression(it)) if it.operator == UnaryOperator::Delete)
    }

    fn is_top_level(&self, symbol: Sym) -> bool {
        self.code.declaration(symbol).is_some_and(|node| self.code.enclosing(symbol.0, node).is_none())
    }

    /// The shape after what is done with it at one place.
    pub(super) fn after(&mut self, at: usize, node: NodeId, shape: Shape, frames: &Frames<'a>) -> Shape {
        if !is_mutable(&shape) || self.fuel == 0 {
            return if self.fuel == 0 { loosened(shape) } else { shape };
        }
        self.fuel -= 1;
        let (Some((inner, outer)), Some(nodes)) = (self.code.user(at, node), self.code.nodes(at)) else {
            return loosened(shape);
        };
        let span = nodes.kind(inner).span();
        match nodes.kind(outer) {
            AstKind::StaticMemberExpression(it) => {
                self.after_member(at, outer, Some(it.property.name.as_str()), shape, frames)
            }
            AstKind::ComputedMemberExpression(it) if it.object.span() == span => {
                let key = match self.infer(at, &it.expression, frames).form {
                    Form::Text(Some(name)) => Some(name),
                    _ => None,
                };
                self.after_member(at, outer, key.as_deref(), shape, frames)
            }
            AstKind::CallExpression(it) => self.after_call(Call { module: at, it }, span, shape, frames),
            AstKind::VariableDeclarator(it) => self.after_binding(at, &it.id, shape, frames),
            AstKind::AssignmentExpression(it) => self.after_assignment(at, it, span, shape, frames),
            AstKind::ForOfStatement(it) if it.right.span() == span => match &it.left {
                oxc_ast::ast::ForStatementLeft::VariableDeclaration(declaration) => {
                    let pattern = declaration.declarations.first().map(|one| &one.id);
                    self.after_each(at, pattern, shape, frames)
                }
                _ => loosened(shape),
            },
            // It is part of another value, and followed there only by the same name.
            AstKind::ObjectProperty(it) => {
                let name = it.key.static_name().map(std::borrow::Cow::into_owned);
                self.after_container(at, outer, name, shape, frames)
            }
            AstKind::ConditionalExpression(it) if it.test.span() != span => self.after(at, outer, shape, frames),
            AstKind::LogicalExpression(_) | AstKind::AwaitExpression(_) | AstKind::SequenceExpression(_) => {
                self.after(at, outer, shape, frames)
            }
            AstKind::ArrayExpression(_)
            | AstKind::SpreadElement(_)
            | AstKind::ReturnStatement(_)
            | AstKind::ArrowFunctionExpression(_)
            | AstKind::ExpressionStatement(_)
            | AstKind::ExportSpecifier(_)
            | AstKind::ExportDefaultDeclaration(_)
            | AstKind::ConditionalExpression(_)
            | AstKind::BinaryExpression(_)
            | AstKind::UnaryExpression(_)
            | AstKind::TemplateLiteral(_)
            | AstKind::IfStatement(_)
            | AstKind::WhileStatement(_)
            | AstKind::SwitchStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ThrowStatement(_) => shape,
            _ => loosened(shape),
        }
    }

    fn after_member(
        &mut self,
        at: usize,
        node: NodeId,
        name: Option<&str>,
        shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        let (Some((inner, outer)), Some(nodes)) = (self.code.user(at, node), self.code.nodes(at)) else {
            return loosened(shape);
        };
        let span = nodes.kind(inner).span();
        match nodes.kind(outer) {
            AstKind::AssignmentExpression(it) if it.left.span() == span => {
                let value = match it.operator {
                    AssignmentOperator::Assign => self.infer(at, &it.right, frames),
                    operator => compound(operator),
                };
                self.write(at, shape, name, &value, nodes.kind(node).span())
            }
            AstKind::UnaryExpression(it) if it.operator == UnaryOperator::Delete => forget(shape, name),
            AstKind::CallExpression(it) if it.callee.span() == span => self.after_method(at, it, name, shape, frames),
            _ if target_of(nodes, inner).is_some() => self.write(at, shape, name, &Shape::unknown(), span),
            _ => self.after_part(at, node, name, shape, frames),
        }
    }

    /// A field is read: what is done with it is done to the whole.
    fn after_part(&mut self, at: usize, node: NodeId, name: Option<&str>, shape: Shape, frames: &Frames<'a>) -> Shape {
        each(shape, |one| match (&mut one.form, name) {
            (Form::Object(object), Some(name)) => {
                if let Some(field) = object.fields.get_mut(name) {
                    field.value = self.after(at, node, field.value.clone(), frames);
                }
            }
            (Form::Object(object), None) => {
                for (_, field) in &mut object.fields {
                    field.value = self.after(at, node, field.value.clone(), frames);
                }
            }
            (Form::List(list), _) => {
                for item in &mut list.items {
                    *item = self.after(at, node, item.clone(), frames);
                }
                if let Some(rest) = &mut list.rest {
                    **rest = self.after(at, node, (**rest).clone(), frames);
                }
            }
            _ => {}
        })
    }

    fn write(&mut self, at: usize, shape: Shape, name: Option<&str>, value: &Shape, span: oxc_span::Span) -> Shape {
        let origin = self.code.origin(at, span);
        each(shape, |one| match (&mut one.form, name) {
            (Form::Object(object), Some(name)) => {
                let field = match object.fields.remove(name) {
                    Some(old) => FieldShape { value: Shape::one_of([old.value, value.clone()]), ..old },
                    None => FieldShape { value: value.clone(), always: false, at: Some(origin.clone()) },
                };
                object.fields.insert(name.to_owned(), field);
            }
            (Form::Object(object), None) => widen(object),
            (Form::List(list), _) => *list = of_anything(),
            _ => {}
        })
    }

    fn after_method(
        &mut self,
        at: usize,
        it: &'a CallExpression<'a>,
        name: Option<&str>,
        shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        let Some(name) = name else { return loosened(shape) };
        if !shape.alternatives().iter().all(|one| matches!(one.form, Form::List(_))) {
            return if matches!(name, "hasOwnProperty" | "toString" | "valueOf") { shape } else { loosened(shape) };
        }
        if name == "push" {
            let added: Vec<Shape> = it
                .arguments
                .iter()
                .map(|argument| argument.as_expression().map_or_else(Shape::unknown, |it| self.infer(at, it, frames)))
                .collect();
            return each(shape, |one| {
                if let Form::List(list) = &mut one.form {
                    let before = list.rest.take().map(|rest| *rest);
                    list.rest = Some(Box::new(Shape::one_of(before.into_iter().chain(added.clone()))));
                }
            });
        }
        if !READING.contains(&name) {
            return loosened(shape);
        }
        match it.arguments.first().and_then(|argument| argument.as_expression()).map(Expression::get_inner_expression) {
            Some(Expression::ArrowFunctionExpression(callback)) => {
                let element = callback.params.items.get(usize::from(name.starts_with("reduce")));
                self.after_each(at, element.map(|one| &one.pattern), shape, frames)
            }
            Some(Expression::FunctionExpression(callback)) => {
                let element = callback.params.items.get(usize::from(name.starts_with("reduce")));
                self.after_each(at, element.map(|one| &one.pattern), shape, frames)
            }
            Some(Expression::Identifier(_)) if has_mutable_items(&shape) => loosened(shape),
            _ => shape,
        }
    }
}

fn is_member(kind: AstKind<'_>) -> bool {
    matches!(
        kind,
        AstKind::StaticMemberExpression(_) | AstKind::ComputedMemberExpression(_) | AstKind::PrivateFieldExpression(_)
    )
}
