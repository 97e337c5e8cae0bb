//! Names: declarations, parameters, imports, loops and later writes.

use super::{CallRef, Ctx, Evaluator, functions, global};
use crate::js::program::{Binding, Sym};
use crate::js::value::{Func, Host, Shape, Value};
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Argument, BindingPattern, ExportDefaultDeclarationKind, Expression, FormalParameter, IdentifierReference,
    VariableDeclarator,
};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::AssignmentOperator;
use oxc_syntax::symbol::SymbolId;
use std::rc::Rc;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn identifier(&mut self, module: usize, it: &IdentifierReference<'a>, ctx: &Ctx<'a>) -> Value {
        let Some(semantic) = &self.module(module).semantic else { return Value::unknown("a name") };
        let symbol = it.reference_id.get().and_then(|id| semantic.scoping().get_reference(id).symbol_id());
        match symbol {
            Some(symbol) => self.symbol((module, symbol), ctx),
            None => global(it.name.as_str()),
        }
    }

    /// The symbol an identifier refers to.
    pub(crate) fn symbol_of(&self, module: usize, it: &IdentifierReference<'a>) -> Option<Sym> {
        let scoping = self.module(module).semantic.as_ref()?.scoping();
        Some((module, scoping.get_reference(it.reference_id.get()?).symbol_id()?))
    }

    fn symbol(&mut self, symbol: Sym, ctx: &Ctx<'a>) -> Value {
        match self.modules.resolve(symbol) {
            Binding::Symbol(resolved) if resolved == symbol => self.local(symbol, ctx),
            binding => self.binding(binding),
        }
    }

    /// What an import or export stands for. Nothing of the caller's frames is visible there.
    pub(crate) fn binding(&mut self, binding: Binding<'a>) -> Value {
        match binding {
            Binding::Symbol(symbol) => self.local(symbol, &None),
            Binding::Namespace(module) => Value::Module(module),
            Binding::Json(module) => self.module(module).json.as_ref().map_or(Value::Nullish, Value::from_json),
            Binding::Default(module, kind) => match kind {
                ExportDefaultDeclarationKind::FunctionDeclaration(it) => functions(module, it.node_id.get()),
                ExportDefaultDeclarationKind::ClassDeclaration(it) => self.class(module, it, &None),
                other => match other.as_expression() {
                    Some(expression) => self.eval(module, expression, &None),
                    None => Value::unknown("a type"),
                },
            },
        }
    }

    fn local(&mut self, symbol: Sym, ctx: &Ctx<'a>) -> Value {
        if let Some(value) = self.cache.get(&symbol) {
            return value.clone();
        }
        if !self.busy.insert(symbol) {
            self.passing += 1;
            return Value::unknown("a name that is defined by itself");
        }
        let passing = self.passing;
        let value = self.defined(symbol, ctx);
        self.busy.remove(&symbol);
        if self.passing == passing {
            self.cache.insert(symbol, value.clone());
        }
        value
    }

    fn defined(&mut self, (module, symbol): Sym, ctx: &Ctx<'a>) -> Value {
        let Some(semantic) = &self.module(module).semantic else { return Value::unknown("a name") };
        let node = semantic.scoping().symbol_declaration(symbol);
        match semantic.nodes().kind(node) {
            AstKind::VariableDeclarator(it) => {
                let first = self.declared(module, node, it, symbol, ctx);
                self.with_writes((module, symbol), first, ctx)
            }
            AstKind::FormalParameter(it) => {
                let first = self.parameter(module, node, it, symbol, ctx);
                self.with_writes((module, symbol), Some(first), ctx)
            }
            AstKind::Function(_) => functions(module, node),
            AstKind::Class(it) => self.class(module, it, ctx),
            AstKind::ImportSpecifier(_) | AstKind::ImportDefaultSpecifier(_) | AstKind::ImportNamespaceSpecifier(_) => {
                Value::unknown("an import that cannot be resolved")
            }
            AstKind::CatchParameter(_) | AstKind::CatchClause(_) => Value::unknown("a caught exception"),
            _ => Value::unknown("a name that is not followed"),
        }
    }

    /// The value of a declaration itself; none for `let x;`.
    fn declared(
        &mut self,
        module: usize,
        node: NodeId,
        it: &'a VariableDeclarator<'a>,
        symbol: SymbolId,
        ctx: &Ctx<'a>,
    ) -> Option<Value> {
        let value = match &it.init {
            Some(init) => self.eval(module, init, ctx),
            None => self.loop_element(module, node, ctx)?,
        };
        Some(self.pick(module, &it.id, value, symbol, ctx).unwrap_or_else(|| Value::unknown("a destructured name")))
    }

    /// What the loop around a declaration gives it.
    fn loop_element(&mut self, module: usize, node: NodeId, ctx: &Ctx<'a>) -> Option<Value> {
        let nodes = self.module(module).semantic.as_ref()?.nodes();
        let declaration = nodes.parent_id(node);
        match nodes.parent_kind(declaration) {
            AstKind::ForOfStatement(it) if it.left.span() == nodes.kind(declaration).span() => {
                Some(self.eval(module, &it.right, ctx).element())
            }
            AstKind::ForInStatement(it) if it.left.span() == nodes.kind(declaration).span() => {
                let object = self.eval(module, &it.right, ctx);
                Some(self.keys(&object).element())
            }
            _ => None,
        }
    }

    /// The part of a value that a pattern binds to a symbol.
    pub(crate) fn pick(
        &mut self,
        module: usize,
        pattern: &'a BindingPattern<'a>,
        value: Value,
        symbol: SymbolId,
        ctx: &Ctx<'a>,
    ) -> Option<Value> {
        match pattern {
            BindingPattern::BindingIdentifier(it) => (it.symbol_id.get() == Some(symbol)).then_some(value),
            BindingPattern::AssignmentPattern(it) => {
                let value = self.or_default(module, value, &it.right, ctx);
                self.pick(module, &it.left, value, symbol, ctx)
            }
            BindingPattern::ObjectPattern(it) => {
                for property in &it.properties {
                    let names = self.key_name(module, &property.key, property.computed, ctx);
                    let part = match names.as_deref() {
                        Some([name]) => self.member(&value, name),
                        _ => Value::unknown("a computed name"),
                    };
                    if let Some(found) = self.pick(module, &property.value, part, symbol, ctx) {
                        return Some(found);
                    }
                }
                let rest = it.rest.as_ref()?;
                self.pick(module, &rest.argument, value, symbol, ctx)
            }
            BindingPattern::ArrayPattern(it) => {
                for (at, element) in it.elements.iter().enumerate() {
                    let Some(element) = element else { continue };
                    let part = self.member(&value, &at.to_string());
                    if let Some(found) = self.pick(module, element, part, symbol, ctx) {
                        return Some(found);
                    }
                }
                let rest = it.rest.as_ref()?;
                let part = value.element().many();
                self.pick(module, &rest.argument, part, symbol, ctx)
            }
        }
    }

    fn or_default(&mut self, module: usize, value: Value, default: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value {
        match value {
            Value::Nullish => self.eval(module, default, ctx),
            Value::Text(_) | Value::Object(_) | Value::Functions(_) | Value::Host(_) => value,
            other => other.join(self.eval(module, default, ctx)),
        }
    }

    fn parameter(
        &mut self,
        module: usize,
        node: NodeId,
        it: &'a FormalParameter<'a>,
        symbol: SymbolId,
        ctx: &Ctx<'a>,
    ) -> Value {
        let unknown = || Value::unknown("a parameter that no known call gives");
        let Some(func) = self.enclosing_function(module, node) else { return unknown() };
        let Some(at) = self.position(func, it) else { return unknown() };
        let mut value = self.argument(func, at, ctx);
        if let Some(default) = &it.initializer {
            value = self.or_default(module, value, default, ctx);
        }
        self.pick(module, &it.pattern, value, symbol, ctx).unwrap_or_else(unknown)
    }

    fn position(&self, (module, node): Func, it: &FormalParameter<'a>) -> Option<usize> {
        let params = match self.module(module).kind(node)? {
            AstKind::Function(function) => &function.params,
            AstKind::ArrowFunctionExpression(arrow) => &arrow.params,
            _ => return None,
        };
        params.items.iter().position(|one| one.span == it.span)
    }

    /// The argument a function gets at a position.
    fn argument(&mut self, func: Func, at: usize, ctx: &Ctx<'a>) -> Value {
        let mut frame = ctx.as_ref();
        while let Some(one) = frame {
            if one.func == func {
                self.passing += 1;
                return self.given(one.call, at, &one.parent.clone());
            }
            frame = one.parent.as_ref();
        }
        if let Some(handler) = self.handlers.get(&func) {
            return if at == 0 {
                Value::Host(Host::Event(*handler))
            } else {
                Value::unknown("an argument of a handler")
            };
        }
        if let Some(calls) = self.iterations.get(&func).cloned() {
            let elements: Vec<Value> = calls.into_iter().map(|call| self.iterated(call, at, ctx)).collect();
            return Value::join_all(elements).unwrap_or_else(|| Value::unknown("an element"));
        }
        self.passing += 1;
        self.touched.push((func, at));
        Value::unknown("a parameter that no known call gives")
    }

    /// What a call gives at a position.
    pub(crate) fn given(&mut self, call: CallRef<'a>, at: usize, ctx: &Ctx<'a>) -> Value {
        if call.call.arguments.iter().take(at + 1).any(Argument::is_spread) {
            return Value::unknown("a spread argument");
        }
        match call.call.arguments.get(at).and_then(|argument| argument.as_expression()) {
            Some(expression) => self.eval(call.module, expression, ctx),
            None => Value::Nullish,
        }
    }

    /// Joins what later assignments give a symbol.
    fn with_writes(&mut self, symbol: Sym, first: Option<Value>, ctx: &Ctx<'a>) -> Value {
        let (module, id) = symbol;
        let Some(semantic) = &self.module(module).semantic else { return Value::unknown("a name") };
        let mut values: Vec<Value> = first.into_iter().collect();
        for reference in semantic.scoping().get_resolved_references(id) {
            let parent = semantic.nodes().parent_kind(reference.node_id());
            if reference.is_write() {
                values.push(match parent {
                    AstKind::AssignmentExpression(it) if it.operator == AssignmentOperator::Assign => {
                        self.eval(module, &it.right, ctx)
                    }
                    _ => Value::unknown("a name that is changed"),
                });
            }
        }
        let value = Value::join_all(values).unwrap_or(Value::Nullish);
        match value {
            Value::Object(shape) => self.with_field_writes(symbol, &shape, ctx),
            Value::Array(_) if self.is_filled(symbol) => Value::unknown("a list that is filled later").many(),
            other => other,
        }
    }

    /// Joins what later assignments give the fields of an object.
    fn with_field_writes(&mut self, (module, id): Sym, shape: &Rc<Shape>, ctx: &Ctx<'a>) -> Value {
        let mut shape = shape.clone();
        let Some(semantic) = &self.module(module).semantic else { return Value::Object(shape) };
        for reference in semantic.scoping().get_resolved_references(id) {
            let member = semantic.nodes().parent_id(reference.node_id());
            let AstKind::AssignmentExpression(write) = semantic.nodes().parent_kind(member) else { continue };
            let name = match semantic.nodes().kind(member) {
                AstKind::StaticMemberExpression(it) if it.span == write.left.span() => {
                    Some(it.property.name.to_string())
                }
                AstKind::ComputedMemberExpression(it) if it.span == write.left.span() => {
                    self.eval(module, &it.expression, ctx).as_strings().single().map(str::to_owned)
                }
                _ => continue,
            };
            let value = self.eval(module, &write.right, ctx);
            let target = Rc::make_mut(&mut shape);
            match name {
                Some(name) => {
                    let old = target.fields.remove(&name);
                    target
                        .fields
                        .insert(name, Value::join_all(old.into_iter().chain([value])).unwrap_or(Value::Nullish));
                }
                None => target.rest = Value::join_all(target.rest.take().into_iter().chain([value])),
            }
        }
        Value::Object(shape)
    }

    /// Whether a list gets further items by `push` and the like.
    fn is_filled(&self, (module, id): Sym) -> bool {
        let Some(semantic) = &self.module(module).semantic else { return false };
        semantic.scoping().get_resolved_references(id).any(|reference| {
            let member = semantic.nodes().parent_kind(reference.node_id());
            matches!(member, AstKind::StaticMemberExpression(it)
                if matches!(it.property.name.as_str(), "push" | "unshift" | "splice" | "fill"))
        })
    }
}
