//! How deep a text is nested, told before it is parsed: a parser goes as deep as its text, and its stack ends.

/// The deepest nesting of brackets in a module; deeper texts could exhaust the parser's stack.
const BRACKETS_MAX: usize = 200;
/// The most tokens of the pieces that a place is a part of, from bracket to bracket outwards. A piece is what may nest
/// without a bracket, such as `a ? b : c ? d : e` or `f()()()`: a statement, or an item of a list.
const EXPRESSION_TOKENS_MAX: usize = 5_000;
/// As so many of them counts an `else` to all that follows in its block, for it may be one of a chain.
const ELSE_TOKENS: usize = 4;
/// The longest regular expression that is taken for one where the slash before it might divide.
const PATTERN_BYTES_MAX: usize = 4_096;
/// In how many ways a text may be read at a time; who writes more doubt than that writes it on purpose.
const READINGS_MAX: usize = 16;
/// How many slashes of a text may be read in several ways, each of which costs some microseconds.
const DOUBTS_MAX: usize = 10_000;
/// The largest module, in bytes.
const MODULE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a byte is to the eye that only counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Word,
    Quote,
    /// What may end a piece: a comma, a semicolon, a closing brace.
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
            // The vertical tab is blank to the parser, too.
            b'\x0b' => Class::Blank,
            _ if byte.is_ascii_whitespace() => Class::Blank,
            _ => Class::Other,
        };
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

/// Whether a byte opens a bracket.
const BRACKETS: [bool; 256] = {
    let mut opens = [false; 256];
    opens[b'(' as usize] = true;
    opens[b'[' as usize] = true;
    opens[b'{' as usize] = true;
    opens
};

/// Whether a token may begin with a byte of the one class behind a byte of the other.
const BEGINS: [[bool; 5]; 5] = {
    let mut begins = [[true; 5]; 5];
    begins[Class::Blank as usize] = [false; 5];
    begins[Class::Word as usize][Class::Word as usize] = false;
    begins
};

/// Parsing and visiting go as deep as the text is nested, so a text that is nested beyond reason is refused
/// before it can exhaust the stack.
pub(crate) fn unreasonable(text: &str) -> Option<String> {
    if text.len() > MODULE_BYTES_MAX {
        return Some(format!("it is larger than {MODULE_BYTES_MAX} bytes"));
    }
    (may_be_deep(text) && is_deep(text)).then(|| "its expressions are nested too deep or too long".to_owned())
}

/// Whether a text has as many brackets or tokens as it takes to go too deep, wherever they stand. Most have not, and this
/// is a fraction of the work of telling where.
fn may_be_deep(text: &str) -> bool {
    let (mut brackets, mut tokens, mut last) = (0, 0, Class::Blank);
    for byte in text.bytes() {
        let class = CLASSES[usize::from(byte)];
        brackets += usize::from(BRACKETS[usize::from(byte)]);
        tokens += usize::from(BEGINS[class as usize][last as usize]);
        last = class;
    }
    if brackets > BRACKETS_MAX {
        return true;
    }
    let elses = memchr::memmem::find_iter(text.as_bytes(), b"else").count();
    // A line's end, too, may count as a token where it begins a statement, once a bracket.
    tokens + brackets + ELSE_TOKENS * elses >= EXPRESSION_TOKENS_MAX
}

/// Whether one of the ways to read a text goes too deep. A slash may divide or begin a regular expression; where only
/// the grammar could tell which, the text is read both ways from there on, until both have come to the same place.
fn is_deep(text: &str) -> bool {
    let (mut scans, mut doubts) = (vec![Scan::of(text)], 0);
    while let [scan, others @ ..] = scans.as_mut_slice() {
        let ended = match scan.go(others.is_empty()) {
            Step::Deep => return true,
            Step::End => true,
            Step::On => false,
            Step::Doubt => {
                let mut divides = scan.clone();
                divides.divide();
                scan.regular_expression();
                scans.push(divides);
                doubts += 1;
                false
            }
        };
        if ended {
            scans.swap_remove(0);
        }
        if scans.len() > 1 {
            meet(&mut scans);
        }
        if scans.len() > READINGS_MAX || doubts > DOUBTS_MAX {
            return true;
        }
    }
    false
}

