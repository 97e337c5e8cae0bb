//! Host objects that go where they cannot be followed.

use super::eval::{Evaluator, Via, method_of};
use super::index::{Site, node_of};
use super::reach::Reach;
use super::value::{Host, Value};
use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, AssignmentTarget, Expression};
use oxc_span::GetSpan;

/// The objects whose way matters: with the others nothing can be wired.
const WIRING: [&str; 3] = ["app", "realtime", "jobs"];

/// Global functions that only look at what they are given.
const HARMLESS: [&str; 9] =
    ["Object", "Array", "Boolean", "String", "Number", "JSON", "console", "Reflect", "structuredClone"];

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
    for argument in site.at.arguments.iter().filter_map(Argument::as_expression) {
        if let Some(shown) = wiring(evaluator, site.at.module, argument) {
            let message = format!("{shown} is given to code that is not followed; what it wires there is not known");
            add(argument.span(), message, report);
        }
    }
}

/// Reports host objects that are made global.
pub(super) fn of_writes(evaluator: &mut Evaluator<'_, '_>, module: usize, report: &mut Report<'_>) {
    let Some(semantic) = &evaluator.module(module).semantic else { return };
    for node in semantic.nodes().iter() {
        let AstKind::AssignmentExpression(it) = node.kind() else { continue };
        let object = match &it.left {
            AssignmentTarget::StaticMemberExpression(it) => &it.object,
            AssignmentTarget::ComputedMemberExpression(it) => &it.object,
            _ => continue,
        };
        let global = evaluator.glance(module, object).hosts().any(|host| *host == Host::Object("global"));
        if !global {
            continue;
        }
        if let Some(shown) = wiring(evaluator, module, &it.right) {
            let message = format!("{shown} is made global; who uses it from there is not known");
            add(it.right.span(), message, report);
        }
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
    let is_wiring = |host: &Host| match host {
        Host::Object(name) | Host::Method(name, _) => WIRING.contains(name),
        _ => false,
    };
    let held = match &value {
        Value::Literal(_) | Value::Object(_) => {
            let shape = evaluator.glanced(|evaluator| evaluator.shape_of(&value));
            shape.iter().flat_map(|shape| shape.fields.values()).any(|field| field.hosts().any(is_wiring))
        }
        _ => false,
    };
    let found = held || value.hosts().any(is_wiring);
    let text = evaluator.module(module).text.get(expression.span().start as usize..expression.span().end as usize);
    found.then(|| format!("`{}`", text.unwrap_or_default().chars().take(60).collect::<String>()))
}

/// Whether a call only looks at its arguments, or hands them to a method of a list that is followed.
fn is_harmless(evaluator: &Evaluator<'_, '_>, site: &Site<'_>) -> bool {
    let is_global = |expression: &Expression<'_>| {
        expression.get_identifier_reference().is_some_and(|name| {
            let declared = evaluator.module(site.at.module).semantic.as_ref().is_some_and(|semantic| {
                name.reference_id.get().is_some_and(|id| semantic.scoping().get_reference(id).symbol_id().is_some())
            });
            !declared && HARMLESS.contains(&name.name.as_str())
        })
    };
    let callee = site.at.callee.get_inner_expression();
    let object = method_of(site.at.callee).map(|(object, _)| object.get_inner_expression());
    let bound = method_of(site.at.callee).is_some_and(|(_, method)| method == "bind");
    bound || matches!(callee, Expression::Super(_)) || is_global(callee) || object.is_some_and(is_global)
}
