//! A plugin's code as payloads see it: what each call calls, what each function returns, what each name is.

use crate::js::eval::{Args, Assumed, CallRef, Evaluator, Via, is_function};
use crate::js::index::Index;
use crate::js::program::{Binding, Module, Modules, Sym};
use crate::js::value::{Func, Host, Value};
use contract_model::shape::Origin;
use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    AssignmentTarget, BindingPattern, CallExpression, Expression, FormalParameters, IdentifierReference,
};
use oxc_semantic::AstNodes;
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A call and the module it stands in.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) module: usize,
    pub(crate) it: &'a CallExpression<'a>,
}

/// A function that was entered, and the call that entered it by its place.
pub(crate) type Entered = (Func, (usize, NodeId));

/// The calls that assumptions name.
pub(crate) fn entered(assumed: &[Assumed<'_>]) -> Vec<Entered> {
    let calls = assumed.iter().filter_map(|one| match &one.args {
        Args::Call(by, _) => Some((one.func, (by.module, by.node))),
        Args::Values(_) => None,
    });
    calls.collect()
}

/// What a call calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// One of the plugin's own functions.
    Own(Func),
    /// A method of a host object, such as `("realtime", "publish")`.
    Host(&'static str, &'static str),
    /// A method of a handler's argument, with the handler's index.
    Event(usize, String),
}

/// A registered handler.
pub(crate) struct Registered {
    /// `event`, `verb`, and so on.
    pub(crate) kind: &'static str,
    pub(crate) functions: BTreeSet<Func>,
    /// The handlers whose functions it shares, itself included.
    pub(crate) sharing: Vec<usize>,
}

/// The code of a plugin.
pub(crate) struct Code<'p, 'a> {
    pub(crate) modules: &'p Modules<'a>,
    /// Paths of the modules, shared by all origins.
    files: Vec<Arc<str>>,
    targets: BTreeMap<(usize, NodeId), Vec<Target>>,
    calls: Vec<Call<'a>>,
    callers: BTreeMap<Func, Vec<Call<'a>>>,
    otherwise: BTreeSet<Func>,
    /// For each call of a function, the calls that made the closure that it calls, in each way it may come to that.
    closures: BTreeMap<Entered, Vec<Vec<Entered>>>,
    returns: BTreeMap<Func, Vec<&'a Expression<'a>>>,
    pub(crate) handlers: Vec<Registered>,
    /// The handlers that each function is.
    pub(crate) handled: BTreeMap<Func, Vec<usize>>,
    /// Names of fields that a module assigns, by module.
    assigned: Vec<BTreeSet<&'a str>>,
    /// The names under which other modules import a symbol.
    imported: BTreeMap<Sym, Vec<Sym>>,
    /// The modules that some name stands for as a whole.
    namespaces: BTreeSet<usize>,
}

impl<'p, 'a> Code<'p, 'a> {
    /// Reads everything once. Borrows nothing of evaluator and index.
    pub(crate) fn build(evaluator: &Evaluator<'p, 'a>, index: &Index<'a>) -> Self {
        let modules = evaluator.modules;
        let mut code = Self {
            modules,
            files: modules.list.iter().map(|module| Arc::from(module.path)).collect(),
            targets: BTreeMap::new(),
            calls: Vec::new(),
            callers: BTreeMap::new(),
            otherwise: BTreeSet::new(),
            closures: BTreeMap::new(),
            returns: BTreeMap::new(),
            handlers: Vec::new(),
            handled: BTreeMap::new(),
            assigned: vec![BTreeSet::new(); modules.list.len()],
            imported: BTreeMap::new(),
            namespaces: BTreeSet::new(),
        };
        for site in index.sites.iter().filter(|site| site.at.via == Via::Plain) {
            if let Some(call) = code.call(site.at) {
                code.add_site(call, &site.callee, evaluator);
            }
        }
        for (func, callers) in &evaluator.callers {
            for caller in callers.iter() {
                let plain = caller.call.via == Via::Plain && caller.bound.is_empty();
                match code.call(caller.call).filter(|_| plain) {
                    Some(call) => {
                        code.add_caller(*func, call);
                        code.add_closure(*func, call, &caller.assumed);
                    }
                    None => drop(code.otherwise.insert(*func)),
                }
            }
        }
        for (at, handler) in index.handlers.iter().enumerate() {
            for func in &handler.functions {
                code.handled.entry(*func).or_default().push(at);
            }
        }
        for handler in &index.handlers {
            let same = handler.functions.iter().flat_map(|func| &code.handled[func]);
            let sharing: BTreeSet<usize> =
                same.copied().filter(|at| index.handlers[*at].kind == handler.kind).collect();
            let (kind, functions) = (handler.kind, handler.functions.clone());
            code.handlers.push(Registered { kind, functions, sharing: sharing.into_iter().collect() });
        }
        for at in 0..modules.list.len() {
            code.add_module(at);
        }
        code
    }

