//! Which functions can run, from the top level of the modules and from each handler.

use super::eval::{Evaluator, is_function};
use super::index::Index;
use super::program::{Binding, Modules, Sym};
use super::value::Func;
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingIdentifier, CallExpression, ExportDefaultDeclarationKind, Expression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// A stretch of code that runs as a whole: a function, or the top level of a module.
pub(crate) type Unit = (usize, Option<NodeId>);

/// What must be used for a function to run.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Symbol(Sym),
    Default(usize),
}

/// Reachability of a plugin's code.
pub(crate) struct Reach {
    /// What runs at all.
    all: BTreeSet<Unit>,
    /// What runs at load time, apart from handlers.
    top: BTreeSet<Unit>,
    /// What each handler runs, in the order of the index.
    by_handler: Vec<BTreeSet<Unit>>,
    /// Nodes under a condition that is false as written.
    dead: BTreeSet<(usize, NodeId)>,
    units: BTreeMap<(usize, NodeId), Unit>,
}

impl Reach {
    /// Follows uses from the top levels, the handlers and `extra` functions.
    pub(crate) fn build(
        modules: &Modules<'_>,
        evaluator: &Evaluator<'_, '_>,
        index: &Index<'_>,
        extra: &BTreeSet<Func>,
    ) -> Self {
        let mut builder = Builder::default();
        for at in 0..modules.list.len() {
            builder.place_nodes(modules, at);
        }
        for at in 0..modules.list.len() {
            builder.collect_edges(modules, evaluator, at);
        }
        let tops: BTreeSet<Unit> = (0..modules.list.len()).map(|at| (at, None)).collect();
        let unit = |func: &Func| (func.0, Some(func.1));
        let handlers: BTreeSet<Unit> = index.handlers.iter().flat_map(|one| &one.functions).map(unit).collect();
        let extra = extra.iter().map(unit);
        let all = builder.follow(tops.iter().copied().chain(extra).collect(), &BTreeSet::new());
        let top = builder.follow(tops, &handlers);
        let by_handler = index
            .handlers
            .iter()
            .map(|one| builder.follow(one.functions.iter().map(unit).collect(), &BTreeSet::new()))
            .collect();
        Self { all, top, by_handler, dead: builder.dead, units: builder.units }
    }

    /// The unit a node belongs to.
    pub(crate) fn unit(&self, module: usize, node: NodeId) -> Unit {
        self.units.get(&(module, node)).copied().unwrap_or((module, None))
    }

    /// Whether a node can run.
    pub(crate) fn reachable(&self, module: usize, node: NodeId) -> bool {
        !self.dead.contains(&(module, node)) && self.all.contains(&self.unit(module, node))
    }

