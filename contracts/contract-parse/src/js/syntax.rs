//! Syntax errors as problems, and what is refused before it is parsed.

use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::span::Span;

/// The most syntax errors of one file that are reported; the rest are mostly echoes of the first.
const ERRORS_MAX: usize = 5;

/// The deepest nesting of brackets in a module; deeper texts could exhaust the parser's stack.
const BRACKETS_MAX: usize = 200;
/// The most tokens without a comma, a semicolon or a closing brace.
const EXPRESSION_TOKENS_MAX: usize = 5_000;
/// The largest module, in bytes.
const MODULE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reports what a parser found wrong; whether there was anything.
pub(crate) fn report_errors(diagnostics: &[oxc_diagnostics::OxcDiagnostic], report: &mut Report<'_>) -> bool {
    let errors = diagnostics.iter().filter(|one| one.severity == oxc_diagnostics::Severity::Error);
    let mut any = false;
    for diagnostic in errors.take(ERRORS_MAX) {
        any = true;
        let help = diagnostic.help.as_ref().map(|help| (help.to_string(), None));
        let message = format!("syntax error: {}", diagnostic.message);
        report.add_with_help(ProblemKind::SourceUnparsable, place(diagnostic), message, help);
    }
    any
}

fn place(diagnostic: &oxc_diagnostics::OxcDiagnostic) -> Span {
    let bytes = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    diagnostic.labels.first().map_or(Span::default(), |label| {
        let (start, length) = (label.offset() as usize, label.len() as usize);
        Span { start: bytes(start), end: bytes(start + length) }
    })
}

/// What a byte is to the eye that only counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Word,
    Quote,
    /// What ends a piece of an expression: a comma, a semicolon, a closing brace.
    End,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte: u8 = 0;
    loop {
        classes[byte as usize] = match byte {
            b';' | b',' | b'}' => Class::End,
            b'"' | b'\'' | b'`' => Class::Quote,
            b'_' | b'$' | 128.. => Class::Word,
            _ if byte.is_ascii_alphanumeric() => Class::Word,
            _ if byte.is_ascii_whitespace() => Class::Blank,
            _ => Class::Other,
        };
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

/// Parsing and visiting go as deep as the text is nested, so a text that is nested beyond reason is refused
/// before it can exhaust the stack.
pub(crate) fn unreasonable(text: &str) -> Option<String> {
    if text.len() > MODULE_BYTES_MAX {
        return Some(format!("it is larger than {MODULE_BYTES_MAX} bytes"));
    }
    let bytes = text.as_bytes();
    let (mut depth, mut run) = (0_usize, 0_usize);
    let (mut last_quote, mut line_ended) = (false, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let class = CLASSES[usize::from(byte)];
        let rest = &bytes[at + 1..];
        // Most of a text is words, texts and blanks; what follows their first byte changes nothing.
        at += 1 + match class {
            Class::Word => length(rest, |one| CLASSES[usize::from(one)] == Class::Word),
            Class::Quote => length(rest, |one| one != byte && (one != b'\n' || byte == b'`')),
            Class::Blank if byte != b'\n' => length(rest, |one| one == b' '),
            _ => 0,
        };
        match class {
            // A text that its line ends is left open, and the line's end is looked at like any other.
            Class::Quote if bytes.get(at) == Some(&byte) => {
                at += 1;
                run += 1;
            }
            Class::End => run = 0,
            _ => {}
        }
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        run += usize::from(class != Class::Blank);
        if byte == b'\n' {
            line_ended = last_quote;
        } else if class != Class::Blank {
            // A text, a line's end and a word: one statement ends and the next begins, semicolon or not.
            // Only `in` and `instanceof` would go on.
            if line_ended && class == Class::Word && byte != b'i' {
                run = 0;
            }
            last_quote = class == Class::Quote;
            line_ended = false;
        }
        if depth > BRACKETS_MAX || run > EXPRESSION_TOKENS_MAX {
            return Some("its expressions are nested too deep or too long".to_owned());
        }
    }
    None
}

/// How many bytes from the first on are like this.
fn length(bytes: &[u8], like: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|one| !like(*one)).unwrap_or(bytes.len())
}