    fn add_site(&mut self, call: Call<'a>, callee: &Value<'a>, evaluator: &Evaluator<'_, 'a>) {
        let mut found: Vec<Target> = callee.closures().iter().map(|one| Target::Own(one.func)).collect();
        for host in callee.hosts() {
            match host {
                Host::Method(object, method) => found.push(Target::Host(object, method)),
                Host::EventMethod(event, method) => {
                    let group = evaluator.events.get(*event).into_iter().flatten();
                    found.extend(group.map(|handler| Target::Event(*handler, method.clone())));
                }
                _ => {}
            }
        }
        if found.is_empty() {
            return;
        }
        let known = self.targets.entry((call.module, call.it.node_id.get())).or_default();
        for target in found {
            if !known.contains(&target) {
                known.push(target);
            }
        }
    }

    /// A call as the syntax tree has it; none for `new` and the like.
    pub(crate) fn call(&self, call: CallRef<'_>) -> Option<Call<'a>> {
        match self.nodes(call.module)?.kind(call.node) {
            AstKind::CallExpression(it) => Some(Call { module: call.module, it }),
            _ => None,
        }
    }

    /// Whether a function is also called in ways that its calls do not show, such as by `apply` or for each item.
    pub(crate) fn is_called_otherwise(&self, func: Func) -> bool {
        self.otherwise.contains(&func)
    }

    fn add_caller(&mut self, func: Func, call: Call<'a>) {
        let calls = self.callers.entry(func).or_default();
        if !calls.iter().any(|known| known.module == call.module && known.it.span == call.it.span) {
            calls.push(call);
        }
        let known = self.targets.entry((call.module, call.it.node_id.get())).or_default();
        if !known.contains(&Target::Own(func)) {
            known.push(Target::Own(func));
        }
    }

    /// The calls that made the closure which a call calls.
    fn add_closure(&mut self, func: Func, call: Call<'a>, assumed: &[Assumed<'a>]) {
        let made = entered(assumed);
        let known = self.closures.entry((func, (call.module, call.it.node_id.get()))).or_default();
        if !known.contains(&made) {
            known.push(made);
        }
    }

    fn add_module(&mut self, at: usize) {
        let Some(nodes) = self.nodes(at) else { return };
        for node in nodes.iter() {
            match node.kind() {
                AstKind::ReturnStatement(it) => {
                    if let (Some(value), Some(func)) = (&it.argument, self.enclosing(at, node.id())) {
                        self.returns.entry(func).or_default().push(value);
                    }
                }
                AstKind::CallExpression(it) => self.calls.push(Call { module: at, it }),
                AstKind::AssignmentExpression(it) => {
                    if let AssignmentTarget::StaticMemberExpression(left) = &it.left {
                        self.assigned[at].insert(left.property.name.as_str());
                    }
                }
                AstKind::ArrowFunctionExpression(it) => {
                    if let Some(value) = it.body.as_expression() {
                        self.returns.entry((at, node.id())).or_default().push(value);
                    }
                }
                _ => {}
            }
        }
        let Some(scoping) = self.modules.list[at].semantic.as_ref().map(oxc_semantic::Semantic::scoping) else {
            return;
        };
        for symbol in scoping.symbol_ids() {
            match self.modules.resolve((at, symbol)) {
                Binding::Symbol(target) if target != (at, symbol) => {
                    self.imported.entry(target).or_default().push((at, symbol));
                }
                Binding::Namespace(target) => _ = self.namespaces.insert(target),
                _ => {}
            }
        }
    }

    pub(crate) fn module(&self, at: usize) -> &'p Module<'a> {
        &self.modules.list[at]
    }

    pub(crate) fn nodes(&self, at: usize) -> Option<&'p AstNodes<'a>> {
        let modules: &'p Modules<'a> = self.modules;
        Some(modules.list.get(at)?.semantic.as_ref()?.nodes())
    }

    /// What a call calls; nothing where that is not known.
    pub(crate) fn targets(&self, call: Call<'_>) -> &[Target] {
        self.targets.get(&(call.module, call.it.node_id.get())).map_or(&[], Vec::as_slice)
    }

