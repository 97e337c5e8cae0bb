//! How a topic became known, in words.

use super::{Extractor, Place};
use crate::js::summaries::Outcome;
use crate::js::topics::shown_value;
use crate::js::value::{Func, Value};
use contract_model::span::Span;
use oxc_ast::AstKind;

impl<'a> Extractor<'_, '_, 'a> {
    /// A function's name as JavaScript gives it: its own, its variable's or its property's.
    pub(super) fn function_name(&self, (module, node): Func) -> Option<String> {
        let nodes = self.evaluator.module(module).semantic.as_ref()?.nodes();
        if let AstKind::Function(it) = nodes.kind(node)
            && let Some(id) = &it.id
        {
            return Some(id.name.to_string());
        }
        match nodes.parent_kind(node) {
            AstKind::VariableDeclarator(it) => it.id.get_binding_identifier().map(|id| id.name.to_string()),
            AstKind::ObjectProperty(it) => it.key.static_name().map(|name| name.to_string()),
            AstKind::MethodDefinition(it) => it.key.static_name().map(|name| name.to_string()),
            AstKind::PropertyDefinition(it) => it.key.static_name().map(|name| name.to_string()),
            AstKind::AssignmentExpression(it) => it.left.get_identifier_name().map(str::to_owned),
            AstKind::ExportDefaultDeclaration(_) => Some("default".to_owned()),
            _ => None,
        }
    }

    /// How a topic became known: each call on the way outwards, then what it came to.
    pub(super) fn evidence(&self, place: Place<'a>, outcome: &Outcome<'a>) -> Vec<String> {
        let steps = outcome.chain.iter().map(|step| {
            let span = Span { start: step.call.span.start, end: step.call.span.end };
            let at = self.location(step.call.module, span);
            let name = self.function_name(step.func).unwrap_or_else(|| "a function".to_owned());
            format!("`{name}` is called at {}:{}:{}", at.file, at.line, at.column)
        });
        let written = self.evaluator.module(place.call.module).text;
        let argument = place.call.arguments.iter().find(|one| oxc_span::GetSpan::span(*one).end == place.end);
        let source = argument.and_then(|one| {
            let span = oxc_span::GetSpan::span(one);
            written.get(span.start as usize..span.end as usize)
        });
        let result = shown_value(&outcome.value);
        let last = source.map(|source| {
            let short: String = source.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect();
            match &result {
                Ok(known) => format!("`{short}` is {known}"),
                Err(why) => format!("`{short}` is not known: {why}"),
            }
        });
        let unresolved = matches!(&outcome.value, Value::Unknown(_));
        steps.chain(last.or(result.err().filter(|_| unresolved))).collect()
    }
}
