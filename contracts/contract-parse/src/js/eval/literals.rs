//! Expressions that make a value of others: templates, sums, conditions, lists.

use super::frames::depth;
use super::{Args, Ctx, Evaluator};
use crate::js::form::Form;
use crate::js::strings::Strings;
use crate::js::value::{List, Value};
use oxc_ast::ast::{
    ArrayExpression, ArrayExpressionElement, BinaryExpression, ConditionalExpression, Expression, LogicalExpression,
    PropertyKey, TaggedTemplateExpression, TemplateElement, TemplateLiteral, UnaryExpression,
};
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};
use std::rc::Rc;

/// Between these the engine writes numbers without an exponent, and as Rust does.
const NUMBERS_MIN: f64 = 1e-6;
const NUMBERS_MAX: f64 = 1e21;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn template(&mut self, module: usize, it: &'a TemplateLiteral<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        self.spelt(module, it, |quasi| quasi.value.cooked.as_ref().map_or("", |cooked| cooked.as_str()), ctx)
    }

    /// `String.raw` takes a template as it is written; other tags are functions of its texts and of what stands between.
    pub(super) fn tagged(&mut self, module: usize, it: &'a TaggedTemplateExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match &it.tag {
            Expression::StaticMemberExpression(tag)
                if tag.property.name == "raw" && self.is_global(module, &tag.object, "String") =>
            {
                self.spelt(module, &it.quasi, |quasi| quasi.value.raw.as_str(), ctx)
            }
            tag => match self.eval(module, tag, ctx) {
                Value::Functions(set) => {
                    let texts = it.quasi.quasis.iter().map(|quasi| match &quasi.value.cooked {
                        Some(text) => Value::text(text.as_str()),
                        None => Value::Nullish,
                    });
                    let texts = Value::array(texts.collect());
                    let between = it.quasi.expressions.iter().map(|one| self.eval(module, one, ctx));
                    let values = std::iter::once(texts).chain(between).collect();
                    self.invoke(&set, &Args::Values(values), depth(ctx))
                }
                _ => Value::unknown("what a tag makes of a template"),
            },
        }
    }

    fn spelt(
        &mut self,
        module: usize,
        it: &'a TemplateLiteral<'a>,
        written: impl Fn(&'a TemplateElement<'a>) -> &'a str,
        ctx: &Ctx<'a>,
    ) -> Value<'a> {
        if let Some(nothing) = self.lacking(Form::Texts).filter(|_| !it.expressions.is_empty()) {
            return nothing;
        }
        let mut text = Strings::one("");
        let mut expressions = it.expressions.iter();
        for quasi in &it.quasis {
            text = text.concat(&Strings::one(written(quasi)));
            if let Some(expression) = expressions.next() {
                text = text.concat(&self.eval(module, expression, ctx).as_strings());
            }
        }
        Value::Text(text)
    }

    pub(super) fn conditional(&mut self, module: usize, it: &'a ConditionalExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match self.eval(module, &it.test, ctx).truthiness() {
            Some(true) => self.eval(module, &it.consequent, ctx),
            Some(false) => self.eval(module, &it.alternate, ctx),
            None => match self.lacking(Form::Choices) {
                Some(nothing) => nothing,
                None => self.eval(module, &it.consequent, ctx).join(self.eval(module, &it.alternate, ctx)),
            },
        }
    }

    pub(super) fn logical(&mut self, module: usize, it: &'a LogicalExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let left = self.eval(module, &it.left, ctx);
        if let Some(nothing) = self.lacking(Form::Choices) {
            return nothing;
        }
        match it.operator {
            LogicalOperator::And => match left.truthiness() {
                Some(false) => left,
                Some(true) => self.eval(module, &it.right, ctx),
                // What is falsy is no topic, but it decides what an `||` around it gives.
                None => self.eval(module, &it.right, ctx).join(Value::Nullish),
            },
            LogicalOperator::Or => match left.truthiness() {
                Some(true) => left,
                Some(false) => self.eval(module, &it.right, ctx),
                None => left.join(self.eval(module, &it.right, ctx)),
            },
            LogicalOperator::Coalesce => match left {
                Value::Nullish => self.eval(module, &it.right, ctx),
                Value::Unknown(_) | Value::Host(_) | Value::Either(_) | Value::Never => {
                    if left.truthiness() == Some(true) {
                        return left;
                    }
                    left.join(self.eval(module, &it.right, ctx))
                }
                known => known,
            },
        }
    }

    /// Sums and comparisons. The left side of a long sum is gone through in a loop, so that its length does not
    /// count as depth.
    pub(super) fn binary(&mut self, module: usize, it: &'a BinaryExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        if it.operator != BinaryOperator::Addition {
            let (left, right) = (self.eval(module, &it.left, ctx), self.eval(module, &it.right, ctx));
            return number(it.operator, &left, &right).unwrap_or_else(|| compared(it.operator, &left, &right));
        }
        if let Some(nothing) = self.lacking(Form::Texts) {
            return nothing;
        }
        let mut right_sides = vec![&it.right];
        let mut left = it.left.get_inner_expression();
        while let Expression::BinaryExpression(inner) = left
            && inner.operator == BinaryOperator::Addition
        {
            right_sides.push(&inner.right);
            left = inner.left.get_inner_expression();
        }
        let mut value = self.eval(module, left, ctx);
        for right in right_sides.into_iter().rev() {
            let right = self.eval(module, right, ctx);
            value = sum(&value, &right);
        }
        value
    }

    pub(super) fn unary(&mut self, module: usize, it: &'a UnaryExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        match it.operator {
            UnaryOperator::LogicalNot => match self.eval(module, &it.argument, ctx).truthiness() {
                Some(known) => Value::truth(!known),
                None => Value::unknown("a condition"),
            },
            UnaryOperator::Void => Value::Nullish,
            UnaryOperator::UnaryNegation => match self.eval(module, &it.argument, ctx) {
                Value::Scalar(number) => {
                    number.parse().ok().and_then(|number: f64| shown(-number)).unwrap_or_else(computed)
                }
                _ => computed(),
            },
            UnaryOperator::UnaryPlus => {
                numeric(&self.eval(module, &it.argument, ctx)).and_then(shown).unwrap_or_else(computed)
            }
            _ => Value::unknown("a computed value"),
        }
    }

    /// A list as it is written, with all that is done to it later.
    pub(super) fn array(&mut self, module: usize, it: &'a ArrayExpression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        let list = Value::Array(Rc::new(self.items(module, it, ctx)));
        self.made_at(list, (module, it.node_id.get()), ctx)
    }

    /// The items of a list as it is written.
    pub(super) fn items(&mut self, module: usize, it: &'a ArrayExpression<'a>, ctx: &Ctx<'a>) -> List<'a> {
        let mut list = List::default();
        for element in &it.elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    let inner = self.eval(module, &spread.argument, ctx);
                    match self.iterable(&inner) {
                        Value::Array(inner) if inner.rest.is_none() => list.items.extend(inner.items.iter().cloned()),
                        Value::Nullish => {}
                        other => list.rest = Value::join_all(list.rest.take().into_iter().chain([other.element()])),
                    }
                }
                ArrayExpressionElement::Elision(_) => list.items.push(Value::Nullish),
                other => {
                    if let Some(expression) = other.as_expression() {
                        list.items.push(self.eval(module, expression, ctx));
                    }
                }
            }
        }
        list
    }

    /// The names a property key may have, if they are known.
    pub(super) fn key_name(
        &mut self,
        module: usize,
        key: &'a PropertyKey<'a>,
        computed: bool,
        ctx: &Ctx<'a>,
    ) -> Option<Vec<String>> {
        if let PropertyKey::PrivateIdentifier(it) = key {
            return Some(vec![format!("#{}", it.name)]);
        }
        if !computed {
            return key.static_name().map(|name| vec![name.into_owned()]);
        }
        let value = self.eval(module, key.as_expression()?, ctx);
        value.as_strings().exact().map(|texts| texts.iter().cloned().collect())
    }
}

