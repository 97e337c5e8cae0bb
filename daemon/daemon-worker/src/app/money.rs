//! `$app.money`: exact amounts in minor units. No binary floating point touches them.
//!
//! Amounts are integers, as numbers or `BigInt`; a result beyond 2^53 is a `BigInt`.

use super::{freeze, object, text};
use crate::called::misuse;
use crate::money::{Rounding, SCALE_MAX, Wrong, allocate, format, multiply, parse};
use crate::value::shown;
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsArgs, JsBigInt, JsObject, JsResult, JsString, JsValue, JsVariant};

const SAFE_INTEGER_MAX: i128 = 9_007_199_254_740_991;

pub(super) fn money(context: &mut Context) -> JsResult<JsObject> {
    let money = object(
        "$app.money",
        &[
            ("parse", 2, money_parse),
            ("format", 2, money_format),
            ("add", 2, |_, args, _| fold(args, i128::checked_add)),
            ("sub", 2, |_, args, _| fold(args, i128::checked_sub)),
            ("mul", 3, money_mul),
            ("allocate", 2, money_allocate),
        ],
        context,
    )?;
    freeze(&money, context)?;
    Ok(money)
}

/// `parse("12.34", 2)` is 1234.
fn money_parse(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let text = text(args, 0, "the amount of $app.money.parse")?;
    given(parse(&text, scale(args.get_or_undefined(1))?))
}

/// `format(1234, 2)` is `"12.34"`.
fn money_format(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let amount = amount(args.get_or_undefined(0))?;
    Ok(JsString::from(format(amount, scale(args.get_or_undefined(1))?)).into())
}

/// `mul(1000, "0.19", "half-even")` is 190. The factor is a decimal text, the rounding half-up unless given.
fn money_mul(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let factor = text(args, 1, "the factor of $app.money.mul (a decimal number as text)")?;
    let rounding = match args.get_or_undefined(2) {
        none if none.is_undefined() => Rounding::HalfUp,
        _ => Rounding::parse(&text(args, 2, "the rounding of $app.money.mul")?).map_err(misuse)?,
    };
    given(multiply(amount(args.get_or_undefined(0))?, &factor, rounding))
}

/// `allocate(100, [1, 1, 1])` is `[34, 33, 33]`: the largest remainders get what is left over.
fn money_allocate(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let total = amount(args.get_or_undefined(0))?;
    let weights = args.get_or_undefined(1).as_object().and_then(|object| JsArray::from_object(object).ok());
    let weights = weights.ok_or_else(|| misuse("the weights of $app.money.allocate must be an array"))?;
    let weights: JsResult<Vec<i128>> =
        (0..weights.length(context)?).map(|at| weights.get(at, context).and_then(|weight| amount(&weight))).collect();
    let shares = allocate(total, &weights?).map_err(misuse)?;
    let shares: Vec<JsValue> = shares.into_iter().map(integer).collect();
    Ok(JsArray::from_iter(shares, context).into())
}

fn fold(args: &[JsValue], with: fn(i128, i128) -> Option<i128>) -> JsResult<JsValue> {
    let (first, rest) = args.split_first().ok_or_else(|| misuse("there must be at least one amount"))?;
    let result = rest.iter().try_fold(amount(first)?, |sum, next| {
        with(sum, amount(next)?).ok_or_else(|| misuse("the result is too large to compute with exactly"))
    });
    result.map(integer)
}

fn given(result: Result<i128, Wrong>) -> JsResult<JsValue> {
    result.map(integer).map_err(misuse)
}

#[expect(clippy::cast_possible_truncation, reason = "guarded by the safe range")]
fn amount(value: &JsValue) -> JsResult<i128> {
    match value.variant() {
        JsVariant::Integer32(amount) => Ok(amount.into()),
        JsVariant::Float64(amount) if amount.fract() == 0.0 && amount.abs() <= 9_007_199_254_740_991.0 => {
            Ok(amount as i128)
        }
        JsVariant::BigInt(amount) => i128::try_from(amount.as_inner()).map_err(|_| misuse("an amount is too large")),
        _ => Err(misuse(std::format!("{} is not an amount in whole minor units", shown(value)))),
    }
}

fn integer(amount: i128) -> JsValue {
    match i64::try_from(amount) {
        Ok(small) if amount.abs() <= SAFE_INTEGER_MAX => JsValue::from(small),
        _ => JsBigInt::new(amount).into(),
    }
}

fn scale(value: &JsValue) -> JsResult<u32> {
    let scale = value.as_i32().and_then(|scale| u32::try_from(scale).ok()).filter(|scale| *scale <= SCALE_MAX);
    scale.ok_or_else(|| misuse(std::format!("the scale must be a whole number from 0 to {SCALE_MAX}")))
}
