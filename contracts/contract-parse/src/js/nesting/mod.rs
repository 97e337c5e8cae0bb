//! How deep a text is nested, told before it is parsed: a parser goes as deep as its text, and its stack ends.

mod bytes;
mod last;
mod scan;
#[cfg(test)]
mod tests;

use bytes::{CLASSES, Class};
use scan::{Scan, Step};

/// The deepest nesting of brackets in a module; deeper texts could exhaust the parser's stack.
const BRACKETS_MAX: usize = 200;
/// The most tokens of the pieces that a place is a part of, from bracket to bracket outwards. A piece is what may nest
/// without a bracket, such as `a ? b : c ? d : e` or `f()()()`: a statement, or an item of a list.
const EXPRESSION_TOKENS_MAX: usize = 5_000;
/// As so many of them counts an `else` to all that follows in its block, for it may be one of a chain.
const ELSE_TOKENS: usize = 4;
/// In how many ways a text may be read at a time; who writes more doubt than that writes it on purpose.
const READINGS_MAX: usize = 16;
/// How many slashes of a text may be read in several ways, each of which costs some microseconds.
const DOUBTS_MAX: usize = 10_000;
/// The largest module, in bytes.
const MODULE_BYTES_MAX: usize = 4 * 1024 * 1024;

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
