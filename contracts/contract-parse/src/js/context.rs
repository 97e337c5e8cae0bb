//! What stands between the entry and a place: conditions, loops, tests, handlers.

use super::eval::{CallRef, Evaluator, Via, is_function};
use super::index::{Index, node_of};
use super::reach::{Reach, leaves};
use super::value::{Func, Host, Value};
use crate::facts::{Condition, Guard};
use crate::resolve::is_test;
use contract_model::TextSet;
use contract_model::span::{Location, Span};
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, Expression, IdentifierReference, Statement, StaticMemberExpression};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// How far guards are looked for through calls.
const CALLERS_DEPTH_MAX: usize = 4;
/// How far a name in a condition is followed to the setting that it was read from.
const NAMES_DEPTH_MAX: usize = 3;
/// The longest condition that is shown whole.
const SHOWN_CHARACTERS_MAX: usize = 120;

/// What stands around places.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// The conditions in each list of statements that leave it early, by the list's node.
    exits: BTreeMap<(usize, NodeId), Vec<Exit>>,
}

/// An `if` that leaves a list of statements: what follows runs only where its condition does not hold.
#[derive(Clone, Copy)]
struct Exit {
    node: NodeId,
    end: u32,
}

/// A place in the code whose conditions are asked for.
struct Place {
    module: usize,
    node: NodeId,
    span: oxc_span::Span,
}

impl Surroundings {
    /// The strongest guard around a call and all conditions, innermost first.
    pub(crate) fn around<'a>(
        &mut self,
        evaluator: &mut Evaluator<'_, 'a>,
        index: &Index<'a>,
        call: CallRef<'a>,
    ) -> (Guard, Vec<Condition>) {
        let place = Place { module: call.module, node: node_of(call), span: call.span };
        let found = self.conditions(evaluator, index, &place, 0);
        let test = is_test(evaluator.module(call.module).path);
        let guard = if test { Guard::Test } else { Guard::None };
        (found.iter().map(|one| one.guard).fold(guard, stronger), found)
    }

    fn conditions<'a>(
        &mut self,
        evaluator: &mut Evaluator<'_, 'a>,
        index: &Index<'a>,
        place: &Place,
        depth: usize,
    ) -> Vec<Condition> {
        let module = evaluator.module(place.module);
        let Some(semantic) = &module.semantic else { return Vec::new() };
        let nodes = semantic.nodes();
        let mut found = Vec::new();
        let mut child = place.span;
        for ancestor in nodes.ancestors(place.node) {
            let kind = ancestor.kind();
            found.extend(condition_of(evaluator, place.module, kind, child));
            for exit in self.exits_before(evaluator, place.module, ancestor.id(), child.start) {
                if let AstKind::IfStatement(it) = nodes.kind(exit) {
                    found.push(condition(evaluator, place.module, &it.test));
                }
            }
            child = kind.span();
            if !is_function(kind) {
                continue;
            }
            let func = (place.module, ancestor.id());
            let callers = evaluator.callers.get(&func);
            let looped = callers.and_then(|all| all.iter().find(|one| one.call.via == Via::Each));
            if let Some(looped) = looped {
                let span = looped.call.callee.span();
                found.push(written(evaluator, looped.call.module, Guard::Loop, span, BTreeSet::new()));
                continue;
            }
            // A function that is handed to code that is not followed most likely runs where it stands.
            if !evaluator.handlers.contains_key(&func) && callers.is_none() {
                continue;
            }
            found.extend(self.inherited(evaluator, index, func, depth));
            break;
        }
        found
    }

    /// The conditions that all calls of a function share; handlers start anew.
    fn inherited<'a>(
        &mut self,
        evaluator: &mut Evaluator<'_, 'a>,
        index: &Index<'a>,
        func: Func,
        depth: usize,
    ) -> Vec<Condition> {
        if depth >= CALLERS_DEPTH_MAX || evaluator.handlers.contains_key(&func) {
            return Vec::new();
        }
        let calls: Vec<CallRef<'a>> =
            evaluator.callers.get(&func).into_iter().flat_map(|all| all.iter()).map(|one| one.call).collect();
        let mut weakest: Option<(Guard, Vec<Condition>)> = None;
        for call in calls {
            let place = Place { module: call.module, node: node_of(call), span: call.span };
            let found = self.conditions(evaluator, index, &place, depth + 1);
            let guard = found.iter().map(|one| one.guard).fold(Guard::None, stronger);
            if weakest.as_ref().is_none_or(|(old, _)| rank(guard) < rank(*old)) {
                weakest = Some((guard, found));
            }
        }
        weakest.map(|(_, found)| found).unwrap_or_default()
    }

    /// The early exits of a list of statements before a place.
    fn exits_before(&mut self, evaluator: &Evaluator<'_, '_>, module: usize, list: NodeId, before: u32) -> Vec<NodeId> {
        let all = self.exits.entry((module, list)).or_insert_with(|| {
            let statements = match evaluator.module(module).kind(list) {
                Some(AstKind::Program(it)) => &it.body,
                Some(AstKind::FunctionBody(it)) => &it.statements,
                Some(AstKind::BlockStatement(it)) => &it.body,
                _ => return Vec::new(),
            };
            let exits = statements.iter().filter_map(|one| match one {
                Statement::IfStatement(it) if it.alternate.is_none() && leaves(&it.consequent) => {
                    Some(Exit { node: it.node_id.get(), end: it.span.end })
                }
                _ => None,
            });
            exits.collect()
        });
        all.iter().rev().filter(|exit| exit.end <= before).map(|exit| exit.node).collect()
    }
}

