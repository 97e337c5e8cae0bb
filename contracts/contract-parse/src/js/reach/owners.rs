//! What must be used for a function to run: the name that holds it, and of a method its own.

use crate::js::program::{Binding, Modules, Sym};
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingIdentifier, CallExpression, ExportDefaultDeclarationKind, Expression, PropertyKey};
use oxc_syntax::node::NodeId;
use std::borrow::Cow;

/// What must be used for a function to run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Symbol(Sym),
    Default(usize),
}

/// The name of a member.
pub(super) type Name<'a> = Cow<'a, str>;

/// The name that must be used for a function to run, and of a method its own; none where the code around it is
/// enough.
pub(super) fn owner<'a>(modules: &Modules<'a>, at: usize, function: NodeId) -> Option<(Owner, Option<Name<'a>>)> {
    let nodes = modules.list[at].semantic.as_ref()?.nodes();
    let symbol = |id: &BindingIdentifier<'_>| id.symbol_id.get().map(|id| Owner::Symbol((at, id)));
    if let AstKind::Function(it) = nodes.kind(function)
        && it.is_declaration()
    {
        if matches!(nodes.parent_kind(function), AstKind::ExportDefaultDeclaration(_)) && it.id.is_none() {
            return Some((Owner::Default(at), None));
        }
        return it.id.as_ref().and_then(symbol).map(|owner| (owner, None));
    }
    let mut member = None;
    for kind in nodes.ancestor_kinds(function) {
        match kind {
            AstKind::ObjectProperty(it) => member = member.or(Some(member_name(&it.key, it.computed)?)),
            AstKind::MethodDefinition(it) if it.kind.is_constructor() => {}
            AstKind::MethodDefinition(it) => member = member.or(Some(member_name(&it.key, it.computed)?)),
            AstKind::PropertyDefinition(it) => member = member.or(Some(member_name(&it.key, it.computed)?)),
            AstKind::ArrayExpression(_)
            | AstKind::ObjectExpression(_)
            | AstKind::ParenthesizedExpression(_)
            | AstKind::TSAsExpression(_)
            | AstKind::TSSatisfiesExpression(_)
            | AstKind::TSNonNullExpression(_)
            | AstKind::ClassBody(_) => {}
            AstKind::Class(it) => {
                if let Some(id) = &it.id {
                    return symbol(id).map(|owner| (owner, member));
                }
            }
            AstKind::CallExpression(it) if is_freeze(it) => {}
            AstKind::VariableDeclarator(it) => {
                return it.id.get_binding_identifier().and_then(symbol).map(|owner| (owner, member));
            }
            AstKind::ExportDefaultDeclaration(_) => return Some((Owner::Default(at), member)),
            _ => return None,
        }
    }
    None
}

/// The name that a member must be used by; empty for one that may be used by any.
fn member_name<'a>(key: &'a PropertyKey<'a>, computed: bool) -> Option<Name<'a>> {
    match key {
        PropertyKey::PrivateIdentifier(it) => Some(Cow::Owned(format!("#{}", it.name))),
        other => other.static_name().filter(|_| !computed),
    }
}

fn is_freeze(call: &CallExpression<'_>) -> bool {
    matches!(call.callee.get_inner_expression(), Expression::StaticMemberExpression(it)
        if it.property.name == "freeze" && it.object.get_identifier_reference().is_some_and(|one| one.name == "Object"))
}

/// The names that a use of a symbol uses, imports followed.
pub(super) fn used(modules: &Modules<'_>, symbol: Sym, parent: AstKind<'_>) -> Vec<Owner> {
    owners(
        modules,
        modules.resolve(symbol),
        match parent {
            AstKind::StaticMemberExpression(it) => Some(it.property.name.as_str()),
            _ => None,
        },
    )
}

pub(super) fn owners(modules: &Modules<'_>, binding: Binding<'_>, member: Option<&str>) -> Vec<Owner> {
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