/// Makes one of all that are at the same place, and puts the one that is furthest behind first.
fn meet(scans: &mut Vec<Scan<'_>>) {
    scans.sort_by_key(|scan| scan.at);
    scans.dedup_by(|scan, kept| kept.meets(scan));
}

/// What became of a scan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    End,
    Deep,
    /// It stands behind a slash that may be either.
    Doubt,
}

/// Counts brackets and tokens. Comments, texts and regular expressions are passed over; what stands in the `${…}` of a
/// template is code like any other.
#[derive(Clone)]
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
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

/// What came last, blanks and comments aside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last<'t> {
    Word(&'t [u8]),
    /// The name of a property, which may be any word.
    Property,
    /// A number and a dot, which may be its own or lead to a property.
    Number,
    /// The word after that.
    Unsure,
    Quote,
    /// The end of a statement's head, after which a statement begins.
    Head,
    Byte(u8),
}

/// What a slash is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slash {
    Divides,
    /// Begins a regular expression.
    Begins,
    Either,
}

impl Last<'_> {
    fn slash(self) -> Slash {
        match self {
            // Blanks and line ends beyond ASCII count as letters here.
            Self::Word(word) if !word.is_ascii() || word == b"of" => Slash::Either,
            Self::Word(word) if BEFORE_VALUES.contains(&word) => Slash::Begins,
            Self::Word(_) | Self::Property | Self::Number | Self::Quote | Self::Byte(b')' | b']') => Slash::Divides,
            // A block or an object, `++` before or behind, `!` and `>` of TypeScript.
            Self::Unsure | Self::Byte(b'}' | b'+' | b'-' | b'!' | b'>') => Slash::Either,
            Self::Head | Self::Byte(_) => Slash::Begins,
        }
    }
}

/// Words after which a value or a statement begins.
const BEFORE_VALUES: &[&[u8]] = &[
    b"return",
    b"typeof",
    b"case",
    b"default",
    b"in",
    b"void",
    b"delete",
    b"instanceof",
    b"new",
    b"do",
    b"else",
    b"throw",
    b"yield",
    b"await",
    b"extends",
    b"break",
    b"continue",
    b"debugger",
];

/// Words that do not end what they stand in, besides those.
const BEFORE_OTHERS: &[&[u8]] = &[
    b"of",
    b"as",
    b"is",
    b"satisfies",
    b"implements",
    b"keyof",
    b"readonly",
    b"unique",
    b"infer",
    b"asserts",
    b"abstract",
    b"async",
];

/// Words before which nothing ends, be it behind a closing brace or the end of a line.
const GOING_ON: &[&[u8]] = &[
    b"else",
    b"catch",
    b"finally",
    b"while",
    b"in",
    b"instanceof",
    b"of",
    b"as",
    b"is",
    b"satisfies",
    b"from",
    b"extends",
    b"implements",
];

/// Words whose parentheses are the head of a statement.
const WITH_HEADS: &[&[u8]] = &[b"if", b"while", b"for", b"with"];