fn rank(guard: Guard) -> usize {
    match guard {
        Guard::None => 0,
        Guard::Loop => 1,
        Guard::Branch => 2,
        Guard::Config => 3,
        Guard::Test => 4,
    }
}

fn stronger(a: Guard, b: Guard) -> Guard {
    if rank(b) > rank(a) { b } else { a }
}

fn condition_of<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    module: usize,
    kind: AstKind<'a>,
    child: oxc_span::Span,
) -> Option<Condition> {
    let head = |evaluator: &Evaluator<'_, '_>, guard, span| written(evaluator, module, guard, span, BTreeSet::new());
    match kind {
        AstKind::IfStatement(it) if it.test.span() != child => {
            let constant = matches!(it.test.get_inner_expression(), Expression::BooleanLiteral(_));
            (!constant).then(|| condition(evaluator, module, &it.test))
        }
        AstKind::ConditionalExpression(it) if it.test.span() != child => Some(condition(evaluator, module, &it.test)),
        AstKind::LogicalExpression(it) if it.right.span() == child => Some(condition(evaluator, module, &it.left)),
        AstKind::SwitchStatement(it) if it.discriminant.span() != child => {
            Some(condition(evaluator, module, &it.discriminant))
        }
        AstKind::CatchClause(it) => {
            let span = oxc_span::Span::new(it.span.start, it.body.span.start);
            Some(head(evaluator, Guard::Branch, span))
        }
        AstKind::ForStatement(it) => {
            let runs_once = it.init.as_ref().is_some_and(|init| init.span() == child);
            (!runs_once).then(|| head(evaluator, Guard::Loop, oxc_span::Span::new(it.span.start, it.body.span().start)))
        }
        AstKind::ForInStatement(it) if it.right.span() != child => {
            Some(head(evaluator, Guard::Loop, oxc_span::Span::new(it.span.start, it.body.span().start)))
        }
        AstKind::ForOfStatement(it) if it.right.span() != child => {
            Some(head(evaluator, Guard::Loop, oxc_span::Span::new(it.span.start, it.body.span().start)))
        }
        AstKind::WhileStatement(it) => Some(head(evaluator, Guard::Loop, it.test.span())),
        AstKind::DoWhileStatement(it) => Some(head(evaluator, Guard::Loop, it.test.span())),
        _ => None,
    }
}

fn condition<'a>(evaluator: &mut Evaluator<'_, 'a>, module: usize, test: &'a Expression<'a>) -> Condition {
    let mut config = BTreeSet::new();
    settings(evaluator, module, test, 0, &mut config);
    let guard = if config.is_empty() { Guard::Branch } else { Guard::Config };
    written(evaluator, module, guard, test.span(), config)
}

