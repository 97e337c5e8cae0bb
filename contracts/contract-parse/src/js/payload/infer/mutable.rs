//! Shapes of what can be changed: objects and lists, and what is left of them once they are out of sight.

use super::literals::widen;
use contract_model::shape::{Form, ListShape, ObjectShape, Shape};

pub(super) fn is_mutable(shape: &Shape) -> bool {
    shape.alternatives().iter().any(|one| matches!(one.form, Form::Object(_) | Form::List(_)))
}

pub(super) fn has_mutable_items(shape: &Shape) -> bool {
    shape.alternatives().iter().any(|one| match &one.form {
        Form::List(list) => list.items.iter().chain(list.rest.as_deref()).any(is_mutable),
        _ => false,
    })
}

/// Applies a change to each thing that a shape may be.
pub(super) fn each(mut shape: Shape, mut change: impl FnMut(&mut Shape)) -> Shape {
    match &mut shape.form {
        Form::OneOf(all) => all.iter_mut().for_each(&mut change),
        _ => change(&mut shape),
    }
    shape
}

pub(super) fn of_anything() -> ListShape {
    ListShape { items: Vec::new(), rest: Some(Box::new(Shape::unknown())) }
}

/// The shape of something that got out of sight: still an object or a list, and nothing more is known of it.
pub(super) fn loosened(shape: Shape) -> Shape {
    each(shape, |one| match &mut one.form {
        Form::Object(object) => *object = ObjectShape { open: true, ..ObjectShape::default() },
        Form::List(list) => *list = of_anything(),
        _ => {}
    })
}

/// The shape of an object of which a field is deleted: it may be there, and it may not.
pub(super) fn forget(shape: Shape, name: Option<&str>) -> Shape {
    each(shape, |one| match &mut one.form {
        Form::Object(object) => match name {
            Some(name) => {
                object.fields.remove(name);
                object.open = true;
            }
            None => widen(object),
        },
        Form::List(list) => *list = of_anything(),
        _ => {}
    })
}
