//! The ways of an object or list to other names: bindings, assignments, calls, and fields of others.

use super::calls::{depth, position_of};
use super::mutable::{each, has_mutable_items, loosened};
use super::{CALLS_MAX, Frame, Frames, Inference};
use crate::js::payload::code::{Call, Code, Target};
use contract_model::shape::{Form, Shape};
use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentExpression, BindingPattern, CallExpression, Expression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::rc::Rc;

impl<'a> Inference<'_, '_, 'a> {
    /// Each item is bound to a pattern.
    pub(super) fn after_each(
        &mut self,
        at: usize,
        pattern: Option<&'a BindingPattern<'a>>,
        shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        let Some(pattern) = pattern.filter(|_| has_mutable_items(&shape)) else { return shape };
        each(shape, |one| {
            if let Form::List(list) = &mut one.form {
                for item in list.items.iter_mut().chain(list.rest.as_deref_mut()) {
                    *item = self.after_binding(at, pattern, item.clone(), frames);
                }
            }
        })
    }

    /// Another name for it, or names for its parts.
    pub(super) fn after_binding(
        &mut self,
        at: usize,
        pattern: &'a BindingPattern<'a>,
        shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        match pattern {
            BindingPattern::BindingIdentifier(_) => match Code::bound(at, pattern) {
                Some(symbol) if self.begin(symbol) => {
                    let shape = self.settled(symbol, shape, frames);
                    self.busy.remove(&symbol);
                    shape
                }
                Some(_) => shape,
                None => loosened(shape),
            },
            BindingPattern::AssignmentPattern(it) => self.after_binding(at, &it.left, shape, frames),
            BindingPattern::ObjectPattern(it) => {
                let mut shape = shape;
                for property in &it.properties {
                    let Some(name) = property.key.static_name().filter(|_| !property.computed) else {
                        return loosened(shape);
                    };
                    shape = each(shape, |one| {
                        if let Form::Object(object) = &mut one.form
                            && let Some(field) = object.fields.get_mut(name.as_ref())
                        {
                            field.value = self.after_binding(at, &property.value, field.value.clone(), frames);
                        }
                    });
                }
                shape
            }
            BindingPattern::ArrayPattern(_) => {
                if has_mutable_items(&shape) {
                    loosened(shape)
                } else {
                    shape
                }
            }
        }
    }

    pub(super) fn after_assignment(
        &mut self,
        at: usize,
        it: &'a AssignmentExpression<'a>,
        span: oxc_span::Span,
        shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        if it.right.span() != span {
            return shape;
        }
        let oxc_ast::ast::AssignmentTarget::AssignmentTargetIdentifier(name) = &it.left else { return loosened(shape) };
        match self.code.symbol(at, name) {
            Some(symbol) if self.begin(symbol) => {
                let shape = self.settled(symbol, shape, frames);
                self.busy.remove(&symbol);
                shape
            }
            Some(_) => shape,
            None => loosened(shape),
        }
    }

    pub(super) fn after_call(
        &mut self,
        call: Call<'a>,
        span: oxc_span::Span,
        shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        let Some(position) = position_of(call.it, span) else { return loosened(shape) };
        let targets = self.code.targets(call).to_vec();
        if targets.is_empty() {
            return if is_reading(call.it, position) { shape } else { loosened(shape) };
        }
        targets.into_iter().fold(shape, |shape, target| match target {
            // What crosses to the host is copied.
            Target::Host(..) | Target::Event(..) => shape,
            Target::Own(func) => {
                let pattern =
                    self.code.params(func).and_then(|params| params.items.get(position)).map(|one| &one.pattern);
                match pattern {
                    Some(pattern) if depth(frames) < CALLS_MAX => {
                        let inner = Some(Rc::new(Frame { func, call, parent: frames.clone() }));
                        self.after_binding(func.0, pattern, shape, &inner)
                    }
                    None if self.code.params(func).is_some_and(|params| params.rest.is_none()) => shape,
                    _ => loosened(shape),
                }
            }
        })
    }

    /// It becomes a field of an object; where that has a name, what is done to the field by that name counts.
    pub(super) fn after_container(
        &mut self,
        at: usize,
        property: NodeId,
        name: Option<String>,
        mut shape: Shape,
        frames: &Frames<'a>,
    ) -> Shape {
        let (Some(nodes), Some(name)) = (self.code.nodes(at), name) else { return loosened(shape) };
        let Some((_, user)) = self.code.user(at, nodes.parent_id(property)) else { return shape };
        let AstKind::VariableDeclarator(it) = nodes.kind(user) else { return shape };
        let Some(symbol) = Code::bound(at, &it.id) else { return shape };
        for (at, node, _) in self.code.references(symbol) {
            let Some((_, member)) = self.code.user(at, node) else { continue };
            let same = self.code.nodes(at).is_some_and(|nodes| {
                matches!(nodes.kind(member), AstKind::StaticMemberExpression(it) if it.property.name == name.as_str())
            });
            if same {
                shape = self.after(at, member, shape, frames);
            }
        }
        shape
    }
}

/// Whether a built-in function only reads its argument at a position.
fn is_reading(call: &CallExpression<'_>, position: usize) -> bool {
    match call.callee.get_inner_expression() {
        Expression::Identifier(it) => matches!(it.name.as_str(), "String" | "Number" | "Boolean" | "structuredClone"),
        Expression::StaticMemberExpression(it) => {
            let object = it.object.get_identifier_reference().map(|it| it.name.as_str());
            match (object, it.property.name.as_str()) {
                (Some("JSON" | "console" | "Math" | "Array"), _) => true,
                (Some("Object"), "assign") => position > 0,
                (Some("Object"), name) => !matches!(name, "defineProperty" | "defineProperties" | "setPrototypeOf"),
                // It becomes an item of a list, or is looked for.
                (_, name) => matches!(name, "push" | "unshift" | "concat" | "includes" | "indexOf" | "has"),
            }
        }
        _ => false,
    }
}
