//! Host objects that go where they cannot be followed.

use super::eval::{Evaluator, Via, method_of};
use super::index::{Site, node_of};
use super::reach::Reach;
use super::value::{Host, Value};
use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, AssignmentExpression, AssignmentTarget, ComputedMemberExpression, Expression};
use oxc_span::GetSpan;

/// The objects whose way matters: with the others nothing can be wired.
const WIRING: [&str; 3] = ["app", "realtime", "jobs"];

/// Global functions and classes that only look at what they are given, or of which the result is followed.
const HARMLESS: [&str; 11] =
    ["Object", "Array", "Boolean", "String", "Number", "JSON", "console", "Reflect", "structuredClone", "Map", "Set"];
/// Functions of `Object` and `Reflect` that give the object back, or nothing of it.
const LOOKING: [&str; 9] =
    ["freeze", "seal", "preventExtensions", "keys", "is", "hasOwn", "getOwnPropertyNames", "get", "apply"];

/// Functions of `Object` and `Reflect` that write to their first argument.
const WRITING: [&str; 3] = ["defineProperty", "defineProperties", "set"];

/// Reports the arguments of a call that are host objects, where the call is not one of the plugin's own functions.
pub(super) fn of_call<'a>(evaluator: &mut Evaluator<'_, 'a>, reach: &Reach, site: &Site<'a>, report: &mut Report<'_>) {
    if !site.callee.closures().is_empty()
        || site.at.via != Via::Plain
        || !reach.reachable(site.at.module, node_of(site.at))
    {
        return;
    }
    let known = site.callee.parts().iter().any(|part| matches!(part, Value::Host(_) | Value::Class(_) | Value::Never));
    if known || is_harmless(evaluator, site) {
        return;
    }
    // What is written to an object is reported itself, and followed in the object.
    let is_target = method_of(site.at.callee).is_some_and(|(_, method)| WRITING.contains(&method))
        && site.at.argument(0).is_some_and(|one| !evaluator.glance(site.at.module, one).hosts().any(is_wiring));
    of_arguments(evaluator, site.at.module, &site.at.arguments[usize::from(is_target)..], report);
}

fn of_arguments<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    module: usize,
    arguments: &'a [Argument<'a>],
    report: &mut Report<'_>,
) {
    for argument in arguments.iter().filter_map(Argument::as_expression) {
        if let Some(shown) = wiring(evaluator, module, argument) {
            let message = format!("{shown} is given to code that is not followed; what it wires there is not known");
            add(argument.span(), message, report);
        }
    }
}

/// Reports host objects that get out of sight otherwise than by a call.
pub(super) fn of_module(evaluator: &mut Evaluator<'_, '_>, module: usize, reach: &Reach, report: &mut Report<'_>) {
    let Some(semantic) = &evaluator.module(module).semantic else { return };
    for node in semantic.nodes().iter() {
        match node.kind() {
            AstKind::AssignmentExpression(it) => of_write(evaluator, module, it, report),
            AstKind::NewExpression(it) if reach.reachable(module, node.id()) => {
                let known = HARMLESS.into_iter().any(|name| evaluator.is_global(module, &it.callee, name));
                let made = evaluator.glance(module, &it.callee);
                if !known && made.parts().iter().any(|part| matches!(part, Value::Unknown(_))) {
                    of_arguments(evaluator, module, &it.arguments, report);
                }
            }
            AstKind::ThrowStatement(it) => {
                if let Some(shown) = wiring(evaluator, module, &it.argument) {
                    let message = format!("{shown} is thrown; who catches it is not followed");
                    add(it.argument.span(), message, report);
                }
            }
            AstKind::ComputedMemberExpression(it) => of_choice(evaluator, module, it, report),
            _ => {}
        }
    }
}

/// A host object that is made global.
fn of_write<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    module: usize,
    it: &'a AssignmentExpression<'a>,
    report: &mut Report<'_>,
) {
    let object = match &it.left {
        AssignmentTarget::StaticMemberExpression(it) => &it.object,
        AssignmentTarget::ComputedMemberExpression(it) => &it.object,
        _ => return,
    };
    let global = evaluator.glance(module, object).hosts().any(|host| *host == Host::Object("global"));
    if !global {
        return;
    }
    if let Some(shown) = wiring(evaluator, module, &it.right) {
        let message = format!("{shown} is made global; who uses it from there is not known");
        add(it.right.span(), message, report);
    }
}

