//! Lists that are built step by step: a local array, `push` after `push` in a straight line, then read.

use super::changes::target_of;
use super::{CallRef, Ctx, Evaluator, is_function};
use crate::js::program::Sym;
use crate::js::value::{List, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression};
use oxc_semantic::AstNodes;
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::rc::Rc;

/// The most conditions that are told apart; each doubles the lists that may come out.
const CONDITIONS_MAX: usize = 4;
/// The longest list that is built.
const ITEMS_MAX: usize = 256;

/// Methods that leave a list as it is.
const READING: [&str; 30] = [
    "join",
    "map",
    "filter",
    "slice",
    "concat",
    "forEach",
    "at",
    "includes",
    "indexOf",
    "lastIndexOf",
    "some",
    "every",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "flat",
    "flatMap",
    "reduce",
    "reduceRight",
    "entries",
    "keys",
    "values",
    "toString",
    "toSorted",
    "toReversed",
    "toSpliced",
    "with",
    "get",
    "has",
];
/// Methods that only move what a list holds, which matters to nobody who has not got it.
const MOVING: [&str; 4] = ["sort", "reverse", "shift", "pop"];

/// One `push` before the place that reads.
struct Push<'a> {
    call: CallRef<'a>,
    /// The conditions that it stands under, from the outside, and whether each must hold.
    conditions: Vec<(&'a Expression<'a>, bool)>,
}

impl<'a> Evaluator<'_, 'a> {
    /// What a list that is built holds at a place; nothing where that is not plain.
    pub(super) fn built_list(&mut self, symbol: Sym, reader: NodeId, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        let (module, _) = symbol;
        let pushes = self.pushes_before(symbol, reader)?;
        let first = self.first_items(symbol, ctx).filter(|first| first.rest.is_none())?;
        let mut lists: Vec<List<'a>> = vec![first];
        let mut forks = 0;
        for push in pushes {
            let mut runs = Some(true);
            for (test, wanted) in push.conditions {
                match self.eval(module, test, ctx).truthiness() {
                    Some(truth) if truth == wanted => {}
                    Some(_) => runs = Some(false),
                    None => runs = runs.filter(|runs| !runs),
                }
            }
            let values = (0..push.call.arguments.len()).map(|at| self.given(push.call, at, ctx));
            let values: Vec<Value<'a>> = values.collect();
            let grown = |list: &List<'a>| List { items: [&list.items[..], &values[..]].concat(), ..list.clone() };
            match runs {
                Some(false) => {}
                Some(true) => lists = lists.iter().map(grown).collect(),
                None => {
                    forks += 1;
                    let more: Vec<List<'a>> = lists.iter().map(grown).collect();
                    lists.extend(more);
                }
            }
            if forks > CONDITIONS_MAX || lists.iter().any(|list| list.items.len() > ITEMS_MAX) {
                return None;
            }
        }
        Value::join_all(lists.into_iter().map(|list| Value::Array(Rc::new(list))))
    }

    /// What a list is declared with, if nothing in another module changes it.
    fn first_items(&mut self, (module, id): Sym, ctx: &Ctx<'a>) -> Option<List<'a>> {
        let semantic = self.module(module).semantic.as_ref()?;
        let AstKind::VariableDeclarator(declarator) = semantic.nodes().kind(semantic.scoping().symbol_declaration(id))
        else {
            return None;
        };
        let Expression::ArrayExpression(list) = declarator.init.as_ref()?.get_inner_expression() else { return None };
        let id = (module, list.node_id.get());
        if self.is_changed_outside(id) {
            return None;
        }
        let items = self.items(module, list, ctx);
        Some(List { id: Some(id), ..items })
    }

    /// The `push` calls before a place, in their order, if nothing else changes the list.
    fn pushes_before(&self, symbol: Sym, reader: NodeId) -> Option<Vec<Push<'a>>> {
        let (module, id) = symbol;
        let semantic = self.module(module).semantic.as_ref()?;
        let (nodes, scoping) = (semantic.nodes(), semantic.scoping());
        let declaration = scoping.symbol_declaration(id);
        let AstKind::VariableDeclarator(declarator) = nodes.kind(declaration) else { return None };
        let is_list = matches!(declarator.init.as_ref()?.get_inner_expression(), Expression::ArrayExpression(_));
        let function = function_of(nodes, declaration);
        if !is_list || declarator.id.get_binding_identifier().is_none() || function_of(nodes, reader) != function {
            return None;
        }
        // The block or body that the declaration stands in.
        let block = nodes.parent_id(nodes.parent_id(declaration));
        let place = nodes.kind(reader).span().start;
        let mut pushes = Vec::new();
        for reference in scoping.get_resolved_references(id) {
            let node = reference.node_id();
            match Use::of(nodes, node)? {
                Use::Reads => {}
                Use::Pushes(call, statement) => {
                    let conditions = conditions(nodes, statement, block)?;
                    let call = CallRef::of_call(module, call);
                    if function_of(nodes, node) != function || call.arguments.iter().any(Argument::is_spread) {
                        return None;
                    }
                    if call.span.end <= place {
                        pushes.push(Push { call, conditions });
                    }
                }
            }
        }
        pushes.sort_by_key(|push| push.call.span.start);
        (!pushes.is_empty()).then_some(pushes)
    }
}

