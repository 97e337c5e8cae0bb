//! Bytes, and how many of them belong together.

/// What a byte is to the eye that only counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Blank,
    Word,
    Quote,
    /// What may end a piece: a comma, a semicolon, a closing brace.
    End,
    Other,
}

pub(super) const CLASSES: [Class; 256] = {
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

/// How many bytes there are to the end of a regular expression, or to that of its line, where it is none.
pub(super) fn pattern_length(bytes: &[u8]) -> usize {
    let mut in_class = false;
    unescaped(bytes, |one| {
        in_class = (in_class || one == b'[') && one != b']';
        one == b'\n' || one == b'/' && !in_class
    })
}

/// How many bytes there are before the first at which this ends; an escaped one is none, and neither is the second half
/// of an escaped line end.
pub(super) fn unescaped(bytes: &[u8], mut ends: impl FnMut(u8) -> bool) -> usize {
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
pub(super) fn line_length(bytes: &[u8]) -> usize {
    let is_end = |at: &usize| match bytes[*at] {
        b'\n' | b'\r' => true,
        0xe2 => matches!(bytes[*at..], [_, 0x80, 0xa8 | 0xa9, ..]),
        _ => false,
    };
    (0..bytes.len()).find(is_end).unwrap_or(bytes.len())
}

/// How many bytes from the first on are like this.
pub(super) fn length(bytes: &[u8], mut like: impl FnMut(u8) -> bool) -> usize {
    bytes.iter().position(|one| !like(*one)).unwrap_or(bytes.len())
}
