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
    Scan::of(text).is_deep().then(|| "its expressions are nested too deep or too long".to_owned())
}

/// Counts brackets and tokens. Comments, texts and regular expressions are passed over; what stands in the `${…}` of a
/// template is code like any other.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Brackets that are open.
    depth: usize,
    /// Tokens since the last end of a piece.
    run: usize,
    /// Of each open `${`: the depth inside of it, and the tokens before it.
    substitutions: Vec<(usize, usize)>,
    last: Last<'t>,
    line_ended: bool,
}

/// What came last, blanks and comments aside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last<'t> {
    Word(&'t [u8]),
    Quote,
    Byte(u8),
}

impl Last<'_> {
    /// Whether a slash after it divides, and begins no regular expression.
    fn is_divided(self) -> bool {
        match self {
            Self::Word(word) => !BEFORE_VALUES.contains(&word),
            Self::Quote => true,
            Self::Byte(byte) => matches!(byte, b')' | b']' | b'}'),
        }
    }
}

/// Words after which a value begins.
const BEFORE_VALUES: &[&[u8]] = &[
    b"return",
    b"typeof",
    b"case",
    b"in",
    b"of",
    b"void",
    b"delete",
    b"instanceof",
    b"new",
    b"do",
    b"else",
    b"throw",
    b"yield",
    b"await",
];

impl<'t> Scan<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            run: 0,
            substitutions: Vec::new(),
            last: Last::Byte(b';'),
            line_ended: false,
        }
    }

    fn is_deep(&mut self) -> bool {
        while self.depth <= BRACKETS_MAX && self.run <= EXPRESSION_TOKENS_MAX {
            let Some(byte) = self.bytes.get(self.at).copied() else { return false };
            self.at += 1;
            match CLASSES[usize::from(byte)] {
                Class::Blank => self.blank(byte),
                Class::Word => self.word(byte),
                Class::Quote if byte == b'`' => self.template(),
                Class::Quote => self.quote(byte),
                Class::End if byte == b'}' => self.brace(),
                Class::End => {
                    self.run = 1;
                    self.note(Last::Byte(byte));
                }
                Class::Other if byte == b'/' => self.slash(),
                Class::Other => {
                    match byte {
                        b'(' | b'[' | b'{' => self.depth += 1,
                        b')' | b']' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    self.run += 1;
                    self.note(Last::Byte(byte));
                }
            }
        }
        true
    }

    /// The bytes that are left.
    fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn note(&mut self, last: Last<'t>) {
        self.last = last;
        self.line_ended = false;
    }

    fn blank(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line_ended = self.last == Last::Quote;
        } else {
            self.at += length(self.rest(), |one| one == b' ');
        }
    }

    fn word(&mut self, byte: u8) {
        let start = self.at - 1;
        self.at += length(self.rest(), |one| CLASSES[usize::from(one)] == Class::Word);
        // A text, a line's end and a word: one statement ends and the next begins, semicolon or not. Only `in` and
        // `instanceof` would go on.
        self.run = if self.line_ended && byte != b'i' { 0 } else { self.run + 1 };
        self.note(Last::Word(&self.bytes[start..self.at]));
    }

    /// A text, up to its end or that of its line, where it is left open.
    fn quote(&mut self, quote: u8) {
        self.pass(|one| one == quote || one == b'\n');
        self.run += 1;
        if self.rest().first() == Some(&quote) {
            self.at += 1;
            self.run += 1;
        }
        self.note(Last::Quote);
    }

    /// The text of a template, up to its end or to code in it.
    fn template(&mut self) {
        self.run += 1;
        loop {
            self.pass(|one| matches!(one, b'`' | b'$'));
            match self.rest() {
                [b'$', b'{', ..] => {
                    self.at += 2;
                    self.depth += 1;
                    self.substitutions.push((self.depth, self.run));
                    return self.note(Last::Byte(b'{'));
                }
                [b'$', ..] => self.at += 1,
                _ => {
                    self.at += 1;
                    return self.note(Last::Quote);
                }
            }
        }
    }

    fn brace(&mut self) {
        match self.substitutions.last() {
            Some((depth, run)) if *depth == self.depth => {
                // The template goes on, and what it is a part of has not ended.
                (self.depth, self.run) = (depth - 1, *run);
                self.substitutions.pop();
                self.template();
            }
            _ => {
                (self.depth, self.run) = (self.depth.saturating_sub(1), 1);
                self.note(Last::Byte(b'}'));
            }
        }
    }

    fn slash(&mut self) {
        match self.rest() {
            [b'/', ..] => self.at += length(self.rest(), |one| one != b'\n'),
            [b'*', rest @ ..] => {
                self.at += 1 + memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
            }
            _ if self.last.is_divided() => {
                self.run += 1;
                self.note(Last::Byte(b'/'));
            }
            _ => self.regular_expression(),
        }
    }

    /// A regular expression, up to its end or that of its line, where it was none.
    fn regular_expression(&mut self) {
        let mut in_class = false;
        self.pass(|one| {
            in_class = (in_class || one == b'[') && one != b']';
            one == b'\n' || one == b'/' && !in_class
        });
        self.at += usize::from(self.rest().first() == Some(&b'/'));
        self.run += 1;
        self.note(Last::Quote);
    }

    /// Goes on to the first byte at which this ends; an escaped one is none.
    fn pass(&mut self, mut ends: impl FnMut(u8) -> bool) {
        let mut escaped = false;
        self.at += length(self.rest(), |one| {
            let goes_on = escaped || !ends(one);
            escaped = one == b'\\' && !escaped;
            goes_on
        });
    }
}

