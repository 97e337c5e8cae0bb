//! One way to read a text, as far as it takes to count what is nested.

use super::bytes::{CLASSES, Class, length, line_length, pattern_length, unescaped};
use super::last::{BEFORE_OTHERS, BEFORE_VALUES, GOING_ON, Last, Slash, WITH_HEADS};
use super::{BRACKETS_MAX, ELSE_TOKENS, EXPRESSION_TOKENS_MAX};

/// The longest regular expression that is taken for one where the slash before it might divide.
const PATTERN_BYTES_MAX: usize = 4_096;

/// What became of a scan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    On,
    End,
    Deep,
    /// It stands behind a slash that may be either.
    Doubt,
}

/// Counts brackets and tokens. Comments, texts and regular expressions are passed over; what stands in the `${…}` of a
/// template is code like any other.
#[derive(Clone)]
pub(super) struct Scan<'t> {
    bytes: &'t [u8],
    pub(super) at: usize,
    /// Brackets that are open.
    depth: usize,
    /// Of each of them whether it began the head of a statement, such as that of `if`; unless two readings met that do
    /// not agree.
    heads: Option<Vec<bool>>,
    /// Tokens of the piece, and of those around it before it.
    run: usize,
    /// The text itself, and each open bracket.
    levels: Vec<Level>,
    /// Of each open `${`: the depth inside of it.
    substitutions: Vec<usize>,
    last: Last<'t>,
    /// A line ended since the last token. After a type of TypeScript that ends a statement without a word.
    broken: bool,
    /// A brace closed last. What follows tells whether the piece ended with it.
    closed: bool,
}

/// What stands between two brackets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Level {
    /// Tokens before it that all in it is a part of.
    before: usize,
    /// Tokens `<` that may be brackets of types, in which a comma ends nothing.
    angles: usize,
}