/// A method of the host that is chosen when the plugin runs.
fn of_choice<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    module: usize,
    it: &'a ComputedMemberExpression<'a>,
    report: &mut Report<'_>,
) {
    if evaluator.glance(module, &it.object).hosts().any(is_wiring)
        && evaluator.glance(module, &it.expression).as_strings().exact().is_none()
    {
        let shown = written(evaluator, module, it.span);
        let message = format!("{shown} is known only when the plugin runs; what it wires is not known");
        let help = Some(("write the method's name".to_owned(), None));
        let span = Span { start: it.span.start, end: it.span.end };
        report.add_with_help(ProblemKind::HostEscapes, span, message, help);
    }
}

fn add(span: oxc_span::Span, message: String, report: &mut Report<'_>) {
    let help = Some(("call it here, or give it to a function of the plugin's own modules".to_owned(), None));
    report.add_with_help(ProblemKind::HostEscapes, Span { start: span.start, end: span.end }, message, help);
}

/// How an expression is written that is a host object or, in an object literal, holds one.
fn wiring<'a>(evaluator: &mut Evaluator<'_, 'a>, module: usize, expression: &'a Expression<'a>) -> Option<String> {
    let candidate = matches!(
        expression.get_inner_expression(),
        Expression::Identifier(_)
            | Expression::StaticMemberExpression(_)
            | Expression::PrivateFieldExpression(_)
            | Expression::CallExpression(_)
            | Expression::ObjectExpression(_)
            | Expression::ThisExpression(_)
    );
    if !candidate {
        return None;
    }
    let value = evaluator.glance(module, expression);
    let held = match &value {
        Value::Literal(_) | Value::Object(_) | Value::Derived(_) => {
            let shape = evaluator.glanced(|evaluator| evaluator.shape_of(&value));
            shape.iter().flat_map(|shape| shape.fields.values()).any(|field| field.hosts().any(is_wiring))
        }
        _ => false,
    };
    (held || value.hosts().any(is_wiring)).then(|| written(evaluator, module, expression.span()))
}

fn is_wiring(host: &Host) -> bool {
    match host {
        Host::Object(name) | Host::Method(name, _) => WIRING.contains(name),
        _ => false,
    }
}

/// How a place is written, in quotes and cut where it is long.
fn written(evaluator: &Evaluator<'_, '_>, module: usize, span: oxc_span::Span) -> String {
    let text = evaluator.module(module).text.get(span.start as usize..span.end as usize);
    format!("`{}`", text.unwrap_or_default().chars().take(60).collect::<String>())
}

/// Whether a call only looks at its arguments, or what it gives is followed.
fn is_harmless<'a>(evaluator: &mut Evaluator<'_, 'a>, site: &Site<'a>) -> bool {
    let module = site.at.module;
    let is_global = |evaluator: &Evaluator<'_, 'a>, one: &Expression<'a>| {
        HARMLESS.into_iter().any(|name| evaluator.is_global(module, one, name))
    };
    let callee = site.at.callee.get_inner_expression();
    if matches!(callee, Expression::Super(_)) || is_global(evaluator, callee) {
        return true;
    }
    let Some((object, method)) = method_of(site.at.callee) else { return false };
    let object = object.get_inner_expression();
    if method == "bind" {
        return true;
    }
    if !is_global(evaluator, object) {
        return false;
    }
    let copies = evaluator.is_global(module, object, "Object") || evaluator.is_global(module, object, "Reflect");
    // The fields of a literal are followed into copies, the methods of a host object are not.
    let hands_on = |evaluator: &mut Evaluator<'_, 'a>| {
        let arguments = site.at.arguments.iter().filter_map(Argument::as_expression);
        arguments.into_iter().any(|one| evaluator.glance(module, one).hosts().any(is_wiring))
    };
    let writes = WRITING.contains(&method) || matches!(method, "setPrototypeOf" | "construct");
    !copies || LOOKING.contains(&method) || !writes && !hands_on(evaluator)
}
