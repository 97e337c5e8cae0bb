//! Characters that a reader does not see, or that change the order in which a line is shown: what is reviewed is then
//! not what runs.

use crate::facts::{Problem, ProblemKind, UNREAD};
use crate::report::{Report, suite_path};
use contract_model::span::Span;
use std::collections::BTreeMap;

/// What hides in the texts of a folder.
pub(crate) fn problems(folder: &str, texts: &BTreeMap<String, String>) -> Vec<Problem> {
    let suspicious = texts.iter().filter(|(_, text)| *text != UNREAD && !text.is_ascii());
    suspicious.flat_map(|(path, text)| of_text(suite_path(folder, path), text)).collect()
}

fn of_text(file: String, text: &str) -> Vec<Problem> {
    let mut report = Report::new(file, text);
    for Run { start, end, first, count } in runs(text) {
        let more = if count > 1 { format!(" and {} more after it", count - 1) } else { String::new() };
        let message = format!("{} (U+{:04X}){more} stands here unseen", name(first), u32::from(first));
        let help = "what people review would not be what runs; delete it, or write it as an escape such as \\u{202e}";
        let span = Span { start: offset(start), end: offset(end) };
        report.add_with_help(ProblemKind::HiddenCharacter, span, message, Some((help.to_owned(), None)));
    }
    report.problems
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Hidden characters in a row.
struct Run {
    start: usize,
    end: usize,
    first: char,
    count: usize,
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before = None;
    for (at, char) in text.char_indices() {
        // A byte order mark at the start is an honest habit of some editors.
        let is_mark = at == 0 && char == '\u{feff}';
        let joins = joins(char) && before.is_some_and(|before: char| !before.is_ascii() && !is_hidden(before));
        if is_hidden(char) && !is_mark && !joins {
            match runs.last_mut().filter(|run| run.end == at) {
                Some(run) => (run.end, run.count) = (at + char.len_utf8(), run.count + 1),
                None => runs.push(Run { start: at, end: at + char.len_utf8(), first: char, count: 1 }),
            }
        }
        before = Some(char);
    }
    runs
}

/// Characters that belong to the one before them, as in emoji and in the scripts of India and Persia.
fn joins(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

fn is_hidden(char: char) -> bool {
    is_bidi(char)
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_bidi(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn name(char: char) -> &'static str {
    match char {
        _ if is_bidi(char) => "a character that changes the direction of the text",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "a variation selector",
        '\u{e0000}'..='\u{e0fff}' => "a tag character",
        _ => "an invisible character",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(u32, u32, &str)]) {
        let found = of_text("a/src/main.js".to_owned(), text);
        let found: Vec<(u32, u32, &str)> = found
            .iter()
            .map(|problem| (problem.location.line, problem.location.column, problem.message.as_str()))
            .collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.0, found.1), (expected.0, expected.1), "{found:?}");
            assert!(found.2.contains(expected.2), "{found:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_found_at_its_place() {
        check("a;\nif (x /*\u{202e} } */) {}", &[(2, 9, "U+202E")]);
        check("const a\u{200b}b = 1; // \u{2066}", &[(1, 8, "U+200B"), (1, 19, "direction")]);
        check("x = 'a\u{fe01}\u{fe02}\u{e0101}'", &[(1, 7, "(U+FE01) and 2 more")]);
        check("let \u{3164} = 1, y\u{feff};", &[(1, 5, "U+3164"), (1, 13, "U+FEFF")]);
        check("'\u{e0041}'", &[(1, 2, "tag character")]);
    }

    #[test]
    fn what_belongs_to_a_visible_character_is_not() {
        check("\u{feff}const heart = '\u{2764}\u{fe0f}', family = '\u{1f468}\u{200d}\u{1f469}';", &[]);
        check("'\u{646}\u{645}\u{6cc}\u{200c}\u{62e}\u{648}' + 'Zürich' + '東京' + '\\u{202e}'", &[]);
        // More than one of them in a row belongs to nothing.
        check("'\u{2764}\u{fe0f}\u{fe01}\u{fe02}'", &[(1, 4, "(U+FE01) and 1 more")]);
    }
}