impl<'t> Scan<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: if text.starts_with("#!") { line_length(text.as_bytes()) } else { 0 },
            depth: 0,
            heads: Some(Vec::new()),
            run: 0,
            levels: vec![Level::default()],
            substitutions: Vec::new(),
            last: Last::Byte(b';'),
            broken: false,
            closed: false,
        }
    }

    /// Goes on to the end or to a doubt, or by one step where others have to keep up.
    pub(super) fn go(&mut self, alone: bool) -> Step {
        loop {
            match self.step() {
                Step::On if alone => {}
                step => return step,
            }
        }
    }

    fn step(&mut self) -> Step {
        if self.depth > BRACKETS_MAX || self.run > EXPRESSION_TOKENS_MAX {
            return Step::Deep;
        }
        let Some(byte) = self.bytes.get(self.at).copied() else { return Step::End };
        self.at += 1;
        match CLASSES[usize::from(byte)] {
            Class::Blank => self.blank(byte),
            Class::Word => self.word(),
            Class::Quote if byte == b'`' => self.template(),
            Class::Quote => self.quote(byte),
            Class::End if byte == b'}' => self.brace(),
            Class::End => {
                self.run += 1;
                if byte == b';' || self.level().angles == 0 {
                    self.end_piece();
                }
                self.note(Last::Byte(byte));
            }
            Class::Other if byte == b'/' => return self.slash(),
            Class::Other => self.other(byte),
        }
        Step::On
    }

    fn other(&mut self, byte: u8) {
        self.follow(!matches!(byte, b'{' | b'@' | b'#' | b'~'));
        self.run += 1;
        let mut last = Last::Byte(byte);
        match byte {
            b'(' | b'[' | b'{' => self.open(),
            // Neither a shift nor a comparison with `=`.
            b'<' if !matches!(self.rest().first(), Some(b'<' | b'=')) && self.last != Last::Byte(b'<') => {
                self.level().angles += 1;
            }
            b')' | b']' => last = if self.close() { Last::Head } else { last },
            // An escape in a name, whose braces are none.
            b'\\' => {
                let is_braced = self.rest().starts_with(b"u{");
                self.at += if is_braced { 1 + length(self.rest(), |one| one != b'}') } else { 0 };
                self.at += length(self.rest(), |one| CLASSES[usize::from(one)] == Class::Word);
                last = Last::Property;
            }
            // A spread, after which a value begins.
            b'.' if self.bytes[..self.at].ends_with(b"...") => last = Last::Byte(b','),
            b'.' if matches!(self.last, Last::Word([b'0'..=b'9', ..])) => last = Last::Number,
            // An arrow.
            b'>' if self.bytes[..self.at].ends_with(b"=>") => last = Last::Byte(b'='),
            b'>' => self.level().angles = self.level().angles.saturating_sub(1),
            _ => {}
        }
        self.note(last);
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// The next piece begins.
    fn end_piece(&mut self) {
        let level = self.level();
        level.angles = 0;
        self.run = level.before + 1;
    }

    /// A token follows that goes on with what a closing brace stands in, or does not.
    fn follow(&mut self, goes_on: bool) {
        if self.closed && !goes_on {
            self.end_piece();
        }
    }

    /// Whether what came last may end a statement, where its line ends.
    fn may_end(&self) -> bool {
        match self.last {
            Last::Word(word) => !BEFORE_VALUES.contains(&word) && !BEFORE_OTHERS.contains(&word),
            // What closes may be the head of a statement, where two readings do not agree.
            Last::Byte(b')') => self.heads.is_some(),
            Last::Byte(b']') | Last::Property | Last::Unsure | Last::Quote => true,
            Last::Byte(_) | Last::Number | Last::Head => false,
        }
    }

    fn open(&mut self) {
        let is_head = matches!(self.last, Last::Word(word) if WITH_HEADS.contains(&word));
        self.depth += 1;
        self.levels.push(Level { before: self.run, angles: 0 });
        if let Some(heads) = &mut self.heads {
            heads.push(is_head);
        }
    }

    /// Whether it was the head of a statement that ends here.
    fn close(&mut self) -> bool {
        self.depth = self.depth.saturating_sub(1);
        // What stood in it is no part of what follows; a bracket too many closes nothing.
        if self.levels.len() > 1
            && let Some(level) = self.levels.pop()
        {
            self.run = level.before + 1;
        }
        self.heads.as_mut().and_then(Vec::pop).unwrap_or_default()
    }

    /// Takes another scan in that is at the same place and goes on alike, but for what it has counted.
    pub(super) fn meets(&mut self, other: &Self) -> bool {
        let place = |scan: &Self| (scan.at, scan.broken);
        let meets = place(self) == place(other)
            && self.last == other.last
            && self.substitutions == other.substitutions
            && self.closed == other.closed
            && (self.substitutions.is_empty() || self.depth == other.depth);
        if meets {
            self.take_levels(&other.levels);
            if self.heads != other.heads {
                self.heads = None;
            }
            (self.depth, self.run) = (self.depth.max(other.depth), self.run.max(other.run));
        }
        meets
    }

    /// The worse of both, bracket by bracket from the innermost on.
    fn take_levels(&mut self, others: &[Level]) {
        let more = others.len().saturating_sub(self.levels.len());
        self.levels.splice(..0, others[..more].iter().copied());
        for (own, other) in self.levels.iter_mut().rev().zip(others.iter().rev()) {
            own.before = own.before.max(other.before);
            own.angles = own.angles.max(other.angles);
        }
    }

    /// The bytes that are left.
    fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn note(&mut self, last: Last<'t>) {
        self.last = last;
        self.broken = false;
        self.closed = false;
    }

    fn blank(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\r') {
            self.broken = true;
        } else {
            self.at += length(self.rest(), |one| one == b' ');
        }
    }

    fn word(&mut self) {
        let start = self.at - 1;
        self.at += length(self.rest(), |one| CLASSES[usize::from(one)] == Class::Word);
        let word = &self.bytes[start..self.at];
        let goes_on = GOING_ON.contains(&word);
        self.follow(goes_on);
        // A value, a line's end and a word: one statement ends and the next begins, semicolon or not.
        if self.broken && !goes_on && self.may_end() {
            self.end_piece();
        }
        if word == b"else" {
            self.level().before += ELSE_TOKENS;
            self.run += ELSE_TOKENS;
        }
        self.run += 1;
        self.note(match self.last {
            Last::Byte(b'.' | b'#') => Last::Property,
            Last::Number => Last::Unsure,
            Last::Word(b"for") if word == b"await" => Last::Word(b"for"),
            _ => Last::Word(word),
        });
    }

    /// A text, up to its end or that of its line, where it is left open.
    fn quote(&mut self, quote: u8) {
        self.follow(false);
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
                    self.open();
                    self.substitutions.push(self.depth);
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
            Some(depth) if *depth == self.depth => {
                // The template goes on, and what it is a part of has not ended.
                self.close();
                self.substitutions.pop();
                self.template();
            }
            _ => {
                self.close();
                self.note(Last::Byte(b'}'));
                self.closed = true;
            }
        }
    }

    fn slash(&mut self) -> Step {
        match self.rest() {
            [b'/', ..] => {
                self.at += line_length(self.rest());
            }
            [b'*', rest @ ..] => {
                let end = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                self.broken |= memchr::memchr2(b'\n', b'\r', &rest[..end]).is_some();
                self.at += 1 + end;
            }
            _ => match self.what_slash() {
                Slash::Divides => self.divide(),
                Slash::Begins => self.regular_expression(),
                Slash::Either if self.pattern_length() > PATTERN_BYTES_MAX => return Step::Deep,
                Slash::Either => return Step::Doubt,
            },
        }
        Step::On
    }

    /// What a slash here is. Without another one on its line it begins nothing that the parser would go on after.
    fn what_slash(&self) -> Slash {
        let unsure = self.broken || self.heads.is_none() && self.last == Last::Byte(b')');
        let what = if unsure { Slash::Either } else { self.last.slash() };
        let next = memchr::memchr2(b'/', b'\n', self.rest());
        let is_last = next.is_none_or(|at| self.rest()[at] == b'\n');
        if what == Slash::Either && is_last { Slash::Divides } else { what }
    }

    pub(super) fn divide(&mut self) {
        self.run += 1;
        self.note(Last::Byte(b'/'));
    }

    /// How long the regular expression would be that begins here, as far as that matters.
    fn pattern_length(&self) -> usize {
        let rest = self.rest();
        pattern_length(&rest[..rest.len().min(PATTERN_BYTES_MAX + 1)])
    }

    /// A regular expression, up to its end or that of its line, where it was none.
    pub(super) fn regular_expression(&mut self) {
        self.at += pattern_length(self.rest());
        self.at += usize::from(self.rest().first() == Some(&b'/'));
        self.run += 1;
        self.note(Last::Quote);
    }

    /// Goes on to the first byte at which this ends; an escaped one is none.
    fn pass(&mut self, ends: impl FnMut(u8) -> bool) {
        self.at += unescaped(self.rest(), ends);
    }
}
