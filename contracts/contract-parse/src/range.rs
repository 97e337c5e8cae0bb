//! Version ranges as npm writes them.

use semver::VersionReq;

/// Reads a range such as `^1`, `>=1 <3` or `1.x`. A bare version means exactly that version, a partial one
/// everything under it, as npm has it.
///
/// # Errors
/// A sentence on what cannot be read and what to write instead.
pub fn parse_range(text: &str) -> Result<VersionReq, String> {
    let fail = |why: &str| format!("`{text}` is not a version range ({why}); write for example ^1, >=1 <3 or 1.x");
    if text.contains("||") {
        return Err(fail("alternatives with || are not supported"));
    }
    let parts = comparators(text);
    if parts.is_empty() || parts.iter().all(|part| matches!(part.as_str(), "*" | "x" | "X" | "latest")) {
        return Ok(VersionReq::STAR);
    }
    VersionReq::parse(&parts.join(", ")).map_err(|error| fail(&error.to_string()))
}

fn comparators(text: &str) -> Vec<String> {
    if let Some((low, high)) = text.split_once(" - ") {
        return vec![format!(">={}", plain(low)), format!("<={}", plain(high))];
    }
    let mut parts = Vec::new();
    let mut operator = String::new();
    for word in text.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        if word.chars().all(|c| "<>=^~".contains(c)) {
            operator.push_str(word);
            continue;
        }
        parts.push(comparator(&format!("{operator}{word}")));
        operator.clear();
    }
    if !operator.is_empty() {
        parts.push(operator);
    }
    parts
}

fn comparator(word: &str) -> String {
    let version = word.trim_start_matches(['<', '>', '=', '^', '~']);
    let operator = &word[..word.len() - version.len()];
    let version = plain(version);
    let wild = version.contains(['x', 'X', '*']) && !version.contains('-');
    match operator {
        "" | "=" if wild => version,
        "" => format!("={version}"),
        _ if wild => format!("{operator}{}", version.split(['x', 'X', '*']).next().unwrap_or("").trim_end_matches('.')),
        _ => format!("{operator}{version}"),
    }
}

fn plain(version: &str) -> String {
    version.trim().trim_start_matches('v').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use semver::Version;

    #[test]
    fn ranges_mean_what_npm_means() {
        let cases = [
            ("^1", "1.4.0", "2.0.0"),
            (">=1 <3", "2.9.9", "3.0.0"),
            (">= 1 < 3", "1.0.0", "0.9.0"),
            ("1.x", "1.7.2", "2.0.0"),
            ("1.2.3", "1.2.3", "1.2.4"),
            ("1", "1.9.0", "2.0.0"),
            ("1.2", "1.2.9", "1.3.0"),
            ("~1.2", "1.2.9", "1.3.0"),
            ("1.2 - 2.3", "2.3.4", "2.4.0"),
            ("v1.2.0", "1.2.0", "1.2.1"),
            ("<=2", "2.9.0", "3.0.0"),
        ];
        for (range, inside, outside) in cases {
            let range = parse_range(range).expect(range);
            assert!(range.matches(&Version::parse(inside).expect(inside)), "{range} {inside}");
            assert!(!range.matches(&Version::parse(outside).expect(outside)), "{range} {outside}");
        }
        assert!(parse_range("*").expect("any").matches(&Version::new(7, 0, 0)));
        for bad in ["one", "^1 || ^2", ">=", "1.2.3.4", "é"] {
            assert!(parse_range(bad).is_err(), "{bad}");
        }
    }
}
