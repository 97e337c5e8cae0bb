//! Which functions can run, from the top level of the modules and from each handler.

mod never;
mod owners;

use crate::js::eval::{Evaluator, is_function};
use crate::js::index::Index;
use crate::js::program::Modules;
use crate::js::value::Func;
pub(crate) use never::leaves;
use never::{Never, never_in};
use owners::{Name, Owner, owner, used};
use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression};
use oxc_syntax::node::NodeId;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A stretch of code that runs as a whole: a function, or the top level of a module; by its number.
pub(crate) type Unit = usize;

/// Reachability of a plugin's code.
pub(crate) struct Reach {
    /// What runs at all.
    all: Vec<bool>,
    /// What runs at load time, apart from handlers.
    top: Vec<bool>,
    /// The handlers that run a unit, by their place in the index.
    by_unit: BTreeMap<Unit, Vec<usize>>,
    places: Places,
}

/// The unit of each node, and nodes that never run.
#[derive(Default)]
struct Places {
    /// By module and node.
    units: Vec<Vec<u32>>,
    /// Nodes under a condition that is false as written, or after what leaves for certain.
    dead: Vec<Vec<bool>>,
    /// The unit that each node is itself, if it is a function, by module and node.
    own: Vec<Vec<Option<u32>>>,
    count: usize,
}

impl Reach {
    /// Follows uses from the top levels, the handlers and `extra` functions.
    pub(crate) fn build<'a>(
        modules: &Modules<'a>,
        evaluator: &mut Evaluator<'_, 'a>,
        index: &Index<'a>,
        extra: &BTreeSet<Func>,
    ) -> Self {
        let mut places = Places::default();
        for at in 0..modules.list.len() {
            places.add_module(modules, evaluator, at);
        }
        let mut uses = Uses::new(places.count);
        for at in 0..modules.list.len() {
            uses.collect(modules, evaluator, &places, at);
        }
        let loaded = (0..modules.list.len()).filter(|at| !modules.list[*at].dormant);
        let tops: Vec<Unit> = loaded.map(|at| places.unit(at, None)).collect();
        let unit = |func: &Func| places.of_function(func.0, func.1);
        let handlers: BTreeSet<Unit> = index.handlers.iter().flat_map(|one| &one.functions).filter_map(unit).collect();
        let roots = tops.iter().copied().chain(extra.iter().filter_map(unit)).collect();
        let all = uses.follow(roots, &BTreeSet::new());
        let top = uses.follow(tops, &handlers);
        let mut by_unit: BTreeMap<Unit, Vec<usize>> = BTreeMap::new();
        for (at, handler) in index.handlers.iter().enumerate() {
            for unit in uses.follow(handler.functions.iter().filter_map(unit).collect(), &BTreeSet::new()) {
                by_unit.entry(unit).or_default().push(at);
            }
        }
        let flags = |units: &BTreeSet<Unit>| (0..places.count).map(|unit| units.contains(&unit)).collect();
        Self { all: flags(&all), top: flags(&top), by_unit, places }
    }

    /// The unit a node belongs to.
    pub(crate) fn unit(&self, module: usize, node: NodeId) -> Unit {
        self.places.unit(module, Some(node))
    }

    /// Whether a node can run.
    pub(crate) fn reachable(&self, module: usize, node: NodeId) -> bool {
        !self.places.is_dead(module, node) && self.all[self.unit(module, node)]
    }

    /// Whether loading the plugin runs a unit.
    pub(crate) fn at_load(&self, unit: Unit) -> bool {
        self.top[unit]
    }

    /// The handlers that run a unit.
    pub(crate) fn handlers_to(&self, unit: Unit) -> impl Iterator<Item = usize> + '_ {
        self.by_unit.get(&unit).into_iter().flatten().copied()
    }
}

impl Places {
    fn add_module<'a>(&mut self, modules: &Modules<'a>, evaluator: &mut Evaluator<'_, 'a>, at: usize) {
        let top = self.next_unit();
        let count = modules.list[at].semantic.as_ref().map_or(1, |semantic| semantic.nodes().len().max(1));
        self.units.push(vec![top; count]);
        self.dead.push(vec![false; count]);
        self.own.push(vec![None; count]);
        let Some(semantic) = &modules.list[at].semantic else { return };
        let nodes = semantic.nodes();
        let mut never: FxHashMap<NodeId, Never> = FxHashMap::default();
        for node in nodes.iter() {
            let id = node.id();
            let parent = nodes.parent_id(id);
            if parent != id {
                let inherited = self.units[at][parent.index()];
                self.units[at][id.index()] = self.own[at][parent.index()].unwrap_or(inherited);
                let never = never.get(&parent).is_some_and(|never| never.covers(node.kind()));
                self.dead[at][id.index()] = never || self.dead[at][parent.index()];
            }
            if is_function(node.kind()) {
                self.own[at][id.index()] = Some(self.next_unit());
            }
            if let Some(found) = never_in(evaluator, at, node.kind()) {
                never.insert(id, found);
            }
        }
    }

    fn next_unit(&mut self) -> u32 {
        self.count += 1;
        u32::try_from(self.count - 1).unwrap_or(u32::MAX)
    }

    /// The unit of a function.
    fn of_function(&self, module: usize, node: NodeId) -> Option<Unit> {
        self.own.get(module)?.get(node.index())?.map(|unit| unit as usize)
    }

    fn unit(&self, module: usize, node: Option<NodeId>) -> Unit {
        self.units[module][node.map_or(0, NodeId::index)] as usize
    }

    fn is_dead(&self, module: usize, node: NodeId) -> bool {
        self.dead[module][node.index()]
    }
}

