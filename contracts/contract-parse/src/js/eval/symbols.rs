//! Names: declarations, parameters, imports and loops.

use super::{Ctx, Evaluator, global};
use crate::js::form::Form;
use crate::js::program::{Binding, Sym};
use crate::js::value::{Shape, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{
    AssignmentExpression, AssignmentTarget, BindingPattern, ExportDefaultDeclarationKind, Expression, FormalParameter,
    IdentifierReference, TSEnumDeclaration, TSEnumMemberName, VariableDeclarator,
};
use oxc_span::GetSpan;
use oxc_syntax::constant_value::ConstantValue;
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;
use std::rc::Rc;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn identifier(&mut self, module: usize, it: &IdentifierReference<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(symbol) = self.symbol_of(module, it) else {
            return match it.name.as_str() {
                "arguments" => self.all_arguments(module, it.node_id.get(), ctx),
                name => global(name),
            };
        };
        match self.modules.resolve(symbol) {
            Binding::Symbol(resolved) if resolved == symbol => {
                let value = if self.is_rewritten(symbol) {
                    self.rewritten(symbol, it.node_id.get(), ctx)
                } else {
                    self.built_list(symbol, it.node_id.get(), ctx).unwrap_or_else(|| self.local(symbol, ctx))
                };
                let is_text = matches!(value, Value::Text(_));
                self.lacking(Form::Names).filter(|_| is_text && self.declarator(symbol).is_some()).unwrap_or(value)
            }
            binding => self.binding(binding),
        }
    }

    /// `arguments` of the function around a node.
    fn all_arguments(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        let nodes = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes);
        let mut ancestors = nodes.into_iter().flat_map(|nodes| nodes.ancestors(node));
        let function = ancestors.find(|one| matches!(one.kind(), AstKind::Function(_)));
        match function.map(oxc_semantic::AstNode::id) {
            Some(function) => self.given_from((module, function), 0, ctx),
            None => Value::unknown("the global `arguments`"),
        }
    }

    /// The symbol an identifier refers to. What TypeScript is only told of, as by `declare const $app`, is none: it is
    /// the global of that name.
    pub(crate) fn symbol_of(&self, module: usize, it: &IdentifierReference<'a>) -> Option<Sym> {
        let scoping = self.module(module).semantic.as_ref()?.scoping();
        let symbol = scoping.get_reference(it.reference_id.get()?).symbol_id()?;
        (!scoping.symbol_flags(symbol).is_ambient()).then_some((module, symbol))
    }

    /// The declarator of a name that is declared by `const`, `let` or `var`, imports followed.
    pub(crate) fn declarator(&self, symbol: Sym) -> Option<(usize, &'a VariableDeclarator<'a>)> {
        let Binding::Symbol((module, symbol)) = self.modules.resolve(symbol) else { return None };
        let semantic = self.module(module).semantic.as_ref()?;
        match semantic.nodes().kind(semantic.scoping().symbol_declaration(symbol)) {
            AstKind::VariableDeclarator(it) => Some((module, it)),
            _ => None,
        }
    }

    /// What an import or export stands for. Nothing of the caller's frames is visible there.
    pub(crate) fn binding(&mut self, binding: Binding<'a>) -> Value<'a> {
        let form = if matches!(binding, Binding::Json(_)) { Form::Data } else { Form::Modules };
        if let Some(nothing) = self.lacking(form) {
            return nothing;
        }
        match binding {
            Binding::Symbol(symbol) => self.local(symbol, &None),
            Binding::Namespace(module) => Value::Module(module),
            Binding::Json(module) => self.json(module),
            Binding::Default(module, kind) => match kind {
                ExportDefaultDeclarationKind::FunctionDeclaration(it) => {
                    Value::function((module, it.node_id.get()), None)
                }
                ExportDefaultDeclarationKind::ClassDeclaration(it) => Self::class(module, it, &None),
                other => match other.as_expression() {
                    Some(expression) => self.eval(module, expression, &None),
                    None => Value::unknown("a type"),
                },
            },
        }
    }

    fn json(&mut self, module: usize) -> Value<'a> {
        if let Some(known) = self.documents.get(&module) {
            return known.clone();
        }
        let value = self.module(module).json.as_ref().map_or(Value::Nullish, Value::from_json);
        self.documents.insert(module, value.clone());
        value
    }

    fn rewritten(&mut self, symbol: Sym, reader: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        if let Some(begun) = self.busy_writes.get(&(symbol.0, reader)) {
            self.cut_short(*begun);
            self.passing += 1;
            return Value::Never;
        }
        self.busy_writes.insert((symbol.0, reader), self.depth);
        let value = self.read_at(symbol, reader, ctx);
        self.busy_writes.remove(&(symbol.0, reader));
        self.filled(symbol, value, ctx)
    }

    pub(super) fn local(&mut self, symbol: Sym, ctx: &Ctx<'a>) -> Value<'a> {
        if let Some(value) = &self.cache[symbol.0][symbol.1.index()] {
            return value.clone();
        }
        // A function that calls itself asks for the same name again, in another call.
        let asked = (symbol, ctx.as_ref().map_or(0, |frame| Rc::as_ptr(frame).addr()));
        if let Some(begun) = self.busy.get(&asked) {
            self.cut_short(*begun);
            self.passing += 1;
            return Value::Never;
        }
        self.busy.insert(asked, self.depth);
        let (passing, consulted) = (self.passing, self.consulted.len());
        let value = if self.is_rewritten(symbol) {
            // From another module, or from a place that is not known, every write counts.
            let declaration = self.declaration_node(symbol);
            declaration.map_or(Value::Never, |node| self.read_at(symbol, node, ctx))
        } else {
            self.declaration(symbol, ctx)
        };
        let value = self.filled(symbol, value, ctx);
        self.busy.remove(&asked);
        if self.passing == passing && self.consulted.len() == consulted {
            self.cache[symbol.0][symbol.1.index()] = Some(value.clone());
        }
        value
    }

    fn declaration_node(&self, (module, symbol): Sym) -> Option<NodeId> {
        // The program's node stands before every write, so nothing is taken to be replaced.
        let semantic = self.module(module).semantic.as_ref()?;
        semantic.nodes().ancestor_ids(semantic.scoping().symbol_declaration(symbol)).last()
    }

    /// What a name's declaration gives it.
    pub(super) fn declaration(&mut self, (module, symbol): Sym, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(semantic) = &self.module(module).semantic else { return Value::unknown("a name") };
        let node = semantic.scoping().symbol_declaration(symbol);
        match semantic.nodes().kind(node) {
            AstKind::VariableDeclarator(it) => self.declared(module, node, it, symbol, ctx),
            AstKind::FormalParameter(it) => self.parameter(module, node, it, symbol, ctx),
            AstKind::FormalParameterRest(it) => {
                let Some(func) = self.enclosing_function(module, node) else { return Value::unknown("a parameter") };
                let at = self.params(func).map_or(0, |params| params.items.len());
                let list = self.given_from(func, at, ctx);
                let part = self.pick(module, &it.rest.argument, list, symbol, ctx);
                part.unwrap_or_else(|| Value::unknown("a parameter"))
            }
            AstKind::Function(_) => Value::function((module, node), ctx.clone()),
            AstKind::Class(it) => Self::class(module, it, ctx),
            AstKind::TSEnumDeclaration(it) => self.enumeration(module, it),
            AstKind::ImportSpecifier(_) | AstKind::ImportDefaultSpecifier(_) | AstKind::ImportNamespaceSpecifier(_) => {
                Value::unknown("an import that cannot be resolved")
            }
            AstKind::CatchParameter(_) | AstKind::CatchClause(_) => Value::unknown("a caught exception"),
            _ => Value::unknown("a name that is not followed"),
        }
    }

    fn declared(
        &mut self,
        module: usize,
        node: NodeId,
        it: &'a VariableDeclarator<'a>,
        symbol: SymbolId,
        ctx: &Ctx<'a>,
    ) -> Value<'a> {
        let value = match &it.init {
            Some(init) => self.eval(module, init, ctx),
            None => self.loop_element(module, node, ctx),
        };
        self.pick(module, &it.id, value, symbol, ctx).unwrap_or_else(|| Value::unknown("a destructured name"))
    }

    /// What the loop around a declaration gives it; nothing for `let x;`.
    fn loop_element(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Value<'a> {
        let Some(nodes) = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::nodes) else {
            return Value::Nullish;
        };
        let declaration = nodes.parent_id(node);
        let (head, place) = (nodes.parent_id(declaration), nodes.kind(declaration).span());
        match nodes.kind(head) {
            AstKind::ForOfStatement(it) if it.left.span() == place => {
                let list = self.eval(module, &it.right, ctx);
                let list = self.iterable(&list);
                self.picked((module, head), &list)
            }
            AstKind::ForInStatement(it) if it.left.span() == place => {
                let object = self.eval(module, &it.right, ctx);
                let keys = self.keys(&object);
                self.picked((module, head), &keys)
            }
            _ => Value::Nullish,
        }
    }

    /// The part of a value that a pattern binds to a symbol.
    pub(crate) fn pick(
        &mut self,
        module: usize,
        pattern: &'a BindingPattern<'a>,
        value: Value<'a>,
        symbol: SymbolId,
        ctx: &Ctx<'a>,
    ) -> Option<Value<'a>> {
        match pattern {
            BindingPattern::BindingIdentifier(it) => (it.symbol_id.get() == Some(symbol)).then_some(value),
            BindingPattern::AssignmentPattern(it) => {
                if !binds(&it.left, symbol) {
                    return None;
                }
                let value = self.or_default(module, value, &it.right, ctx);
                self.pick(module, &it.left, value, symbol, ctx)
            }
            BindingPattern::ObjectPattern(it) => {
                if let Some(property) = it.properties.iter().find(|one| binds(&one.value, symbol)) {
                    let names = self.key_name(module, &property.key, property.computed, ctx);
                    let part = match names.as_deref() {
                        Some([name]) => self.member(&value, name),
                        _ => Value::unknown("a computed name"),
                    };
                    return self.pick(module, &property.value, part, symbol, ctx);
                }
                let rest = it.rest.as_ref()?;
                self.pick(module, &rest.argument, value, symbol, ctx)
            }
            BindingPattern::ArrayPattern(it) => {
                let at = it.elements.iter().position(|one| one.as_ref().is_some_and(|one| binds(one, symbol)));
                if let Some(at) = at {
                    let part = self.member(&value, &at.to_string());
                    return self.pick(module, it.elements[at].as_ref()?, part, symbol, ctx);
                }
                let rest = it.rest.as_ref()?;
                let part = match &value {
                    Value::Array(list) if list.rest.is_none() => {
                        Value::array(list.items.iter().skip(it.elements.len()).cloned().collect())
                    }
                    other => other.element().many(),
                };
                self.pick(module, &rest.argument, part, symbol, ctx)
            }
        }
    }

    pub(super) fn or_default(
        &mut self,
        module: usize,
        value: Value<'a>,
        default: &'a Expression<'a>,
        ctx: &Ctx<'a>,
    ) -> Value<'a> {
        match value {
            Value::Nullish => self.eval(module, default, ctx),
            Value::Either(_) | Value::Unknown(_) | Value::Never => {
                let known: Vec<Value<'a>> =
                    value.parts().iter().filter(|part| !matches!(part, Value::Nullish)).cloned().collect();
                let default = self.eval(module, default, ctx);
                Value::join_all(known.into_iter().chain([default])).unwrap_or(Value::Never)
            }
            value => value,
        }
    }

    fn parameter(
        &mut self,
        module: usize,
        node: NodeId,
        it: &'a FormalParameter<'a>,
        symbol: SymbolId,
        ctx: &Ctx<'a>,
    ) -> Value<'a> {
        let unknown = || Value::unknown("a parameter that no known call gives");
        let Some(func) = self.enclosing_function(module, node) else { return unknown() };
        let Some(at) = self.params(func).and_then(|params| params.items.iter().position(|one| one.span == it.span))
        else {
            return unknown();
        };
        let mut value = self.argument(func, at, ctx);
        if let Some(default) = &it.initializer {
            value = self.or_default(module, value, default, ctx);
        }
        self.pick(module, &it.pattern, value, symbol, ctx).unwrap_or_else(unknown)
    }

    /// An assignment as an expression: what is assigned, or for `a ||= b` either.
    pub(super) fn assigned(&mut self, module: usize, it: &'a AssignmentExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let right = self.eval(module, &it.right, ctx);
        match (&it.left, it.operator.is_assign()) {
            (_, true) => right,
            (AssignmentTarget::AssignmentTargetIdentifier(name), _) => {
                let old = self.identifier(module, name, ctx);
                old.join(right)
            }
            _ => Value::unknown("a computed value").join(right),
        }
    }

    /// An enum of TypeScript: texts, and numbers where none is given.
    fn enumeration(&mut self, module: usize, it: &'a TSEnumDeclaration<'a>) -> Value<'a> {
        let scoping = self.module(module).semantic.as_ref().map(oxc_semantic::Semantic::scoping);
        let mut shape = Shape::default();
        for member in &it.body.members {
            let name = match &member.id {
                TSEnumMemberName::Identifier(id) => id.name.to_string(),
                TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => text.value.to_string(),
                TSEnumMemberName::ComputedTemplateString(_) => continue,
            };
            let symbol = scoping.and_then(|scoping| scoping.get_binding(it.body.scope_id.get()?, name.as_str().into()));
            // Members that name each other are known to the parser's own evaluation; the rest is code like any other.
            let known = scoping.zip(symbol).and_then(|(scoping, symbol)| scoping.get_enum_member_value(symbol));
            let value = match (known, &member.initializer) {
                (Some(ConstantValue::String(text)), _) => Value::text(text.as_str()),
                (None, Some(value)) => self.eval(module, value, &None),
                _ => Value::unknown("a number of an enum"),
            };
            shape.fields.insert(name, value);
        }
        Value::Object(Rc::new(shape))
    }
}

/// Whether a pattern binds a symbol.
fn binds(pattern: &BindingPattern<'_>, symbol: SymbolId) -> bool {
    match pattern {
        BindingPattern::BindingIdentifier(it) => it.symbol_id.get() == Some(symbol),
        _ => pattern.get_binding_identifiers().iter().any(|id| id.symbol_id.get() == Some(symbol)),
    }
}
