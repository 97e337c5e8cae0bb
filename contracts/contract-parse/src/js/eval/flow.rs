//! Names that are written more than once: which writes can be what a place reads.

use super::literals::sum;
use super::{Ctx, Evaluator, is_function};
use crate::js::program::Sym;
use crate::js::value::Value;
use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentExpression, AssignmentTarget};
use oxc_semantic::{AstNodes, Semantic};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::AssignmentOperator;

/// A write of a name: the node that writes, or the declaration.
#[derive(Clone, Copy)]
struct Write {
    node: NodeId,
    /// Where it takes effect.
    end: u32,
}

impl<'a> Evaluator<'_, 'a> {
    /// Whether a name is written after its declaration.
    pub(super) fn is_rewritten(&self, (module, symbol): Sym) -> bool {
        self.module(module).semantic.as_ref().is_some_and(|semantic| semantic.scoping().symbol_is_mutated(symbol))
    }

    /// What a rewritten name may be at a place that reads it.
    pub(super) fn read_at(&mut self, (module, symbol): Sym, reader: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(semantic) = &self.module(module).semantic else { return Value::unknown("a name") };
        let writes = relevant(semantic, symbol, reader);
        let mut out = Value::Never;
        for write in writes {
            let value = self.write(module, symbol, write, ctx);
            out = out.join(value);
        }
        out
    }

    fn write(&mut self, module: usize, symbol: oxc_syntax::symbol::SymbolId, write: Write, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(semantic) = &self.module(module).semantic else { return Value::unknown("a name") };
        match semantic.nodes().kind(write.node) {
            AstKind::AssignmentExpression(it) => {
                if let Some(pattern) = self.assigned_part(module, it, symbol, ctx) {
                    return pattern;
                }
                match it.operator {
                    AssignmentOperator::Assign
                    | AssignmentOperator::LogicalOr
                    | AssignmentOperator::LogicalNullish
                    | AssignmentOperator::LogicalAnd => self.eval(module, &it.right, ctx),
                    AssignmentOperator::Addition => {
                        let before = self.before((module, symbol), write.node, ctx);
                        let right = self.eval(module, &it.right, ctx);
                        sum(&before, &right)
                    }
                    _ => Value::unknown("a name that is changed"),
                }
            }
            AstKind::ForOfStatement(it) => {
                let list = self.eval(module, &it.right, ctx);
                let list = self.iterable(&list);
                self.picked((module, write.node), &list)
            }
            AstKind::ForInStatement(it) => {
                let object = self.eval(module, &it.right, ctx);
                self.keys(&object).element()
            }
            _ if write.node == semantic.scoping().symbol_declaration(symbol) => self.declaration((module, symbol), ctx),
            _ => Value::unknown("a name that is changed"),
        }
    }

    /// What a name is right before a write of it.
    fn before(&mut self, symbol: Sym, write: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        if let Some(begun) = self.busy_writes.get(&(symbol.0, write)) {
            self.cut_short(*begun);
            self.passing += 1;
            return Value::unknown("a text that grows in a loop");
        }
        self.busy_writes.insert((symbol.0, write), self.depth);
        let value = self.read_at(symbol, write, ctx);
        self.busy_writes.remove(&(symbol.0, write));
        value
    }

    /// The part of `({a, b} = value)` or `[a, b] = value` that is a name's; nothing for plain assignments.
    fn assigned_part(
        &mut self,
        module: usize,
        it: &'a AssignmentExpression<'a>,
        symbol: oxc_syntax::symbol::SymbolId,
        ctx: &Ctx<'a>,
    ) -> Option<Value<'a>> {
        let scoping = self.module(module).semantic.as_ref()?.scoping();
        let is_it = |name: &oxc_ast::ast::IdentifierReference<'_>| {
            name.reference_id.get().and_then(|id| scoping.get_reference(id).symbol_id()) == Some(symbol)
        };
        match &it.left {
            AssignmentTarget::ObjectAssignmentTarget(target) => {
                use oxc_ast::ast::AssignmentTargetProperty as Property;
                let key = target.properties.iter().find_map(|property| match property {
                    Property::AssignmentTargetPropertyIdentifier(one) if is_it(&one.binding) => {
                        Some(one.binding.name.to_string())
                    }
                    Property::AssignmentTargetPropertyProperty(one) => {
                        let name = one.binding.as_assignment_target()?.get_identifier_name();
                        (name == Some(scoping.symbol_name(symbol)))
                            .then(|| one.name.static_name().map(|name| name.to_string()))
                            .flatten()
                    }
                    Property::AssignmentTargetPropertyIdentifier(_) => None,
                });
                let value = self.eval(module, &it.right, ctx);
                Some(key.map_or_else(|| Value::unknown("a destructured name"), |key| self.member(&value, &key)))
            }
            AssignmentTarget::ArrayAssignmentTarget(target) => {
                let name = scoping.symbol_name(symbol);
                let at = target.elements.iter().position(|element| {
                    let target = element.as_ref().and_then(|one| one.as_assignment_target());
                    target.and_then(AssignmentTarget::get_identifier_name) == Some(name)
                });
                let value = self.eval(module, &it.right, ctx);
                let part = at.map(|at| self.member(&value, &at.to_string()));
                Some(part.unwrap_or_else(|| Value::unknown("a destructured name")))
            }
            _ => None,
        }
    }
}

