//! Methods of lists: what they give their function, and what they give back.

use super::flow::{Flow, Spot};
use super::track::Track;
use crate::js::eval::is_function;
use crate::js::payload::code::Call;
use crate::js::program::Binding;
use crate::js::value::Func;
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;

/// What a method gives back.
enum Gives {
    /// A list of the same items.
    Same,
    /// One of the items.
    Item,
    /// What its function returns, in a list.
    Mapped,
    /// Something else.
    Other,
}

/// Methods that call a function for each item, with the position of the item among its arguments.
fn iterating(name: &str) -> Option<(usize, Gives)> {
    Some(match name {
        "map" | "flatMap" => (0, Gives::Mapped),
        "find" | "findLast" => (0, Gives::Item),
        "forEach" | "some" | "every" | "findIndex" | "findLastIndex" => (0, Gives::Other),
        "reduce" | "reduceRight" => (1, Gives::Other),
        "filter" | "sort" | "toSorted" => (0, Gives::Same),
        _ => return None,
    })
}

impl<'a> Flow<'_, '_, 'a> {
    /// `value.name(…)`.
    pub(super) fn method(
        &mut self,
        spot: Spot,
        call: Call<'a>,
        name: &str,
        node: NodeId,
        optional: bool,
        track: &Track,
    ) {
        let result = Spot { node, ..spot };
        match (iterating(name), name) {
            (Some((position, gives)), _) if !call.it.arguments.is_empty() => {
                self.through(spot, track, optional);
                self.iterate(spot, call, name, position, track);
                match gives {
                    Gives::Same => self.used(result, &track.list()),
                    Gives::Item => track.item().into_iter().for_each(|item| self.used(result, &item)),
                    Gives::Mapped | Gives::Other => {}
                }
            }
            (_, "slice" | "concat" | "reverse" | "toReversed" | "flat" | "values" | "sort" | "toSorted") => {
                self.used(result, &track.list());
            }
            (_, "at" | "pop" | "shift") => track.item().into_iter().for_each(|item| self.used(result, &item)),
            // Of any other method, all of the value is used.
            _ => self.whole(spot, track, optional || name == "hasOwnProperty"),
        }
    }

    fn iterate(&mut self, spot: Spot, call: Call<'a>, name: &str, position: usize, track: &Track) {
        let Some(item) = track.item() else { return self.whole(spot, track, false) };
        let func = call.it.arguments.first().and_then(Argument::as_expression);
        let Some(func) = func.and_then(|func| self.function(call.module, func)) else {
            return self.whole(spot, track, false);
        };
        self.give(func, position, &item);
        if name == "sort" || name == "toSorted" {
            self.give(func, 1, &item);
        }
        // The list itself comes last, and may be read there as a whole.
        let taken = self.code.params(func).map_or(0, |params| params.items.len());
        if taken > position + 2 {
            self.give(func, position + 2, track);
        }
    }

    /// Whether a function is what `map` calls: then what it returns is followed as the items of the result.
    pub(super) fn collected(&mut self, func: Func, spot: Spot, track: &Track) -> bool {
        let Some(nodes) = self.code.nodes(func.0) else { return false };
        let Some((inner, outer)) = self.code.user(func.0, func.1) else { return false };
        let AstKind::CallExpression(call) = nodes.kind(outer) else { return false };
        let given = call.arguments.first().is_some_and(|one| one.span() == nodes.kind(inner).span());
        let Expression::StaticMemberExpression(callee) = call.callee.get_inner_expression() else { return false };
        let name = callee.property.name.as_str();
        if !given || iterating(name).is_none() {
            return false;
        }
        let result = Spot { module: func.0, node: outer, named: spot.named };
        match (name, track.many()) {
            ("map", Some(list)) => self.used(result, &list),
            // A filter or a search only asks whether it is true.
            ("filter" | "find" | "findLast" | "some" | "every" | "findIndex" | "findLastIndex", _) => {
                self.whole(spot, track, false);
            }
            ("forEach", _) => {}
            _ => self.whole(spot, track, false),
        }
        true
    }

    /// The function that an expression is, written in place or named.
    fn function(&self, module: usize, expression: &Expression<'a>) -> Option<Func> {
        match expression.get_inner_expression() {
            Expression::ArrowFunctionExpression(it) => Some((module, it.node_id.get())),
            Expression::FunctionExpression(it) => Some((module, it.node_id.get())),
            Expression::Identifier(it) => {
                let symbol = self.code.symbol(module, it)?;
                let Binding::Symbol((at, id)) = self.code.modules.resolve(symbol) else { return None };
                let node = self.code.declaration((at, id))?;
                let nodes = self.code.nodes(at)?;
                let node = match nodes.kind(node) {
                    AstKind::VariableDeclarator(it) => match it.init.as_ref()?.get_inner_expression() {
                        Expression::ArrowFunctionExpression(it) => it.node_id.get(),
                        Expression::FunctionExpression(it) => it.node_id.get(),
                        _ => return None,
                    },
                    _ => node,
                };
                is_function(nodes.kind(node)).then_some((at, node))
            }
            _ => None,
        }
    }
}