/// What a place does with a list.
pub(super) enum Use<'a> {
    Reads,
    /// A `push` that is a statement of its own.
    Pushes(&'a oxc_ast::ast::CallExpression<'a>, NodeId),
}

impl<'a> Use<'a> {
    /// None where the list may be changed, or be known by another name.
    pub(super) fn of(nodes: &AstNodes<'a>, node: NodeId) -> Option<Self> {
        let parent = nodes.parent_id(node);
        match nodes.kind(parent) {
            AstKind::SpreadElement(_) => return Some(Self::Reads),
            AstKind::ForOfStatement(it) => return (it.right.span() == nodes.kind(node).span()).then_some(Self::Reads),
            AstKind::StaticMemberExpression(it) => {
                let name = it.property.name.as_str();
                let caller = nodes.parent_id(parent);
                let AstKind::CallExpression(call) = nodes.kind(caller) else {
                    return (name == "length" && !is_written(nodes, parent)).then_some(Self::Reads);
                };
                if call.callee.span() != it.span {
                    return (name == "length").then_some(Self::Reads);
                }
                let statement = nodes.parent_id(caller);
                let is_statement = matches!(nodes.kind(statement), AstKind::ExpressionStatement(_));
                if name == "push" && is_statement {
                    return Some(Self::Pushes(call, statement));
                }
                return READING.contains(&name).then_some(Self::Reads);
            }
            AstKind::ComputedMemberExpression(it) => {
                let is_object = it.object.span() == nodes.kind(node).span();
                let called = matches!(nodes.parent_kind(parent), AstKind::CallExpression(_));
                return (is_object && !called && !is_written(nodes, parent)).then_some(Self::Reads);
            }
            _ => {}
        }
        None
    }
}

/// Whether a node is a list that is gone once its method has run, as in `[b, a].sort().join()`.
pub(super) fn is_passing(nodes: &AstNodes<'_>, node: NodeId) -> bool {
    let member = nodes.parent_id(node);
    let (AstKind::StaticMemberExpression(it), AstKind::CallExpression(call)) =
        (nodes.kind(member), nodes.parent_kind(member))
    else {
        return false;
    };
    MOVING.contains(&it.property.name.as_str()) && call.callee.span() == it.span
}

fn is_written(nodes: &AstNodes<'_>, member: NodeId) -> bool {
    let place = nodes.kind(member).span();
    match nodes.parent_kind(member) {
        AstKind::AssignmentExpression(it) => it.left.span() == place,
        _ => target_of(nodes, member).is_some(),
    }
}

/// The conditions between a statement and the block that it is looked at from; none where a loop or anything else stands
/// between them.
fn conditions<'a>(nodes: &AstNodes<'a>, statement: NodeId, block: NodeId) -> Option<Vec<(&'a Expression<'a>, bool)>> {
    let mut out = Vec::new();
    let mut node = statement;
    loop {
        let parent = nodes.parent_id(node);
        if parent == block {
            out.reverse();
            return Some(out);
        }
        match nodes.kind(parent) {
            AstKind::BlockStatement(_) => {}
            AstKind::IfStatement(it) => out.push((&it.test, it.consequent.span() == nodes.kind(node).span())),
            _ => return None,
        }
        node = parent;
    }
}

fn function_of(nodes: &AstNodes<'_>, node: NodeId) -> Option<NodeId> {
    nodes.ancestors(node).find(|one| is_function(one.kind())).map(oxc_semantic::AstNode::id)
}
