//! How handlers of events end: on which paths without having answered.
//!
//! A path that ends by an exception is no end, because the event is tried again. Paths are those of the syntax tree;
//! a condition that was decided once on a path is not decided otherwise later on it.

mod answers;
mod calls;
mod statements;
mod trace;

use super::code::Code;
use super::infer::Frames;
use crate::facts::{Ending, EndingPath, TopicValue};
use crate::js::index::Index;
use crate::js::lines::Lines;
use crate::js::topics::handler_topics;
use crate::js::value::Func;
use answers::{Answering, Candidates};
use contract_model::Manifest;
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::{ArrowFunctionBody, Expression, Statement};
use statements::Walk;
use std::collections::BTreeSet;
use trace::Trace;

/// The most open paths of one handler that are told.
const PATHS_MAX: usize = 5;

/// How each handler of events of known topics ends.
pub(crate) fn endings<'a>(code: &Code<'_, 'a>, index: &Index<'a>, manifest: &Manifest, lines: &Lines) -> Vec<Ending> {
    let mut out = Vec::new();
    let candidates = Candidates::of(code);
    for (at, handler) in code.handlers.iter().enumerate().filter(|(_, handler)| handler.kind == "event") {
        let Some(known) = index.handlers.get(at) else { continue };
        let topics = handler_topics(known);
        let replies = match replies(&topics, manifest) {
            Replies::Nothing => continue,
            Replies::Known(known) => Some(known),
            Replies::Foreign => None,
        };
        let answering = Answering::new(code, &candidates, at, replies);
        for func in &handler.functions {
            for topic in &topics {
                out.extend(ending(code, lines, &answering, *func, topic));
            }
        }
    }
    out.sort_by(|a, b| (&a.location, &a.topic).cmp(&(&b.location, &b.topic)));
    out.dedup();
    out
}

/// What answers a handler's topics.
enum Replies {
    /// Nothing: none of them is a request.
    Nothing,
    /// These topics.
    Known(BTreeSet<String>),
    /// Some contract is another plugin's.
    Foreign,
}

fn replies(topics: &[TopicValue], manifest: &Manifest) -> Replies {
    let mut known = BTreeSet::new();
    let names = topics.iter().filter_map(|topic| if let TopicValue::Exact(names) = topic { Some(names) } else { None });
    for name in names.flatten() {
        let Some((_, contract)) = manifest.topics.iter().find(|(topic, _)| topic.as_str() == name) else {
            return Replies::Foreign;
        };
        if let Some(replies) = &contract.replies {
            known.insert(replies.ok.value.to_string());
            known.extend(replies.error.iter().map(|error| error.value.to_string()));
        }
    }
    if known.is_empty() { Replies::Nothing } else { Replies::Known(known) }
}

fn ending<'a>(
    code: &Code<'_, 'a>,
    lines: &Lines,
    answering: &Answering<'_, '_, 'a>,
    func: Func,
    topic: &TopicValue,
) -> Option<Ending> {
    let TopicValue::Exact(_) = topic else { return None };
    let module = code.module(func.0);
    let place = |at: usize, span: oxc_span::Span| {
        lines.location(at, code.module(at), Span { start: span.start, end: span.end })
    };
    let mut walk = Walk::new(code, answering, func, &None);
    walk.function(Trace::start());
    let (open, answers) = (walk.open(), walk.answered);
    let path = |one: &trace::End| EndingPath {
        location: place(func.0, one.span),
        returns: one.returns,
        steps: one.trace.steps().map(|step| (place(step.module, step.span), step.text.clone())).collect(),
    };
    let head = oxc_span::GetSpan::span(&code.nodes(func.0)?.kind(func.1));
    let line = module.text.get(head.start as usize..head.end as usize)?.find(['{', '\n']).unwrap_or(0);
    let head = oxc_span::Span::new(head.start, head.start + u32::try_from(line).unwrap_or(0).max(1));
    Some(Ending {
        topic: topic.clone(),
        location: place(func.0, head),
        answers,
        open: open.iter().take(PATHS_MAX).map(path).collect(),
    })
}

/// Whether a function can end without `return`.
pub(super) fn falls_through(function: AstKind<'_>) -> bool {
    match function {
        AstKind::Function(it) => it.body.as_ref().is_none_or(|body| !body.statements.iter().any(stops)),
        AstKind::ArrowFunctionExpression(it) => match &it.body {
            ArrowFunctionBody::FunctionBody(body) => !body.statements.iter().any(stops),
            _ => false,
        },
        _ => true,
    }
}

/// Whether what stands after a statement is never reached.
fn stops(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ReturnStatement(_) | Statement::ThrowStatement(_) => true,
        Statement::BlockStatement(it) => it.body.iter().any(stops),
        Statement::IfStatement(it) => stops(&it.consequent) && it.alternate.as_ref().is_some_and(stops),
        Statement::TryStatement(it) => {
            let caught = it.handler.as_ref().is_none_or(|handler| handler.body.body.iter().any(stops));
            let always = it.finalizer.as_ref().is_some_and(|block| block.body.iter().any(stops));
            always || (it.block.body.iter().any(stops) && caught)
        }
        Statement::SwitchStatement(it) => {
            let last = it.cases.last().is_some_and(|case| case.consequent.iter().any(stops));
            let default = it.cases.iter().any(|case| case.test.is_none());
            default && last && !it.cases.iter().any(|case| case.consequent.iter().any(breaks))
        }
        Statement::WhileStatement(it) => {
            matches!(it.test.get_inner_expression(), Expression::BooleanLiteral(test) if test.value)
                && !breaks(&it.body)
        }
        _ => false,
    }
}

/// Whether a statement may hold a `break`, whatever it breaks.
fn breaks(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::BreakStatement(_) => true,
        Statement::BlockStatement(it) => it.body.iter().any(breaks),
        Statement::IfStatement(it) => breaks(&it.consequent) || it.alternate.as_ref().is_some_and(breaks),
        Statement::TryStatement(it) => {
            it.block.body.iter().any(breaks)
                || it.handler.as_ref().is_some_and(|handler| handler.body.body.iter().any(breaks))
                || it.finalizer.as_ref().is_some_and(|block| block.body.iter().any(breaks))
        }
        Statement::LabeledStatement(it) => breaks(&it.body),
        Statement::SwitchStatement(it) => it.cases.iter().any(|case| case.consequent.iter().any(breaks)),
        _ => false,
    }
}

/// Frames of calls while a walk is inside of the plugin's own functions.
type Inside<'a> = Frames<'a>;
