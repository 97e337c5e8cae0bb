//! Conditions that are constant as they are written.

use super::Evaluator;
use oxc_ast::AstKind;
use oxc_ast::ast::Expression;

/// How far constants are followed from name to name.
const NAMES_DEPTH_MAX: usize = 8;

impl<'a> Evaluator<'_, 'a> {
    /// Whether a condition always holds or never, where it is made of nothing but constants.
    pub(crate) fn constant(&mut self, module: usize, test: &'a Expression<'a>) -> Option<bool> {
        if !self.is_constant(module, test, NAMES_DEPTH_MAX) {
            return None;
        }
        self.glance(module, test).truthiness()
    }

    /// Whether an expression is made of literals and of names that are never written again.
    fn is_constant(&self, module: usize, test: &Expression<'a>, depth: usize) -> bool {
        let inner = |one: &Expression<'a>| self.is_constant(module, one, depth);
        match test.get_inner_expression() {
            Expression::BooleanLiteral(_)
            | Expression::NumericLiteral(_)
            | Expression::NullLiteral(_)
            | Expression::StringLiteral(_)
            | Expression::ObjectExpression(_) => true,
            Expression::UnaryExpression(it) => inner(&it.argument),
            Expression::LogicalExpression(it) => inner(&it.left) || inner(&it.right),
            Expression::BinaryExpression(it) => inner(&it.left) && inner(&it.right),
            Expression::StaticMemberExpression(it) => inner(&it.object),
            Expression::Identifier(name) => {
                let Some(symbol) = self.symbol_of(module, name) else { return name.name == "undefined" };
                depth > 0 && self.is_constant_name(symbol, depth - 1)
            }
            Expression::CallExpression(it) => {
                super::method_of(&it.callee).is_some_and(|(_, method)| method == "freeze")
            }
            _ => false,
        }
    }

    fn is_constant_name(&self, symbol: crate::js::program::Sym, depth: usize) -> bool {
        use crate::js::program::Binding;
        let Binding::Symbol((module, symbol)) = self.modules.resolve(symbol) else { return false };
        let Some(semantic) = &self.module(module).semantic else { return false };
        let declaration = semantic.scoping().symbol_declaration(symbol);
        match semantic.nodes().kind(declaration) {
            AstKind::VariableDeclarator(it) if it.id.get_binding_identifier().is_some() => {
                let loose = semantic.scoping().symbol_is_mutated(symbol);
                !loose && it.init.as_ref().is_some_and(|init| self.is_constant(module, init, depth))
            }
            _ => false,
        }
    }
}
