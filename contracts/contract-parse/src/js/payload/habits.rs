//! How a publishing call is used: how long it waits, what goes on after it, and whether it is taken for a promise.

use super::code::{Call, Code};
use super::infer::Inference;
use contract_model::shape::{Form, Numeric, Shape};
use oxc_ast::AstKind;
use oxc_ast::ast::Argument;
use oxc_span::GetSpan;

/// The promise's method that is called on what a call gives, if any is.
pub(crate) fn chained<'a>(code: &Code<'_, 'a>, call: Call<'a>) -> Option<&'a str> {
    let nodes = code.nodes(call.module)?;
    let (_, member) = code.user(call.module, call.it.node_id.get())?;
    let AstKind::StaticMemberExpression(it) = nodes.kind(member) else { return None };
    let (inner, outer) = code.user(call.module, member)?;
    let is_called = matches!(nodes.kind(outer), AstKind::CallExpression(outer)
        if outer.callee.span() == nodes.kind(inner).span());
    let name = it.property.name.as_str();
    (is_called && matches!(name, "then" | "catch" | "finally")).then_some(name)
}

/// An option of a call, by the position of its options: its text, `given` where that is not known, `absent`, or none
/// where nothing is known.
pub(crate) fn option<'a>(code: &Code<'_, 'a>, call: Call<'a>, position: usize, name: &str) -> Option<String> {
    let arguments = &call.it.arguments;
    if arguments.iter().any(Argument::is_spread) {
        return None;
    }
    let Some(options) = arguments.get(position).and_then(Argument::as_expression) else {
        return Some("absent".to_owned());
    };
    said(&Inference::new(code).ask(call.module, options, &None), name)
}

fn said(options: &Shape, name: &str) -> Option<String> {
    match &options.form {
        Form::Absent | Form::Null => Some("absent".to_owned()),
        Form::Object(object) => match object.fields.get(name) {
            Some(field) => match &field.value.form {
                Form::Text(Some(text)) => Some(text.clone()),
                Form::Number(Numeric::Exact(number)) => Some(number.to_string()),
                Form::Absent => Some("absent".to_owned()),
                _ if field.always => Some("given".to_owned()),
                _ => None,
            },
            None if object.open => None,
            None => Some("absent".to_owned()),
        },
        _ => None,
    }
}