/// The writes that a place may read: all of them, but for those that a later write surely replaces on the way.
fn relevant(semantic: &Semantic<'_>, symbol: oxc_syntax::symbol::SymbolId, reader: NodeId) -> Vec<Write> {
    let (nodes, scoping) = (semantic.nodes(), semantic.scoping());
    let declaration = scoping.symbol_declaration(symbol);
    let mut writes = vec![Write { node: declaration, end: nodes.kind(declaration).span().end }];
    for reference in scoping.get_resolved_references(symbol).filter(|one| one.is_write()) {
        let node = writer(nodes, reference.node_id());
        writes.push(Write { node, end: nodes.kind(node).span().end });
    }
    writes.sort_by_key(|write| write.end);
    let home = function_of(nodes, declaration);
    let local = |node: NodeId| function_of(nodes, node) == home;
    if !local(reader) || !writes.iter().all(|write| local(write.node)) {
        return writes;
    }
    let start = nodes.kind(reader).span().start;
    let reads_itself = |write: &Write| write.node == reader;
    let last = writes.iter().rposition(|write| write.end <= start && surely_before(nodes, write.node, reader));
    let Some(last) = last else { return writes };
    let kill = writes[last];
    let kept = writes.into_iter().filter(|write| {
        if write.end < kill.end || reads_itself(write) && !loops_back(nodes, kill.node, reader, write.node) {
            return false;
        }
        write.end <= start || write.node == kill.node || loops_back(nodes, kill.node, reader, write.node)
    });
    kept.collect()
}

/// The node that a written name belongs to: an assignment, an update or a loop's head.
fn writer(nodes: &AstNodes<'_>, name: NodeId) -> NodeId {
    let found = nodes.ancestors(name).find(|one| {
        matches!(
            one.kind(),
            AstKind::AssignmentExpression(_)
                | AstKind::UpdateExpression(_)
                | AstKind::ForOfStatement(_)
                | AstKind::ForInStatement(_)
        )
    });
    found.map_or(name, oxc_semantic::AstNode::id)
}

fn function_of(nodes: &AstNodes<'_>, node: NodeId) -> Option<NodeId> {
    nodes.ancestors(node).find(|one| is_function(one.kind())).map(oxc_semantic::AstNode::id)
}

/// Whether a write runs whenever a later place of the same function does: its statement stands in a list of
/// statements around that place.
fn surely_before(nodes: &AstNodes<'_>, write: NodeId, reader: NodeId) -> bool {
    let mut node = write;
    loop {
        let parent = nodes.parent_id(node);
        match nodes.kind(parent) {
            AstKind::Program(_) | AstKind::FunctionBody(_) | AstKind::BlockStatement(_) | AstKind::StaticBlock(_) => {
                return parent == nodes.parent_id(parent) || nodes.ancestor_ids(reader).any(|one| one == parent);
            }
            AstKind::ExpressionStatement(_)
            | AstKind::VariableDeclaration(_)
            | AstKind::VariableDeclarator(_)
            | AstKind::FormalParameter(_)
            | AstKind::FormalParameters(_)
            | AstKind::AssignmentExpression(_)
            | AstKind::ParenthesizedExpression(_) => node = parent,
            kind if is_function(kind) => return true,
            _ => return false,
        }
    }
}

/// Whether a loop leads from a later write back to a place, without the killing write in between.
fn loops_back(nodes: &AstNodes<'_>, kill: NodeId, reader: NodeId, write: NodeId) -> bool {
    let is_loop = |kind: AstKind<'_>| {
        matches!(
            kind,
            AstKind::ForStatement(_)
                | AstKind::ForInStatement(_)
                | AstKind::ForOfStatement(_)
                | AstKind::WhileStatement(_)
                | AstKind::DoWhileStatement(_)
        )
    };
    let around = |node: NodeId, outer: NodeId| nodes.ancestor_ids(node).any(|one| one == outer);
    let loops = nodes.ancestors(reader).filter(|one| is_loop(one.kind()));
    loops.into_iter().any(|one| around(write, one.id()) && !around(kill, one.id()))
}
