//! What came last in a text, and what may follow it.

/// What came last, blanks and comments aside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last<'t> {
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
pub(super) enum Slash {
    Divides,
    /// Begins a regular expression.
    Begins,
    Either,
}

impl Last<'_> {
    pub(super) fn slash(self) -> Slash {
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
pub(super) const BEFORE_VALUES: &[&[u8]] = &[
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
pub(super) const BEFORE_OTHERS: &[&[u8]] = &[
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
pub(super) const GOING_ON: &[&[u8]] = &[
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
pub(super) const WITH_HEADS: &[&[u8]] = &[b"if", b"while", b"for", b"with"];
