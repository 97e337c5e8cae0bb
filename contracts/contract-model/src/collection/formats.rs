//! The text formats that field types stand for.

/// YYYY-MM-DD, a day that exists.
pub(super) fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && text.parse::<jiff::civil::Date>().is_ok()
}

/// RFC 3339 with an offset or Z.
pub(super) fn is_datetime(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = text.len() >= 20 && bytes[10] == b'T' && !text.contains('[');
    shape && text.parse::<jiff::Timestamp>().is_ok()
}

/// Digits with an optional sign and fraction, no exponent.
pub(super) fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        None => digits(unsigned),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
    }
}

/// One `@` between a name and a domain with a dot; no blanks. Whether it reaches anyone only mail can tell.
pub(super) fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let labels = domain.split('.').all(|label| !label.is_empty());
    plain && !name.is_empty() && !name.contains('@') && domain.contains('.') && labels && text.len() <= 254
}

/// An absolute http or https URL with a host.
pub(super) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty()) && text.chars().all(|c| !c.is_whitespace() && !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_accept_what_they_stand_for_and_nothing_else() {
        assert!(is_date("2024-02-29") && !is_date("2023-02-29") && !is_date("2024-2-9") && !is_date("20240229"));
        assert!(is_datetime("2024-02-29T10:00:00Z") && is_datetime("2024-02-29T10:00:00.123+02:00"));
        assert!(!is_datetime("2024-02-29") && !is_datetime("2024-02-29T10:00:00") && !is_datetime("yesterday"));
        assert!(
            is_decimal("-12.50") && is_decimal("0") && !is_decimal("1e3") && !is_decimal(".5") && !is_decimal("1.")
        );
        assert!(is_email("a@b.example") && !is_email("a@b") && !is_email("@b.example") && !is_email("a b@c.example"));
        assert!(is_url("https://example.test/x?y") && !is_url("ftp://example.test") && !is_url("https:///x"));
    }
}
