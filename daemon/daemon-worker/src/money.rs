//! Exact amounts: whole minor units in 128 bits, never binary floating point.

/// Decimal places that a scale may have.
pub(crate) const SCALE_MAX: u32 = 18;

/// Why an amount cannot be computed, for people.
pub(crate) type Wrong = String;

/// How a result between two minor units is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// A half goes away from zero.
    HalfUp,
    /// A half goes to the even neighbour.
    HalfEven,
}

impl Rounding {
    pub(crate) fn parse(name: &str) -> Result<Self, Wrong> {
        match name {
            "half-up" => Ok(Self::HalfUp),
            "half-even" => Ok(Self::HalfEven),
            other => Err(format!("`{other}` is no rounding: write half-up or half-even")),
        }
    }
}

/// A decimal number as digits and places: 12.34 is 1234 with 2.
struct Decimal {
    digits: i128,
    places: u32,
}

/// Whole minor units of a decimal text: `12.34` at scale 2 is 1234. More places than the scale are refused,
/// unless they are zeros.
pub(crate) fn parse(text: &str, scale: u32) -> Result<i128, Wrong> {
    let Decimal { digits, places } = decimal(text)?;
    if places <= scale {
        return digits.checked_mul(power(scale - places)).ok_or_else(|| too_large(text));
    }
    let divisor = power(places - scale);
    if digits % divisor != 0 {
        return Err(format!("`{text}` has more than {scale} decimal places"));
    }
    Ok(digits / divisor)
}

/// The decimal text of whole minor units: 1234 at scale 2 is `12.34`.
pub(crate) fn format(amount: i128, scale: u32) -> String {
    if scale == 0 {
        return amount.to_string();
    }
    let unit = power(scale).unsigned_abs();
    let (whole, rest) = (amount.unsigned_abs() / unit, amount.unsigned_abs() % unit);
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:0width$}", width = scale as usize)
}

/// An amount times a decimal factor such as `0.19`, rounded to a whole minor unit.
pub(crate) fn multiply(amount: i128, factor: &str, rounding: Rounding) -> Result<i128, Wrong> {
    let Decimal { digits, places } = decimal(factor)?;
    let product = amount.checked_mul(digits).ok_or_else(|| too_large(factor))?;
    Ok(divide(product, power(places), rounding))
}

/// Shares of a total in proportion to weights. The shares add up to the total exactly: what whole units leave over
/// goes, one unit each, to the largest remainders, and among equal ones to the first.
pub(crate) fn allocate(total: i128, weights: &[i128]) -> Result<Vec<i128>, Wrong> {
    if weights.iter().any(|weight| *weight < 0) {
        return Err("a weight is negative".to_owned());
    }
    let sum = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(*weight));
    let sum = sum.ok_or_else(|| too_large("the weights"))?;
    if sum == 0 {
        return Err("the weights add up to nothing, so there is nobody to give the total to".to_owned());
    }
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (at, weight) in weights.iter().enumerate() {
        let product = total.unsigned_abs().checked_mul(weight.unsigned_abs()).ok_or_else(|| too_large("the total"))?;
        shares.push(product / sum.unsigned_abs());
        remainders.push((std::cmp::Reverse(product % sum.unsigned_abs()), at));
    }
    let left = total.unsigned_abs() - shares.iter().sum::<u128>();
    remainders.sort_unstable();
    for (_, at) in remainders.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        shares[at] += 1;
    }
    let signed = |share: u128| i128::try_from(share).map(|share| if total < 0 { -share } else { share });
    shares.into_iter().map(signed).collect::<Result<_, _>>().map_err(|_| too_large("a share"))
}

fn divide(number: i128, by: i128, rounding: Rounding) -> i128 {
    let (quotient, rest) = (number / by, number % by);
    let away = if number < 0 { -1 } else { 1 };
    let up = match (rest.unsigned_abs() * 2).cmp(&by.unsigned_abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => rounding == Rounding::HalfUp || quotient % 2 != 0,
    };
    if up { quotient + away } else { quotient }
}

fn decimal(text: &str) -> Result<Decimal, Wrong> {
    let wrong = || format!("`{text}` is not a decimal number such as 12.34");
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(wrong());
    }
    let fraction = if unsigned.contains('.') { fraction.trim_end_matches('0') } else { "" };
    let places = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    if places > SCALE_MAX {
        return Err(format!("`{text}` has more than {SCALE_MAX} decimal places"));
    }
    let digits: i128 = format!("{whole}{fraction}").parse().map_err(|_| too_large(text))?;
    Ok(Decimal { digits: if text.starts_with('-') { -digits } else { digits }, places })
}

fn power(places: u32) -> i128 {
    10_i128.pow(places.min(SCALE_MAX))
}

fn too_large(what: &str) -> Wrong {
    format!("{what} is too large to compute with exactly")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_minor_units_round_trip() {
        for (text, scale, amount) in
            [("12.34", 2, 1_234), ("-0.05", 2, -5), ("7", 2, 700), ("7", 0, 7), ("1.5", 3, 1_500), ("0.000", 2, 0)]
        {
            assert_eq!(parse(text, scale), Ok(amount), "{text}");
        }
        for (amount, scale, text) in [(1_234, 2, "12.34"), (-5, 2, "-0.05"), (0, 3, "0.000"), (-7, 0, "-7")] {
            assert_eq!(format(amount, scale), text);
        }
        for bad in ["", "-", "1,2", "1.", ".5", "1e3", "12.345", " 1", "+1", "٣"] {
            assert!(parse(bad, 2).is_err(), "{bad}");
        }
    }

    #[test]
    fn products_round_halves_as_asked() {
        for (amount, factor, up, even) in
            [(5, "0.5", 3, 2), (-5, "0.5", -3, -2), (15, "0.1", 2, 2), (25, "0.1", 3, 2), (100, "0.19", 19, 19)]
        {
            assert_eq!(multiply(amount, factor, Rounding::HalfUp), Ok(up), "{amount} * {factor}");
            assert_eq!(multiply(amount, factor, Rounding::HalfEven), Ok(even), "{amount} * {factor}");
        }
    }

    #[test]
    fn shares_always_add_up() {
        assert_eq!(allocate(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
        assert_eq!(allocate(-100, &[1, 1, 1]), Ok(vec![-34, -33, -33]));
        assert_eq!(allocate(5, &[50, 30, 20]), Ok(vec![3, 1, 1]));
        assert_eq!(allocate(1, &[0, 0, 7]), Ok(vec![0, 0, 1]));
        assert!(allocate(1, &[]).is_err() && allocate(1, &[0]).is_err() && allocate(1, &[-1, 2]).is_err());
        let mut entropy = crate::entropy::Entropy::new([3; 16]);
        for _ in 0..2_000 {
            let weights: Vec<i128> = (0..=entropy.bits() % 9).map(|_| i128::from(entropy.bits() % 1_000)).collect();
            let total = i128::from(entropy.bits() >> 20) - (1 << 43);
            if let Ok(shares) = allocate(total, &weights) {
                assert_eq!(shares.iter().sum::<i128>(), total);
            }
        }
    }
}
