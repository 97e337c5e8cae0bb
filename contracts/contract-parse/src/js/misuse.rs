//! Uses of the host that cannot work, and code that hides what it does.

use super::absent;
use super::escapes;
use super::eval::{CallRef, Evaluator, host};
use super::index::Index;
use super::program::Module;
use super::reach::Reach;
use super::surface;
use super::value::{Host, Value};
use crate::facts::{Problem, ProblemKind};
use crate::report::{Report, closest, did_you_mean};
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, BindingPattern, Expression, ImportDeclaration};
use oxc_span::GetSpan;

/// The longest line of a module that is taken to be written by hand.
const BUNDLED_LINE_BYTES: usize = 20_000;

/// All misuses in a plugin.
pub(crate) fn problems<'a>(evaluator: &mut Evaluator<'_, 'a>, index: &Index<'a>, reach: &Reach) -> Vec<Problem> {
    let mut out = Vec::new();
    for at in 0..evaluator.modules.list.len() {
        let module = evaluator.module(at);
        if module.dormant {
            continue;
        }
        let mut report = Report::new(module.file.clone(), module.text);
        members(evaluator, at, &mut report);
        // The calls are in the order of the modules.
        let first = index.sites.partition_point(|site| site.at.module < at);
        for site in index.sites[first..].iter().take_while(|site| site.at.module == at) {
            arguments(evaluator, site.at, &site.callee, &mut report);
            escapes::of_call(evaluator, reach, site, &mut report);
        }
        escapes::of_module(evaluator, at, reach, &mut report);
        absent::of_module(evaluator, at, reach, &mut report);
        bundled(module, &mut report);
        out.append(&mut report.problems);
    }
    out
}

fn place(span: oxc_span::Span) -> Span {
    Span { start: span.start, end: span.end }
}

fn members(evaluator: &mut Evaluator<'_, '_>, at: usize, report: &mut Report<'_>) {
    let Some(semantic) = &evaluator.module(at).semantic else { return };
    for node in semantic.nodes().iter() {
        match node.kind() {
            AstKind::StaticMemberExpression(it) => {
                let object = evaluator.glance(at, &it.object);
                let called = matches!(semantic.nodes().parent_kind(node.id()), AstKind::CallExpression(call) if call.callee.span() == it.span);
                member(&object, it.property.name.as_str(), it.property.span, called, report);
            }
            AstKind::VariableDeclarator(it) => {
                let (Some(init), BindingPattern::ObjectPattern(pattern)) = (&it.init, &it.id) else { continue };
                let object = evaluator.glance(at, init);
                for property in pattern.properties.iter().filter(|one| !one.computed) {
                    if let Some(name) = property.key.static_name() {
                        member(&object, &name, property.key.span(), false, report);
                    }
                }
            }
            AstKind::NewExpression(it) => {
                if let Some(name) = it.callee.get_identifier_reference()
                    && name.name == "Function"
                    && evaluator.symbol_of(at, name).is_none()
                {
                    dynamic(it.span, "new Function", report);
                }
            }
            AstKind::ImportExpression(it) if !matches!(it.source, Expression::StringLiteral(_)) => {
                let message = "`import()` of a name that is known only when the plugin runs; write the file's name";
                report.add(ProblemKind::DynamicCode, place(it.span), message.to_owned());
            }
            AstKind::ImportDeclaration(it) if it.source.value.ends_with(".json") => json_attribute(it, report),
            _ => {}
        }
    }
}

fn json_attribute(it: &ImportDeclaration<'_>, report: &mut Report<'_>) {
    let given = it.with_clause.iter().flat_map(|clause| &clause.with_entries).any(|one| one.value.value == "json");
    if !given {
        let message = format!("`{}` is JSON and is imported without `with {{type: \"json\"}}`", it.source.value);
        let help = Some(("add `with {type: \"json\"}` after the file's name".to_owned(), None));
        report.add_with_help(ProblemKind::UnresolvedImport, place(it.source.span), message, help);
    }
}

fn member(object: &Value<'_>, name: &str, span: oxc_span::Span, called: bool, report: &mut Report<'_>) {
    match host(object) {
        Some(Host::Object(object)) => {
            let Some((shown, members)) = surface::missing(object, name) else { return };
            let message = format!("`{shown}` has no `{name}`");
            let help = did_you_mean(closest(name, members));
            report.add_with_help(ProblemKind::WrongApi, place(span), message, help);
        }
        // Handlers may get more than is listed here, so only what looks like a slip is reported.
        Some(Host::Event(_)) if called && !surface::EVENT_METHODS.contains(&name) => {
            let near = closest(name, surface::EVENT_METHODS);
            if near.is_some() {
                let message = format!("a handler's argument has no `{name}`");
                report.add_with_help(ProblemKind::WrongApi, place(span), message, did_you_mean(near));
            }
        }
        _ => {}
    }
}

fn arguments(evaluator: &Evaluator<'_, '_>, call: CallRef<'_>, callee: &Value<'_>, report: &mut Report<'_>) {
    let given = call.arguments.len();
    let spread = call.arguments.iter().any(Argument::is_spread);
    if let Some(Host::Method(object, method)) = host(callee) {
        let (least, what) = surface::needed(object, method);
        if given < least && !spread {
            let message =
                format!("`{}` needs {what}, got {given} of {least} arguments", surface::shown(object, method));
            report.add(ProblemKind::WrongApi, place(call.span), message);
        }
        return;
    }
    let Some(name) = call.callee.get_identifier_reference() else { return };
    if evaluator.symbol_of(call.module, name).is_some() {
        return;
    }
    match name.name.as_str() {
        "eval" | "Function" => dynamic(call.span, name.name.as_str(), report),
        "require" => {
            let message = "CommonJS is not supported; write `import … from \"./file.js\"`".to_owned();
            report.add(ProblemKind::UnresolvedImport, place(call.span), message);
        }
        _ => {}
    }
}

/// A long line of code, most of a module: what a bundler or minifier makes.
fn bundled(module: &Module<'_>, report: &mut Report<'_>) {
    let longest = module.text.lines().map(str::len).max().unwrap_or(0);
    if module.semantic.is_some() && longest > BUNDLED_LINE_BYTES && longest * 2 > module.text.len() {
        let message = format!("`{}` has a line of {longest} bytes, as a bundler or minifier makes it", module.path);
        let help = Some(("publish the plugin from its own sources, which people can read".to_owned(), None));
        report.add_with_help(ProblemKind::BundledSource, Span::default(), message, help);
    }
}

fn dynamic(span: oxc_span::Span, what: &str, report: &mut Report<'_>) {
    let message = format!("`{what}` runs code that nothing can check beforehand, and workers refuse it");
    report.add(ProblemKind::DynamicCode, place(span), message);
}
