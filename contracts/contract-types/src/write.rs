//! Pieces of TypeScript text.

use serde_json::Value;

/// A text as a string literal.
pub(crate) fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

/// A property's name, in quotes where it needs them.
pub(crate) fn property(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let is_identifier = !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_identifier { name.to_owned() } else { literal(name) }
}

/// A name in `PascalCase`, made of the letters and digits of a topic, path or key.
pub(crate) fn pascal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut pascal = String::new();
    for word in words {
        let mut chars = word.chars();
        pascal.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        pascal.push_str(chars.as_str());
    }
    if pascal.starts_with(|c: char| c.is_ascii_digit()) || pascal.is_empty() { format!("T{pascal}") } else { pascal }
}

/// A comment before a declaration; nothing where there is nothing to say.
pub(crate) fn comment(text: &str, indent: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // The end of a comment must not stand in it.
    let safe = |line: &str| line.replace("*/", "*\u{200b}/");
    match lines.as_slice() {
        [] => String::new(),
        [one] => format!("{indent}/** {} */\n", safe(one)),
        many => {
            let lines: Vec<String> = many.iter().map(|line| format!("{indent} * {}", safe(line))).collect();
            format!("{indent}/**\n{}\n{indent} */\n", lines.join("\n"))
        }
    }
}

/// An interface of the namespace, its members one a line; one without members says so in a line.
pub(crate) fn interface(head: &str, members: &[String]) -> String {
    if members.is_empty() {
        return format!("  interface {head} {{}}\n");
    }
    format!("  interface {head} {{\n{}\n  }}\n", members.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_types_and_keys() {
        assert_eq!(pascal("gl.journal.post.request"), "GlJournalPostRequest");
        assert_eq!(pascal("contracts/2nd-bill.json"), "Contracts2ndBillJson");
        assert_eq!(pascal("1-30"), "T130");
        assert_eq!(property("dueDate"), "dueDate");
        assert_eq!(property("90+"), "\"90+\"");
        assert_eq!(property("a\"b"), "\"a\\\"b\"");
    }

    #[test]
    fn a_comment_cannot_be_ended_from_inside() {
        assert!(!comment("ends */ here", "").trim_end_matches("*/\n").contains("*/"));
        assert_eq!(comment(" \n", ""), "");
    }
}