/// Who uses what.
struct Uses<'a> {
    /// The functions that only run once their owner is used, with the member name that must be used too.
    owned: BTreeMap<Owner, Vec<(Option<Name<'a>>, Unit)>>,
    /// By unit: functions that run where they stand.
    inner: Vec<Vec<Unit>>,
    /// By unit: names that are used.
    owners: Vec<Vec<Owner>>,
    /// By unit: names of members that are used.
    members: Vec<Vec<Name<'a>>>,
    /// By unit: whether members of any name are used, as by `map[key]`.
    open: Vec<bool>,
}

impl<'a> Uses<'a> {
    fn new(units: usize) -> Self {
        Self {
            owned: BTreeMap::new(),
            inner: vec![Vec::new(); units],
            owners: vec![Vec::new(); units],
            members: vec![Vec::new(); units],
            open: vec![false; units],
        }
    }

    fn collect(&mut self, modules: &Modules<'a>, evaluator: &Evaluator<'_, 'a>, places: &Places, at: usize) {
        let Some(semantic) = &modules.list[at].semantic else { return };
        for node in semantic.nodes().iter() {
            let id = node.id();
            if places.is_dead(at, id) {
                continue;
            }
            let unit = places.unit(at, Some(id));
            match node.kind() {
                kind if is_function(kind) => {
                    let Some(own) = places.of_function(at, id) else { continue };
                    match owner(modules, at, id) {
                        Some((owner, member)) => self.owned.entry(owner).or_default().push((member, own)),
                        None => self.inner[unit].push(own),
                    }
                }
                AstKind::IdentifierReference(it) => {
                    let parent = semantic.nodes().parent_kind(id);
                    if matches!(parent, AstKind::ExportSpecifier(_)) {
                        continue;
                    }
                    if let Some(symbol) = evaluator.symbol_of(at, it) {
                        self.owners[unit].extend(used(modules, symbol, parent));
                    }
                }
                AstKind::StaticMemberExpression(it) => {
                    self.members[unit].push(Cow::Borrowed(it.property.name.as_str()));
                }
                AstKind::PrivateFieldExpression(it) => {
                    self.members[unit].push(Cow::Owned(format!("#{}", it.field.name)));
                }
                AstKind::ComputedMemberExpression(it) => match it.expression.get_inner_expression() {
                    Expression::StringLiteral(name) => self.members[unit].push(Cow::Borrowed(name.value.as_str())),
                    Expression::NumericLiteral(_) => {}
                    _ => self.open[unit] = true,
                },
                AstKind::BindingProperty(it) => match it.key.static_name() {
                    Some(name) => self.members[unit].push(name),
                    None => self.open[unit] = true,
                },
                AstKind::CallExpression(it) => self.open[unit] |= takes_members(it),
                AstKind::ForInStatement(_) | AstKind::SpreadElement(_) => self.open[unit] = true,
                _ => {}
            }
        }
    }

    fn follow(&self, roots: Vec<Unit>, stop: &BTreeSet<Unit>) -> BTreeSet<Unit> {
        let mut walk = Walk { open: roots, ..Walk::default() };
        while let Some(unit) = walk.open.pop() {
            if stop.contains(&unit) || !walk.seen.insert(unit) {
                continue;
            }
            walk.open.extend(&self.inner[unit]);
            for owner in &self.owners[unit] {
                if walk.owners.insert(owner) {
                    for (member, owned) in self.owned.get(owner).into_iter().flatten() {
                        walk.hold(member.as_deref(), *owned);
                    }
                }
            }
            for member in &self.members[unit] {
                walk.name(member);
            }
            if self.open[unit] {
                walk.every_name();
            }
        }
        walk.seen
    }
}

/// One walk over what is used.
#[derive(Default)]
struct Walk<'u> {
    seen: BTreeSet<Unit>,
    open: Vec<Unit>,
    owners: BTreeSet<&'u Owner>,
    names: BTreeSet<&'u str>,
    every: bool,
    /// Methods of used objects whose names are not used yet.
    held: BTreeMap<&'u str, Vec<Unit>>,
}

impl<'u> Walk<'u> {
    fn hold(&mut self, member: Option<&'u str>, unit: Unit) {
        match member {
            Some(name) if !self.every && !self.names.contains(name) => self.held.entry(name).or_default().push(unit),
            _ => self.open.push(unit),
        }
    }

    fn name(&mut self, name: &'u str) {
        if self.names.insert(name) {
            self.open.extend(self.held.remove(name).unwrap_or_default());
        }
    }

    fn every_name(&mut self) {
        self.every = true;
        self.open.extend(std::mem::take(&mut self.held).into_values().flatten());
    }
}

/// `Object.values(x)` and its like use every member.
fn takes_members(call: &CallExpression<'_>) -> bool {
    matches!(call.callee.get_inner_expression(), Expression::StaticMemberExpression(it)
        if matches!(it.property.name.as_str(), "values" | "entries" | "assign" | "provide" | "get" | "getOwnPropertyNames"))
}