    /// The one handler that runs a unit, if only one does and loading the plugin does not.
    pub(crate) fn only_handler(&self, unit: Unit) -> Option<usize> {
        if self.top.contains(&unit) {
            return None;
        }
        let mut found = self.by_handler.iter().enumerate().filter(|(_, units)| units.contains(&unit));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Builder {
    units: BTreeMap<(usize, NodeId), Unit>,
    dead: BTreeSet<(usize, NodeId)>,
    owned: BTreeMap<Owner, BTreeSet<Unit>>,
    uses: BTreeMap<Unit, BTreeSet<Unit>>,
    symbols: BTreeMap<Unit, Vec<Owner>>,
}

impl Builder {
    fn place_nodes(&mut self, modules: &Modules<'_>, at: usize) {
        let Some(semantic) = &modules.list[at].semantic else { return };
        let nodes = semantic.nodes();
        for node in nodes.iter() {
            let id = node.id();
            let parent = nodes.parent_id(id);
            if parent == id {
                self.units.insert((at, id), (at, None));
                continue;
            }
            let unit = match nodes.kind(parent) {
                kind if is_function(kind) => (at, Some(parent)),
                _ => self.units.get(&(at, parent)).copied().unwrap_or((at, None)),
            };
            self.units.insert((at, id), unit);
            if self.dead.contains(&(at, parent)) || never(nodes.kind(parent), node.kind()) {
                self.dead.insert((at, id));
            }
        }
    }

    fn collect_edges(&mut self, modules: &Modules<'_>, evaluator: &Evaluator<'_, '_>, at: usize) {
        let Some(semantic) = &modules.list[at].semantic else { return };
        for node in semantic.nodes().iter() {
            let id = node.id();
            if self.dead.contains(&(at, id)) {
                continue;
            }
            let unit = self.units.get(&(at, id)).copied().unwrap_or((at, None));
            match node.kind() {
                kind if is_function(kind) => match owner(modules, at, id) {
                    Some(owner) => drop(self.owned.entry(owner).or_default().insert((at, Some(id)))),
                    None => drop(self.uses.entry(unit).or_default().insert((at, Some(id)))),
                },
                AstKind::IdentifierReference(it) => {
                    let parent = semantic.nodes().parent_kind(id);
                    if matches!(parent, AstKind::ExportSpecifier(_)) {
                        continue;
                    }
                    if let Some(symbol) = evaluator.symbol_of(at, it) {
                        let owners = used(modules, symbol, parent);
                        self.symbols.entry(unit).or_default().extend(owners);
                    }
                }
                _ => {}
            }
        }
    }

    fn follow(&self, roots: BTreeSet<Unit>, stop: &BTreeSet<Unit>) -> BTreeSet<Unit> {
        let mut seen: BTreeSet<Unit> = BTreeSet::new();
        let mut open: Vec<Unit> = roots.into_iter().collect();
        while let Some(unit) = open.pop() {
            if stop.contains(&unit) || !seen.insert(unit) {
                continue;
            }
            open.extend(self.uses.get(&unit).into_iter().flatten());
            for owner in self.symbols.get(&unit).into_iter().flatten() {
                open.extend(self.owned.get(owner).into_iter().flatten());
            }
        }
        seen
    }
}

/// Whether a child of a node never runs: a branch of a condition that is written as a constant.
fn never(parent: AstKind<'_>, child: AstKind<'_>) -> bool {
    let constant = |test: &Expression<'_>| match test.get_inner_expression() {
        Expression::BooleanLiteral(it) => Some(it.value),
        Expression::NumericLiteral(it) => Some(it.value != 0.0),
        Expression::NullLiteral(_) => Some(false),
        _ => None,
    };
    let span = child.span();
    match parent {
        AstKind::IfStatement(it) => match constant(&it.test) {
            Some(true) => it.alternate.as_ref().is_some_and(|one| one.span() == span),
            Some(false) => it.consequent.span() == span,
            None => false,
        },
        AstKind::ConditionalExpression(it) => match constant(&it.test) {
            Some(true) => it.alternate.span() == span,
            Some(false) => it.consequent.span() == span,
            None => false,
        },
        AstKind::LogicalExpression(it) if it.operator.is_and() => {
            constant(&it.left) == Some(false) && it.right.span() == span
        }
        AstKind::WhileStatement(it) => constant(&it.test) == Some(false) && it.body.span() == span,
        _ => false,
    }
}

/// The name that must be used for a function to run; none where the code around it is enough.
fn owner(modules: &Modules<'_>, at: usize, function: NodeId) -> Option<Owner> {
    let nodes = modules.list[at].semantic.as_ref()?.nodes();
    let symbol = |id: &BindingIdentifier<'_>| id.symbol_id.get().map(|id| Owner::Symbol((at, id)));
    if let AstKind::Function(it) = nodes.kind(function)
        && it.is_declaration()
    {
        if matches!(nodes.parent_kind(function), AstKind::ExportDefaultDeclaration(_)) && it.id.is_none() {
            return Some(Owner::Default(at));
        }
        return it.id.as_ref().and_then(symbol);
    }
    for kind in nodes.ancestor_kinds(function) {
        match kind {
            AstKind::ObjectExpression(_)
            | AstKind::ObjectProperty(_)
            | AstKind::ArrayExpression(_)
            | AstKind::ParenthesizedExpression(_)
            | AstKind::TSAsExpression(_)
            | AstKind::TSSatisfiesExpression(_)
            | AstKind::TSNonNullExpression(_)
            | AstKind::ClassBody(_)
            | AstKind::MethodDefinition(_)
            | AstKind::PropertyDefinition(_) => {}
            AstKind::Class(it) => {
                if let Some(id) = &it.id {
                    return symbol(id);
                }
            }
            AstKind::CallExpression(it) if is_freeze(it) => {}
            AstKind::VariableDeclarator(it) => return it.id.get_binding_identifier().and_then(symbol),
            AstKind::ExportDefaultDeclaration(_) => return Some(Owner::Default(at)),
            _ => return None,
        }
    }
    None
}

fn is_freeze(call: &CallExpression<'_>) -> bool {
    matches!(call.callee.get_inner_expression(), Expression::StaticMemberExpression(it)
        if it.property.name == "freeze" && it.object.get_identifier_reference().is_some_and(|one| one.name == "Object"))
}

/// The names that a use of a symbol uses, imports followed.
fn used(modules: &Modules<'_>, symbol: Sym, parent: AstKind<'_>) -> Vec<Owner> {
    owners(
        modules,
        modules.resolve(symbol),
        match parent {
            AstKind::StaticMemberExpression(it) => Some(it.property.name.as_str()),
            _ => None,
        },
    )
}

fn owners(modules: &Modules<'_>, binding: Binding<'_>, member: Option<&str>) -> Vec<Owner> {
    match binding {
        Binding::Symbol(symbol) => vec![Owner::Symbol(symbol)],
        Binding::Json(_) => Vec::new(),
        Binding::Default(at, kind) => match kind {
            ExportDefaultDeclarationKind::FunctionDeclaration(it) => named_or_default(it.id.as_ref(), at),
            ExportDefaultDeclarationKind::ClassDeclaration(it) => named_or_default(it.id.as_ref(), at),
            _ => vec![Owner::Default(at)],
        },
        Binding::Namespace(at) => {
            let names = modules.export_names(at);
            let wanted = names.iter().filter(|name| member.is_none_or(|member| member == *name));
            let bindings = wanted.filter_map(|name| modules.export(at, name));
            // One level is enough: a namespace within a namespace is used as a whole.
            bindings
                .flat_map(|binding| match binding {
                    Binding::Namespace(_) => Vec::new(),
                    other => owners(modules, other, None),
                })
                .collect()
        }
    }
}

fn named_or_default(id: Option<&BindingIdentifier<'_>>, at: usize) -> Vec<Owner> {
    match id.and_then(|id| id.symbol_id.get()) {
        Some(symbol) => vec![Owner::Symbol((at, symbol))],
        None => vec![Owner::Default(at)],
    }
}