/// How many bytes from the first on are like this.
fn length(bytes: &[u8], mut like: impl FnMut(u8) -> bool) -> usize {
    bytes.iter().position(|one| !like(*one)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(before: &str, after: &str) -> String {
        format!("{before}{}0{after}", "a => ".repeat(EXPRESSION_TOKENS_MAX))
    }

    #[test]
    fn code_is_counted_wherever_it_stands() {
        for (before, after) in [
            ("", ""),
            ("let t = `by ${", "}`;"),
            ("let t = `by ${", ""),
            ("let t = `a ${`b ${", "}`}`;"),
            ("let t = `a ${b} c ${{d: '}'}.d} ${", "}`;"),
            ("let t = `\\${ it is no code \\` ${", "}`;"),
            ("/* it's ` */ let t = ", ";"),
            ("// it's `\nlet t = ", ";"),
            ("let r = /['`\"]/; let t = ", ";"),
            ("let r = /[/`]/g.test(x); let t = ", ";"),
            ("return /`/.test(", ");"),
            ("let t = 'it\\'s'; let u = ", ";"),
            ("let n = a / b; let m = '/'; let t = ", ";"),
        ] {
            assert!(unreasonable(&nested(before, after)).is_some(), "{before}…{after}");
        }
        let brackets = "(".repeat(BRACKETS_MAX + 1);
        for before in ["", "let t = `${", "/* ' */ ", "let r = /`/; "] {
            assert!(unreasonable(&format!("{before}{brackets}")).is_some(), "{before}");
        }
        let pieces = "`${a}` + ".repeat(EXPRESSION_TOKENS_MAX);
        assert!(unreasonable(&pieces).is_some(), "the end of what stands in a template ends nothing");
    }

    #[test]
    fn what_is_no_code_is_not() {
        let words = "so it is a word (and a => b [or {two\n".repeat(EXPRESSION_TOKENS_MAX);
        for text in [
            format!("/* {words} */"),
            format!("let t = `{words}`;"),
            format!("// {}", words.replace('\n', "\n// ")),
            format!("f('{}');", words.replace('\n', "');\nf('")),
            format!("let r = /[{}/]/;", words.replace('\n', "/]/;\nlet r = /[")),
        ] {
            assert_eq!(unreasonable(&text), None, "{}", &text[..60]);
        }
    }
}
