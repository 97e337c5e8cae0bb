//! Destructuring and assignment.

use super::flow::{Flow, Spot};
use super::track::{Part, Track};
use crate::js::payload::code::{Call, Code, Target};
use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentExpression, AssignmentTarget, BindingPattern, ObjectPattern};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;

impl<'a> Flow<'_, '_, 'a> {
    /// A declaration that takes something by a pattern.
    pub(super) fn bind_at(&mut self, spot: Spot, pattern: &'a BindingPattern<'a>, track: &Track) {
        self.bind(spot.module, pattern, track, false);
    }

    /// Gives something to the names of a pattern.
    pub(super) fn bind(&mut self, module: usize, pattern: &'a BindingPattern<'a>, track: &Track, defaulted: bool) {
        match pattern {
            BindingPattern::BindingIdentifier(_) => {
                if let Some(symbol) = Code::bound(module, pattern) {
                    self.follow(symbol, &track.clone().doubted(!defaulted));
                }
            }
            BindingPattern::AssignmentPattern(it) => self.bind(module, &it.left, track, true),
            BindingPattern::ObjectPattern(it) => self.bind_object(module, it, track),
            BindingPattern::ArrayPattern(it) => {
                for (at, element) in it.elements.iter().enumerate() {
                    if let (Some(element), Some(part)) = (element, track.field(&at.to_string())) {
                        self.bind(module, element, &part, false);
                    }
                }
                if let Some(rest) = &it.rest {
                    self.bind(module, &rest.argument, &track.list(), false);
                }
            }
        }
    }

    fn bind_object(&mut self, module: usize, it: &'a ObjectPattern<'a>, track: &Track) {
        for property in &it.properties {
            let node = property.node_id.get();
            let spot = Spot { module, node, named: (node, property.key.span()) };
            let Some(name) = property.key.static_name().filter(|_| !property.computed) else {
                self.lose(spot, track, "it is read under a name that is known only when the plugin runs");
                continue;
            };
            let Some(part) = track.field(&name) else { continue };
            let (inner, defaulted) = match &property.value {
                BindingPattern::AssignmentPattern(it) => (&it.left, true),
                other => (other, false),
            };
            match inner {
                BindingPattern::BindingIdentifier(_) => self.bind_field(spot, inner, &part, defaulted),
                _ => self.bind(module, inner, &part, defaulted),
            }
        }
        if let Some(rest) = &it.rest {
            self.bind(module, &rest.argument, track, false);
        }
    }

    /// A name for a field. Naming it reads it, unless only fields of it are used after that.
    fn bind_field(&mut self, spot: Spot, pattern: &'a BindingPattern<'a>, part: &Track, defaulted: bool) {
        let Some(symbol) = Code::bound(spot.module, pattern) else { return };
        if part.path().is_none_or(<[String]>::is_empty) {
            return self.follow(symbol, part);
        }
        if self.is_only_opened(symbol) {
            self.through(spot, part, defaulted || self.is_tested(symbol));
            return self.follow(symbol, &part.clone().doubted(!defaulted));
        }
        self.read(spot, part, defaulted || self.is_tested(symbol));
        self.follow_quietly(symbol, &part.clone().doubted(!defaulted));
    }

    /// Follows a name whose own value is read already: only fields and items of it count.
    fn follow_quietly(&mut self, symbol: crate::js::program::Sym, part: &Track) {
        let before = self.reads.len();
        self.follow(symbol, part);
        let found = self.reads.split_off(before);
        self.reads.extend(found.into_iter().filter(|read| Some(read.path.as_slice()) != part.path()));
    }

    /// Whether a name is used only to reach fields or items of what it holds.
    fn is_only_opened(&self, symbol: crate::js::program::Sym) -> bool {
        let uses = self.code.references(symbol);
        let opens = |module: usize, node: NodeId| {
            let Some((_, outer)) = self.code.user(module, node) else { return false };
            self.code.nodes(module).is_some_and(|nodes| match nodes.kind(outer) {
                AstKind::StaticMemberExpression(_)
                | AstKind::ComputedMemberExpression(_)
                | AstKind::ForOfStatement(_)
                | AstKind::VariableDeclarator(_) => true,
                AstKind::CallExpression(it) => {
                    let own = |target: &Target| matches!(target, Target::Own(_));
                    self.code.targets(Call { module, it }).iter().any(own)
                }
                _ => false,
            })
        };
        !uses.is_empty() && uses.iter().all(|(module, node, _)| opens(*module, *node))
    }

    /// Whether a name is asked for being there.
    fn is_tested(&self, symbol: crate::js::program::Sym) -> bool {
        self.code.references(symbol).iter().any(|(module, node, _)| {
            let Some((inner, outer)) = self.code.user(*module, *node) else { return false };
            let Some(nodes) = self.code.nodes(*module) else { return false };
            let span = nodes.kind(inner).span();
            match nodes.kind(outer) {
                AstKind::IfStatement(_) => true,
                AstKind::ConditionalExpression(it) => it.test.span() == span,
                AstKind::LogicalExpression(it) => it.left.span() == span,
                AstKind::UnaryExpression(it) => it.operator.is_not() || it.operator.is_typeof(),
                AstKind::BinaryExpression(it) => it.operator.is_equality(),
                AstKind::StaticMemberExpression(it) => it.optional,
                _ => false,
            }
        })
    }

    pub(super) fn assigned(&mut self, spot: Spot, it: &'a AssignmentExpression<'a>, track: &Track) {
        match &it.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => match self.code.symbol(spot.module, name) {
                Some(symbol) => self.follow(symbol, &track.clone().doubted(false)),
                None => self.whole(spot, track, false),
            },
            _ => self.whole(spot, track, false),
        }
    }

    /// `...value` in an object, a list or a call.
    pub(super) fn spread(&mut self, spot: Spot, node: NodeId, track: &Track) {
        let Some((_, outer)) = self.code.user(spot.module, node) else { return };
        let next = Spot { node: outer, ..spot };
        match self.code.nodes(spot.module).map(|nodes| nodes.kind(outer)) {
            Some(AstKind::ArrayExpression(it)) if it.elements.len() == 1 && track.part != Part::Event => {
                self.used(next, &track.list());
            }
            _ => self.whole(spot, track, false),
        }
    }
}
