//! Arithmetic, comparison and choice.

use super::{Frames, Inference};
use contract_model::shape::{Form, Numeric, Shape};
use oxc_ast::ast::{BinaryExpression, LogicalExpression, UnaryExpression};
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};
use serde_json::Number;

/// The largest number below which every whole number is exact.
const SAFE_INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

impl<'a> Inference<'_, '_, 'a> {
    pub(super) fn logical(&mut self, module: usize, it: &'a LogicalExpression<'a>, frames: &Frames<'a>) -> Shape {
        let left = self.infer(module, &it.left, frames);
        let right = self.infer(module, &it.right, frames);
        let keeps = |one: &&Shape| match it.operator {
            LogicalOperator::And => !is_surely(one, true),
            LogicalOperator::Or => !is_surely(one, false),
            LogicalOperator::Coalesce => !matches!(one.form, Form::Null | Form::Absent),
        };
        // With `&&`, what is left of the left side is only what is false.
        if it.operator == LogicalOperator::And && left.form == Form::Unknown {
            return Shape::unknown();
        }
        let kept: Vec<Shape> = left.alternatives().iter().filter(keeps).cloned().collect();
        let decided =
            kept.len() == left.alternatives().len() && left.alternatives().iter().all(|one| decides(one, it.operator));
        if decided { left } else { Shape::one_of(kept.into_iter().chain([right])) }
    }

    pub(super) fn binary(&mut self, module: usize, it: &'a BinaryExpression<'a>, frames: &Frames<'a>) -> Shape {
        if it.operator.is_compare() || it.operator.is_equality() || it.operator.is_relational() {
            return Shape::of(Form::Bool(None));
        }
        let left = self.infer(module, &it.left, frames);
        let right = self.infer(module, &it.right, frames);
        match it.operator {
            BinaryOperator::Addition => sum(&left, &right),
            BinaryOperator::Subtraction | BinaryOperator::Multiplication | BinaryOperator::Division => {
                Shape::of(Form::Number(arithmetic(it.operator, &left, &right)))
            }
            BinaryOperator::Remainder | BinaryOperator::Exponential => Shape::of(Form::Number(Numeric::Any)),
            _ => Shape::of(Form::Number(Numeric::Whole)),
        }
    }

    pub(super) fn unary(&mut self, module: usize, it: &'a UnaryExpression<'a>, frames: &Frames<'a>) -> Shape {
        let inner = self.infer(module, &it.argument, frames);
        Shape::of(match it.operator {
            UnaryOperator::LogicalNot | UnaryOperator::Delete => Form::Bool(None),
            UnaryOperator::Typeof => Form::Text(None),
            UnaryOperator::Void => Form::Absent,
            UnaryOperator::BitwiseNot => Form::Number(Numeric::Whole),
            UnaryOperator::UnaryNegation => Form::Number(match numeric(&inner) {
                Some(Numeric::Exact(exact)) => exact.as_f64().map_or(Numeric::Any, |value| number(-value)),
                Some(other) => other,
                None => Numeric::Any,
            }),
            UnaryOperator::UnaryPlus => Form::Number(numeric(&inner).unwrap_or(Numeric::Any)),
        })
    }
}

/// A number as JSON has it.
#[expect(clippy::cast_possible_truncation, reason = "guarded by the safe range")]
pub(super) fn number(value: f64) -> Numeric {
    if value.fract() == 0.0 && value.abs() <= SAFE_INTEGER_MAX {
        return Numeric::Exact(Number::from(value as i64));
    }
    Number::from_f64(value).map_or(Numeric::Any, Numeric::Exact)
}

/// What is known of a number, where it surely is one.
pub(super) fn numeric(shape: &Shape) -> Option<Numeric> {
    match &shape.form {
        Form::Number(number) => Some(number.clone()),
        Form::OneOf(all) if all.iter().all(|one| matches!(one.form, Form::Number(_))) => {
            let fraction = all.iter().any(|one| matches!(&one.form, Form::Number(number) if is_fraction(number)));
            let whole = all.iter().all(|one| matches!(&one.form, Form::Number(number) if is_whole(number)));
            Some(if fraction {
                Numeric::Fraction
            } else if whole {
                Numeric::Whole
            } else {
                Numeric::Any
            })
        }
        _ => None,
    }
}

fn is_fraction(number: &Numeric) -> bool {
    match number {
        Numeric::Fraction => true,
        Numeric::Exact(exact) => exact.is_f64() && exact.as_f64().is_some_and(|value| value.fract() != 0.0),
        Numeric::Whole | Numeric::Any => false,
    }
}

fn is_whole(number: &Numeric) -> bool {
    match number {
        Numeric::Whole => true,
        Numeric::Exact(exact) => !is_fraction(&Numeric::Exact(exact.clone())),
        Numeric::Fraction | Numeric::Any => false,
    }
}

/// A sum of texts is a text, of numbers a number, of what is not known either.
fn sum(left: &Shape, right: &Shape) -> Shape {
    if let (Form::Text(Some(a)), Form::Text(Some(b))) = (&left.form, &right.form) {
        return Shape::of(Form::Text(Some(format!("{a}{b}"))));
    }
    let is_text = |shape: &Shape| shape.alternatives().iter().all(|one| matches!(one.form, Form::Text(_)));
    if is_text(left) || is_text(right) {
        return Shape::of(Form::Text(None));
    }
    match (numeric(left), numeric(right)) {
        (Some(_), Some(_)) => Shape::of(Form::Number(arithmetic(BinaryOperator::Addition, left, right))),
        _ => Shape::one_of([Shape::of(Form::Text(None)), Shape::of(Form::Number(Numeric::Any))]),
    }
}

/// Known numbers are computed; whatever meets a fraction is one.
fn arithmetic(operator: BinaryOperator, left: &Shape, right: &Shape) -> Numeric {
    let (left, right) = (numeric(left), numeric(right));
    if let (Some(Numeric::Exact(a)), Some(Numeric::Exact(b))) = (&left, &right)
        && let (Some(a), Some(b)) = (a.as_f64(), b.as_f64())
    {
        return number(match operator {
            BinaryOperator::Addition => a + b,
            BinaryOperator::Subtraction => a - b,
            BinaryOperator::Multiplication => a * b,
            _ => a / b,
        });
    }
    let fraction = [&left, &right].into_iter().flatten().any(is_fraction);
    let whole = [&left, &right].into_iter().all(|side| side.as_ref().is_some_and(is_whole));
    match operator {
        _ if fraction => Numeric::Fraction,
        BinaryOperator::Division => Numeric::Any,
        _ if whole => Numeric::Whole,
        _ => Numeric::Any,
    }
}

/// Whether a value is surely true, or surely false, as a condition.
fn is_surely(shape: &Shape, wanted: bool) -> bool {
    match &shape.form {
        Form::Object(_) | Form::List(_) => wanted,
        Form::Null | Form::Absent => !wanted,
        Form::Bool(Some(flag)) => *flag == wanted,
        Form::Text(Some(text)) => text.is_empty() != wanted,
        Form::Number(Numeric::Exact(number)) => number.as_f64().is_some_and(|value| (value != 0.0) == wanted),
        _ => false,
    }
}

/// Whether the left side alone is the result.
fn decides(left: &Shape, operator: LogicalOperator) -> bool {
    match operator {
        LogicalOperator::And => is_surely(left, false),
        LogicalOperator::Or => is_surely(left, true),
        LogicalOperator::Coalesce => !matches!(left.form, Form::Null | Form::Absent | Form::Unknown),
    }
}
