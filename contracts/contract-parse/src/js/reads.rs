//! Which fields of their payloads handlers read.

use super::extract::{Extractor, handler_topics};
use super::value::{Host, Value};
use crate::facts::{Fact, FactKind};
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, ObjectPattern};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;

/// A field that is read, its place and the handler whose payload it is of.
struct Read {
    handler: usize,
    path: Vec<String>,
    module: usize,
    node: NodeId,
    span: oxc_span::Span,
}

/// One fact for each read of a field, whether by `e.payload.a.b` or by destructuring.
pub(super) fn facts(extractor: &mut Extractor<'_, '_, '_>) -> Vec<Fact> {
    let mut reads = Vec::new();
    for module in 0..extractor.evaluator.modules.list.len() {
        collect(extractor, module, &mut reads);
    }
    let mut out = Vec::new();
    for read in reads {
        if read.path.is_empty() {
            continue;
        }
        let handlers = extractor.index.sharing(extractor.evaluator, read.handler).filter(|one| one.kind == "event");
        for topic in handlers.flat_map(handler_topics).collect::<Vec<_>>() {
            let span = Span { start: read.span.start, end: read.span.end };
            let mut fact = extractor.fact(FactKind::ReadsField, read.module, read.node, span);
            fact.topic = Some(topic);
            fact.detail.insert("field".to_owned(), read.path.join("."));
            out.push(fact);
        }
    }
    out
}

fn collect(extractor: &mut Extractor<'_, '_, '_>, module: usize, reads: &mut Vec<Read>) {
    let Some(semantic) = &extractor.evaluator.module(module).semantic else { return };
    let nodes = semantic.nodes();
    for node in nodes.iter() {
        match node.kind() {
            AstKind::StaticMemberExpression(it) => {
                let value = extractor.evaluator.glance(module, &it.object);
                if let Value::Host(Host::Payload(handler, path)) = value {
                    let called = matches!(nodes.parent_kind(node.id()), AstKind::CallExpression(call) if call.callee.span() == it.span);
                    let deeper = matches!(nodes.parent_kind(node.id()), AstKind::StaticMemberExpression(_));
                    let mut path = path;
                    if !called {
                        path.push(it.property.name.to_string());
                    }
                    if !deeper && !path.is_empty() {
                        reads.push(Read { handler, path, module, node: node.id(), span: it.span });
                    }
                }
            }
            AstKind::VariableDeclarator(it) => {
                let Some(init) = &it.init else { continue };
                let BindingPattern::ObjectPattern(pattern) = &it.id else { continue };
                let value = extractor.evaluator.glance(module, init);
                destructured(extractor, module, node.id(), pattern, &value, reads);
            }
            AstKind::FormalParameter(it) => {
                let BindingPattern::ObjectPattern(pattern) = &it.pattern else { continue };
                let Some(func) = extractor.evaluator.enclosing_function(module, node.id()) else { continue };
                let params = extractor.evaluator.params(func);
                let Some(at) = params.and_then(|all| all.items.iter().position(|one| one.span == it.span)) else {
                    continue;
                };
                let given = extractor.evaluator.glance_argument(func, at);
                destructured(extractor, module, node.id(), pattern, &given, reads);
            }
            _ => {}
        }
    }
}

fn destructured<'a>(
    extractor: &mut Extractor<'_, '_, 'a>,
    module: usize,
    node: NodeId,
    pattern: &ObjectPattern<'_>,
    value: &Value<'a>,
    reads: &mut Vec<Read>,
) {
    if !matches!(value, Value::Host(Host::Event(_) | Host::Payload(..))) {
        return;
    }
    for property in &pattern.properties {
        let Some(name) = property.key.static_name().filter(|_| !property.computed) else { continue };
        let part = extractor.evaluator.member(value, &name);
        let mut inner = &property.value;
        if let BindingPattern::AssignmentPattern(it) = inner {
            inner = &it.left;
        }
        if let BindingPattern::ObjectPattern(deeper) = inner {
            destructured(extractor, module, node, deeper, &part, reads);
        } else if let Value::Host(Host::Payload(handler, path)) = part {
            reads.push(Read { handler, path, module, node, span: property.key.span() });
        }
    }
}