fn written(
    evaluator: &Evaluator<'_, '_>,
    module: usize,
    guard: Guard,
    span: oxc_span::Span,
    config: BTreeSet<String>,
) -> Condition {
    let one = evaluator.module(module);
    let text = one.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    let text: String =
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN_CHARACTERS_MAX).collect();
    let location = Location::of(&one.file, one.text, Span { start: span.start, end: span.end });
    Condition { guard, text, config, location }
}

/// The members and names that an expression is made of.
#[derive(Default)]
struct Parts<'a> {
    members: Vec<&'a StaticMemberExpression<'a>>,
    names: Vec<&'a IdentifierReference<'a>>,
}

impl<'a> Visit<'a> for Parts<'a> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        match kind {
            AstKind::StaticMemberExpression(it) => self.members.push(it),
            AstKind::IdentifierReference(it) => self.names.push(it),
            _ => {}
        }
    }
}

/// The settings that a condition asks for, by name; a name that was read from a setting counts.
fn settings<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    module: usize,
    test: &'a Expression<'a>,
    depth: usize,
    out: &mut BTreeSet<String>,
) {
    let mut parts = Parts::default();
    parts.visit_expression(test);
    for member in parts.members {
        let object = evaluator.glance(module, &member.object);
        if object.hosts().any(|host| *host == Host::Object("config")) {
            out.insert(member.property.name.to_string());
        }
    }
    if depth < NAMES_DEPTH_MAX {
        for name in parts.names {
            setting_of(evaluator, module, name, depth, out);
        }
    }
}

fn setting_of<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    module: usize,
    name: &IdentifierReference<'a>,
    depth: usize,
    out: &mut BTreeSet<String>,
) {
    let Some(symbol) = evaluator.symbol_of(module, name) else { return };
    let Some((at, declarator)) = evaluator.declarator(symbol) else { return };
    let Some(init) = &declarator.init else { return };
    match &declarator.id {
        BindingPattern::ObjectPattern(pattern) => {
            let object = evaluator.glance(at, init);
            if object == Value::Host(Host::Object("config")) {
                let keys = pattern
                    .properties
                    .iter()
                    .filter(|one| one.value.get_binding_identifiers().iter().any(|id| id.name == name.name));
                out.extend(keys.filter_map(|one| one.key.static_name()).map(|key| key.to_string()));
            }
        }
        _ if !is_call(init) => settings(evaluator, at, init, depth + 1, out),
        _ => {}
    }
}

fn is_call(expression: &Expression<'_>) -> bool {
    matches!(
        expression.get_inner_expression(),
        Expression::CallExpression(_) | Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_)
    )
}

/// The handlers that a node lies in or runs for, as `kind:name`; the one only where there is one.
pub(crate) fn within<'a>(
    evaluator: &Evaluator<'_, 'a>,
    index: &Index<'a>,
    reach: &Reach,
    module: usize,
    node: NodeId,
) -> (Option<String>, TextSet) {
    let triggers = triggers(evaluator, index, reach, module, node);
    let only = (triggers.len() == 1).then(|| triggers.first().cloned()).flatten();
    (only.filter(|one| one != LOADING), triggers)
}

/// What comes to a place when the plugin is loaded.
pub(crate) const LOADING: &str = "load";

fn triggers<'a>(
    evaluator: &Evaluator<'_, 'a>,
    index: &Index<'a>,
    reach: &Reach,
    module: usize,
    node: NodeId,
) -> TextSet {
    let nodes = evaluator.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes);
    let around = nodes.into_iter().flat_map(|nodes| nodes.ancestors(node)).filter(|one| is_function(one.kind()));
    for function in around {
        let labels: TextSet = index.handlers_of((module, function.id())).map(super::index::Handler::label).collect();
        if !labels.is_empty() {
            return labels;
        }
    }
    let unit = reach.unit(module, node);
    let load = reach.at_load(unit).then(|| LOADING.to_owned());
    reach.handlers_to(unit).map(|at| index.handlers[at].label()).chain(load).collect()
}
