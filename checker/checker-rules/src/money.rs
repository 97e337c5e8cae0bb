//! Which names are amounts of money.

/// Words that name an amount, as the last word of a field's name.
const AMOUNTS: [&str; 27] = [
    "amount",
    "amounts",
    "total",
    "totals",
    "subtotal",
    "price",
    "cost",
    "costs",
    "cogs",
    "debit",
    "credit",
    "balance",
    "net",
    "gross",
    "tax",
    "vat",
    "fee",
    "fees",
    "charge",
    "salary",
    "wage",
    "discount",
    "paid",
    "owed",
    "due",
    "payable",
    "receivable",
];
/// Words that make a number something else, wherever they stand in the name.
const OTHERS: [&str; 12] = [
    "rate",
    "percent",
    "percentage",
    "ratio",
    "factor",
    "count",
    "quantity",
    "qty",
    "weight",
    "score",
    "days",
    "share",
];

/// Whether a field of this name holds an amount of money.
pub(crate) fn is_amount(name: &str) -> bool {
    let words = words(name);
    let amount = words.last().is_some_and(|word| AMOUNTS.contains(&word.as_str()));
    amount && !words.iter().any(|word| OTHERS.contains(&word.as_str()))
}

/// `unitPrice`, `unit_price` and `unit-price` are `unit` and `price`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut lower = false;
    for letter in name.chars() {
        let ends = !letter.is_alphanumeric() || (letter.is_uppercase() && lower);
        if ends && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        lower = letter.is_lowercase() || letter.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::is_amount;

    #[test]
    fn names_of_amounts_are_told_by_their_last_word() {
        for name in ["amount", "unitPrice", "unit_price", "net-total", "fnDebit", "openBalance", "TAX"] {
            assert!(is_amount(name), "{name}");
        }
        for name in ["taxRate", "amountCount", "network", "totalPercent", "id", "priceList", "discountRatio", "qty"] {
            assert!(!is_amount(name), "{name}");
        }
    }
}