    /// Every call.
    pub(crate) fn calls(&self) -> impl Iterator<Item = Call<'a>> {
        self.calls.iter().copied()
    }

    /// The known calls of a function.
    pub(crate) fn callers(&self, func: Func) -> &[Call<'a>] {
        self.callers.get(&func).map_or(&[], Vec::as_slice)
    }

    /// The calls that made the closure which a call of a function calls, in each way it may come to that.
    pub(crate) fn closures(&self, entered: Entered) -> &[Vec<Entered>] {
        self.closures.get(&entered).map_or(&[], Vec::as_slice)
    }

    /// What a function returns where it says so.
    pub(crate) fn returns(&self, func: Func) -> &[&'a Expression<'a>] {
        self.returns.get(&func).map_or(&[], Vec::as_slice)
    }

    /// The innermost function around a node.
    pub(crate) fn enclosing(&self, at: usize, node: NodeId) -> Option<Func> {
        self.nodes(at)?.ancestors(node).find(|one| is_function(one.kind())).map(|one| (at, one.id()))
    }

    pub(crate) fn params(&self, (at, node): Func) -> Option<&'a FormalParameters<'a>> {
        match self.nodes(at)?.kind(node) {
            AstKind::Function(it) => Some(&it.params),
            AstKind::ArrowFunctionExpression(it) => Some(&it.params),
            _ => None,
        }
    }

    /// Whether calling a function gives a promise or an iterator rather than what it returns.
    pub(crate) fn is_async(&self, (at, node): Func) -> bool {
        match self.nodes(at).map(|nodes| nodes.kind(node)) {
            Some(AstKind::Function(it)) => it.r#async || it.generator,
            Some(AstKind::ArrowFunctionExpression(it)) => it.r#async,
            _ => false,
        }
    }

    /// The symbol that an identifier refers to, in its own module.
    pub(crate) fn symbol(&self, at: usize, it: &IdentifierReference<'_>) -> Option<Sym> {
        let scoping = self.modules.list.get(at)?.semantic.as_ref()?.scoping();
        let symbol = scoping.get_reference(it.reference_id.get()?).symbol_id()?;
        (!scoping.symbol_flags(symbol).is_ambient()).then_some((at, symbol))
    }

    /// The symbol that a pattern binds, where it is a plain name.
    pub(crate) fn bound(at: usize, pattern: &BindingPattern<'_>) -> Option<Sym> {
        Some((at, pattern.get_binding_identifier()?.symbol_id.get()?))
    }

    /// Whether a module assigns a field of this name anywhere.
    pub(crate) fn assigns(&self, at: usize, name: &str) -> bool {
        self.assigned.get(at).is_some_and(|names| names.contains(name))
    }

    /// The node that declares a symbol.
    pub(crate) fn declaration(&self, (at, symbol): Sym) -> Option<NodeId> {
        Some(self.modules.list.get(at)?.semantic.as_ref()?.scoping().symbol_declaration(symbol))
    }

    /// Every place that names a symbol, in its own module and in those that import it; and whether it writes.
    pub(crate) fn references(&self, symbol: Sym) -> Vec<(usize, NodeId, bool)> {
        let mut out = Vec::new();
        let names = std::iter::once(&symbol).chain(self.imported.get(&symbol).into_iter().flatten());
        for (at, id) in names {
            let Some(semantic) = &self.modules.list[*at].semantic else { continue };
            let found = semantic.scoping().get_resolved_references(*id);
            out.extend(found.map(|one| (*at, one.node_id(), one.is_write())));
        }
        out
    }

    /// How often a symbol gets a value after its declaration.
    pub(crate) fn writes(&self, symbol: Sym) -> Vec<(usize, NodeId)> {
        self.references(symbol).into_iter().filter(|(.., write)| *write).map(|(at, node, _)| (at, node)).collect()
    }

    /// Whether a whole module is handed around as a namespace, so that its exports may be reached unseen.
    pub(crate) fn is_namespace(&self, at: usize) -> bool {
        self.namespaces.contains(&at)
    }

    pub(crate) fn origin(&self, at: usize, span: oxc_span::Span) -> Origin {
        Origin { file: self.files[at].clone(), span: Span { start: span.start, end: span.end } }
    }

    /// The nearest node around that is no parenthesis, type or chain: what makes use of an expression.
    pub(crate) fn user(&self, at: usize, node: NodeId) -> Option<(NodeId, NodeId)> {
        let nodes = self.nodes(at)?;
        let (mut inner, mut outer) = (node, nodes.parent_id(node));
        while matches!(
            nodes.kind(outer),
            AstKind::ParenthesizedExpression(_)
                | AstKind::TSAsExpression(_)
                | AstKind::TSSatisfiesExpression(_)
                | AstKind::TSNonNullExpression(_)
                | AstKind::TSTypeAssertion(_)
                | AstKind::ChainExpression(_)
        ) {
            (inner, outer) = (outer, nodes.parent_id(outer));
        }
        (outer != inner).then_some((inner, outer))
    }

    pub(crate) fn span(&self, at: usize, node: NodeId) -> oxc_span::Span {
        self.nodes(at).map(|nodes| nodes.kind(node).span()).unwrap_or_default()
    }
}