pub(super) fn sum<'a>(left: &Value<'a>, right: &Value<'a>) -> Value<'a> {
    let texts = |value: &Value<'_>| value.parts().iter().any(|part| matches!(part, Value::Text(_)));
    if texts(left) || texts(right) {
        Value::Text(left.as_strings().concat(&right.as_strings()))
    } else {
        number(BinaryOperator::Addition, left, right).unwrap_or_else(|| Value::unknown("a sum"))
    }
}

fn computed<'a>() -> Value<'a> {
    Value::unknown("a computed value")
}

/// What two known numbers give together.
fn number<'a>(operator: BinaryOperator, left: &Value<'_>, right: &Value<'_>) -> Option<Value<'a>> {
    let (left, right) = (numeric(left)?, numeric(right)?);
    shown(match operator {
        BinaryOperator::Addition => left + right,
        BinaryOperator::Subtraction => left - right,
        BinaryOperator::Multiplication => left * right,
        BinaryOperator::Division => left / right,
        BinaryOperator::Remainder => left % right,
        BinaryOperator::Exponential => left.powf(right),
        _ => return None,
    })
}

fn numeric(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Scalar(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A number as the engine writes it into a text, where that is written without an exponent.
pub(crate) fn shown<'a>(number: f64) -> Option<Value<'a>> {
    let plain = number == 0.0 || (NUMBERS_MIN..NUMBERS_MAX).contains(&number.abs());
    // The engine has no sign for zero.
    plain.then(|| Value::Scalar(if number == 0.0 { "0".to_owned() } else { number.to_string() }))
}

fn compared<'a>(operator: BinaryOperator, left: &Value<'_>, right: &Value<'_>) -> Value<'a> {
    let plain = |value: &Value<'_>| match value {
        Value::Text(text) => text.single().map(|text| format!("'{text}")),
        Value::Scalar(text) => Some(text.clone()),
        _ => None,
    };
    let (Some(left), Some(right)) = (plain(left), plain(right)) else { return Value::unknown("a computed value") };
    match operator {
        BinaryOperator::StrictEquality => Value::truth(left == right),
        BinaryOperator::StrictInequality => Value::truth(left != right),
        _ => numbers(operator, &left, &right).map_or_else(|| Value::unknown("a computed value"), Value::truth),
    }
}

fn numbers(operator: BinaryOperator, left: &str, right: &str) -> Option<bool> {
    let (left, right) = (left.parse::<f64>().ok()?, right.parse::<f64>().ok()?);
    match operator {
        BinaryOperator::LessThan => Some(left < right),
        BinaryOperator::LessEqualThan => Some(left <= right),
        BinaryOperator::GreaterThan => Some(left > right),
        BinaryOperator::GreaterEqualThan => Some(left >= right),
        _ => None,
    }
}
