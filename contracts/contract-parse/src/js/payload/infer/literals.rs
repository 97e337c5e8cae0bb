//! Objects, lists and templates as they are written.

use super::{Frames, Inference};
use contract_model::shape::{FieldShape, Form, ListShape, Numeric, ObjectShape, Shape};
use litemap::LiteMap;
use oxc_ast::ast::{
    ArrayExpression, ArrayExpressionElement, Expression, ObjectExpression, ObjectProperty, ObjectPropertyKind,
    PropertyKind, TemplateLiteral,
};
use oxc_span::GetSpan;
use std::collections::BTreeSet;

impl<'a> Inference<'_, '_, 'a> {
    pub(super) fn template(&mut self, module: usize, it: &'a TemplateLiteral<'a>, frames: &Frames<'a>) -> Shape {
        let mut text = Some(String::new());
        let mut expressions = it.expressions.iter();
        for quasi in &it.quasis {
            text = text.and_then(|text| Some(text + quasi.value.cooked.as_ref()?.as_str()));
            if let Some(expression) = expressions.next() {
                let part = self.infer(module, expression, frames);
                text = text.and_then(|text| Some(text + &as_text(&part)?));
            }
        }
        Shape::of(Form::Text(text))
    }

    pub(super) fn object(&mut self, module: usize, it: &'a ObjectExpression<'a>, frames: &Frames<'a>) -> Shape {
        let fields = LiteMap::with_capacity(it.properties.len());
        let mut object = ObjectShape { fields, open: false };
        for property in &it.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(it) => self.property(module, it, &mut object, frames),
                ObjectPropertyKind::SpreadProperty(it) => {
                    let spread = self.spread(module, &it.argument, frames);
                    add_spread(&mut object, &spread);
                }
            }
        }
        Shape::of(Form::Object(object)).at(self.code.origin(module, it.span))
    }

    /// What `...value` gives. Whatever makes the left side of `&&` the result has no fields.
    fn spread(&mut self, module: usize, value: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        match value.get_inner_expression() {
            Expression::LogicalExpression(it) if it.operator.is_and() => {
                Shape::one_of([Shape::of(Form::Absent), self.infer(module, &it.right, frames)])
            }
            _ => self.infer(module, value, frames),
        }
    }

    fn property(&mut self, module: usize, it: &'a ObjectProperty<'a>, object: &mut ObjectShape, frames: &Frames<'a>) {
        let name = match it.key.static_name().filter(|_| !it.computed) {
            // It sets the prototype, which is not sent.
            Some(name) if name == "__proto__" && !it.shorthand => return,
            Some(name) => name.into_owned(),
            None => match it.key.as_expression().map(|key| self.infer(module, key, frames)) {
                Some(Shape { form: Form::Text(Some(name)), .. }) => name,
                Some(Shape { form: Form::Number(Numeric::Exact(number)), .. }) => number.to_string(),
                // It may be any name, also one that was given before.
                _ => return widen(object),
            },
        };
        let value = if it.kind == PropertyKind::Init && !it.method {
            self.infer(module, &it.value, frames)
        } else {
            Shape::unknown()
        };
        let at = Some(self.code.origin(module, it.key.span()));
        object.fields.insert(name, FieldShape { value, always: true, at });
    }

    pub(super) fn array(&mut self, module: usize, it: &'a ArrayExpression<'a>, frames: &Frames<'a>) -> Shape {
        let mut list = ListShape::default();
        for element in &it.elements {
            match element {
                ArrayExpressionElement::SpreadElement(it) => {
                    let spread = self.infer(module, &it.argument, frames);
                    extend(&mut list, &spread);
                }
                ArrayExpressionElement::Elision(_) => push(&mut list, Shape::of(Form::Absent)),
                other => {
                    let item = other.as_expression().map(|it| self.infer(module, it, frames));
                    push(&mut list, item.unwrap_or_else(Shape::unknown));
                }
            }
        }
        Shape::of(Form::List(list)).at(self.code.origin(module, it.span))
    }
}

/// A known scalar as JavaScript writes it into a text.
fn as_text(shape: &Shape) -> Option<String> {
    match &shape.form {
        Form::Text(text) => text.clone(),
        Form::Bool(Some(flag)) => Some(flag.to_string()),
        Form::Number(Numeric::Exact(number)) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Form::Null => Some("null".to_owned()),
        _ => None,
    }
}

/// Something unknown is written into an object: each field may be another, and more may be there.
pub(super) fn widen(object: &mut ObjectShape) {
    object.open = true;
    for (_, field) in &mut object.fields {
        field.value = Shape { form: Form::Unknown, at: field.value.at.clone() };
        field.always = false;
    }
}

/// `...value` in an object.
pub(super) fn add_spread(object: &mut ObjectShape, spread: &Shape) {
    let all = spread.alternatives();
    let mut parts: Vec<ObjectShape> = Vec::new();
    for one in all {
        match &one.form {
            Form::Object(part) => parts.push(part.clone()),
            // Scalars have no fields of their own.
            Form::Absent | Form::Null | Form::Bool(_) | Form::Number(_) => parts.push(ObjectShape::default()),
            Form::Unknown | Form::Text(_) | Form::List(_) | Form::OneOf(_) => return widen(object),
        }
    }
    if parts.iter().any(|part| part.open) {
        widen(object);
    }
    let names: BTreeSet<String> = parts.iter().flat_map(|part| part.fields.keys().cloned()).collect();
    for name in names {
        add_field(object, &parts, &name);
    }
}

/// One field of several things that may be spread.
fn add_field(object: &mut ObjectShape, parts: &[ObjectShape], name: &str) {
    let given: Vec<&FieldShape> = parts.iter().filter_map(|part| part.fields.get(name)).collect();
    let surely = given.len() == parts.len() && given.iter().all(|field| field.always);
    let before = object.fields.get(name).filter(|_| !surely);
    let values = given.iter().map(|field| field.value.clone()).chain(before.map(|field| field.value.clone()));
    let always = surely || before.is_some_and(|field| field.always);
    let at = given.iter().find_map(|field| field.at.clone());
    let value = Shape::one_of(values.collect::<Vec<_>>());
    object.fields.insert(name.to_owned(), FieldShape { value, always, at });
}

fn push(list: &mut ListShape, item: Shape) {
    match &mut list.rest {
        None => list.items.push(item),
        // After an unknown number of items each further one may stand at any of these places.
        Some(rest) => **rest = Shape::one_of([(**rest).clone(), item]),
    }
}

/// `...value` in a list.
fn extend(list: &mut ListShape, spread: &Shape) {
    match &spread.form {
        Form::List(part) => {
            part.items.iter().for_each(|item| push(list, item.clone()));
            if let Some(rest) = &part.rest {
                let all = list.rest.take().map(|rest| *rest).into_iter().chain([(**rest).clone()]);
                list.rest = Some(Box::new(Shape::one_of(all)));
            }
        }
        _ => list.rest = Some(Box::new(Shape::unknown())),
    }
}