impl<'t> Scan<'t> {
    fn of(text: &'t str) -> Self {
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
    fn go(&mut self, alone: bool) -> Step {
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
    fn meets(&mut self, other: &Self) -> bool {
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

    fn divide(&mut self) {
        self.run += 1;
        self.note(Last::Byte(b'/'));
    }

    /// How long the regular expression would be that begins here, as far as that matters.
    fn pattern_length(&self) -> usize {
        let rest = self.rest();
        pattern_length(&rest[..rest.len().min(PATTERN_BYTES_MAX + 1)])
    }

    /// A regular expression, up to its end or that of its line, where it was none.
    fn regular_expression(&mut self) {
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

/// How many bytes there are to the end of a regular expression, or to that of its line, where it is none.
fn pattern_length(bytes: &[u8]) -> usize {
    let mut in_class = false;
    unescaped(bytes, |one| {
        in_class = (in_class || one == b'[') && one != b']';
        one == b'\n' || one == b'/' && !in_class
    })
}

/// How many bytes there are before the first at which this ends; an escaped one is none, and neither is the second half
/// of an escaped line end.
fn unescaped(bytes: &[u8], mut ends: impl FnMut(u8) -> bool) -> usize {
    let mut before = 0;
    let mut escaped = false;
    length(bytes, |one| {
        let goes_on = escaped || !ends(one);
        escaped = one == b'\\' && !escaped || escaped && one == b'\r' && before == b'\\';
        before = one;
        goes_on
    })
}

/// How many bytes there are up to the end of the line, which is one of four characters.
fn line_length(bytes: &[u8]) -> usize {
    let is_end = |at: &usize| match bytes[*at] {
        b'\n' | b'\r' => true,
        0xe2 => matches!(bytes[*at..], [_, 0x80, 0xa8 | 0xa9, ..]),
        _ => false,
    };
    (0..bytes.len()).find(is_end).unwrap_or(bytes.len())
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
            ("if (a) /'/.test(b) || ", ";"),
            ("for await (a of b) /`/.test(b) || ", ";"),
            ("while (a) { } /`/.test(b) || ", ";"),
            ("let n = f(a) / '/' / ", ";"),
            ("let n = await (a) / '/' / ", ";"),
            ("let n = a.if(b) / '/' / ", ";"),
            ("let n = {} / '/' / ", ";"),
            ("let n = {} / `/` / ", ";"),
            ("let n = i++ / '/' / ", ";"),
            ("let n = a! / '/' / ", ";"),
            ("let n = a as B<C> / '/' / ", ";"),
            ("let n = a.return / '/' / ", ";"),
            ("let n = 0x1.return / '/' / ", ";"),
            ("let n = 1.\nreturn /'/.test(", ");"),
            ("let n = [...typeof /'/, ", "];"),
            ("let n = of / '/' / ", ";"),
            ("for (x of /'/.exec(", ")) {}"),
            ("export default /'/.test(", ");"),
            ("type A = B\n/'/.test(", ");"),
            ("let n = \u{b}a\u{b}/ '/' / ", ";"),
            ("return\u{a0}/'/.test(", ");"),
            ("// it is\rlet n = ", ";"),
            ("// it is\u{2028}let n = ", ";"),
            ("#! it`s\nlet n = ", ";"),
            ("let t = 'it\\\r\n is'; let n = ", ";"),
            ("let n = \\u{61} / '/' / ", ";"),
            ("let n = a => {} /[/]'/ / ", ";"),
            ("let n = a / b; let m = '/'; let t = ", ";"),
        ] {
            assert!(unreasonable(&nested(before, after)).is_some(), "{before}…{after}");
        }
        let brackets = "(".repeat(BRACKETS_MAX + 1);
        for before in ["", "let t = `${", "/* ' */ ", "let r = /`/; ", "if (a) /'/.b", "{} /'/.b", "x = {} / '/' / "] {
            assert!(unreasonable(&format!("{before}{brackets}")).is_some(), "{before}");
        }
        // In doubt all along, and beyond what is read in several ways.
        let doubts = "{} /`/.test(a);\n".repeat(2 * READINGS_MAX);
        assert!(unreasonable(&format!("{doubts}{brackets}")).is_some());
        let doubts = "i++ / 2 / 3;\n".repeat(DOUBTS_MAX + 1);
        assert!(unreasonable(&doubts).is_some());
        let pieces = "`${a}` + ".repeat(EXPRESSION_TOKENS_MAX);
        assert!(unreasonable(&pieces).is_some(), "the end of what stands in a template ends nothing");
    }

    /// What the parser nests without a bracket, whatever stands in the brackets between.
    #[test]
    fn chains_are_counted_over_what_is_between() {
        for piece in [
            "(a, b)",
            "({})",
            "[{}]",
            ".a",
            "?.b(1, 2)",
            ".b({})\n",
            ".b({}, c)",
            " ? {} : a",
            " ? b : c",
            " ** {}",
            " ?? {a, b}",
            " + `${a, b}`",
            ".b<C, D>()",
            " extends B<C, D> ? E : F",
            " as\nB",
            " in\nb",
            " = {}",
            "\nas B",
            "(() => { c; })",
            " + function () { return 1; }",
        ] {
            let text = format!("const x = a{}", piece.repeat(EXPRESSION_TOKENS_MAX));
            assert!(unreasonable(&text).is_some(), "{piece}");
        }
        for piece in [
            "if (a) {} else ",
            "if (a) b; else ",
            "if (a) b, c\nelse ",
            "if (a) {\n} else\n",
            "for (;;)\n",
            "while (a) ",
            "if (a)\n",
            "a:\n",
            "type A = keyof\n",
            "x = abstract\nnew () => ",
            "`${",
            "(b, ",
            "[{}, ",
            "{ a: 1, b: ",
            "async a =>\n",
            "do\n",
            "!",
            "new\n",
        ] {
            assert!(unreasonable(&piece.repeat(EXPRESSION_TOKENS_MAX + 1)).is_some(), "{piece}");
        }
    }

    #[test]
    fn what_stands_side_by_side_is_not_counted() {
        for piece in [
            "a(b, c)\n",
            "a.b = { c: 1 }\n",
            "const f = (a) => {\n  return a\n}\n",
            "if (a) {\n  b()\n}\n",
            "x = y[0]\n",
            "import a from 'b'\n",
            "function f(a, b) {}\n",
            "class A extends B { c() {} get d() {} }\n",
            "let s: Map<string, A<B>> = new Map<string, A<B>>();\n",
            "export type T = A | B;\n",
            "for (const a of b) c();\n",
            "try { a() } catch { b() } finally { c() }\n",
            "/** it is */ let a = 1;\n",
            "[a, b] = c;\n",
            "x = a < b;\n",
        ] {
            assert_eq!(unreasonable(&piece.repeat(EXPRESSION_TOKENS_MAX)), None, "{piece}");
        }
        for (open, item, close) in [
            ("x = [", "f(1, { a: 2 }), ", "];"),
            ("x = {", "a: { b: 1, c: [2] }, ", "};"),
            ("enum A {", "B = 1 << 3, ", "}"),
            ("f(", "a => { b; }, ", ");"),
            ("const ", "a = b ? c : d, ", "e;"),
            ("x = {", "a() {}, ", "};"),
            ("interface A {", "b: Map<c, d>;\n", "}"),
            ("interface A {", "b: Map<c, d>, ", "}"),
            ("switch (a) {", "case 1: { b() } ", "}"),
            ("x = {", "a: b <= c, ", "};"),
        ] {
            let text = format!("{open}{}{close}", item.repeat(EXPRESSION_TOKENS_MAX));
            assert_eq!(unreasonable(&text), None, "{open}{item}");
        }
    }

    #[test]
    fn what_is_no_code_is_not() {
        let words = "so it is a word (and a => b [or {two\n".repeat(EXPRESSION_TOKENS_MAX);
        for text in [
            format!("/* {words} */"),
            format!("let t = `{words}`;"),
            format!("// {}", words.replace('\n', "\n// ")),
            format!("f('{}');", words.replace('\n', "');\nf('")),
            "if (a) { b = (c + d) / 2 / e; }\n/['(]/.test(f) && g(!/[(\"]/.test(h));\ni++ / 2 / 3;\n".repeat(60),
            format!("let r = /[{}/]/;", words.replace('\n', "/]/;\nlet r = /[")),
        ] {
            assert_eq!(unreasonable(&text), None, "{}", &text[..60]);
        }
    }
}
