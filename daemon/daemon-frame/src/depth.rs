//! How deep a CBOR item nests, found without recursion: whoever decodes it recurses, and a hostile worker must not
//! choose how far.

/// Deepest nesting of a frame: a value of 64 levels, and what stands around it.
const DEPTH_MAX: usize = 128;
/// A list or map whose end is marked instead of announced.
const UNTIL_BREAK: u64 = u64::MAX;

/// Whether the bytes start with one whole item that nests no deeper than a frame may (RFC 8949, section 3).
pub(crate) fn is_shallow(bytes: &[u8]) -> bool {
    let mut walk = Walk { bytes, open: Vec::with_capacity(16) };
    walk.item().is_some() && walk.rest().is_some()
}

struct Walk<'a> {
    bytes: &'a [u8],
    /// Items still to come in each open list or map, the outermost first.
    open: Vec<u64>,
}

impl Walk<'_> {
    /// Reads items until everything that was opened is closed. None: too deep, or not CBOR.
    fn rest(&mut self) -> Option<()> {
        while let Some(left) = self.open.pop() {
            match left {
                0 => continue,
                UNTIL_BREAK if self.bytes.first() == Some(&0xff) => {
                    self.bytes = &self.bytes[1..];
                    continue;
                }
                UNTIL_BREAK => self.open.push(UNTIL_BREAK),
                left => self.open.push(left - 1),
            }
            self.item()?;
        }
        Some(())
    }

    /// Reads the head of an item, and the whole of one that holds no others.
    fn item(&mut self) -> Option<()> {
        let (kind, argument) = self.head()?;
        match (kind, argument) {
            (0 | 1 | 7, Some(_)) => Some(()),
            (2 | 3, Some(length)) => self.take(usize::try_from(length).ok()?).map(drop),
            (2..=5, None) => self.enter(UNTIL_BREAK),
            (4, Some(count)) => self.enter(count),
            (5, Some(count)) => self.enter(count.checked_mul(2)?),
            (6, Some(_)) => self.enter(1),
            _ => None,
        }
    }

    fn enter(&mut self, count: u64) -> Option<()> {
        self.open.push(count);
        (self.open.len() <= DEPTH_MAX).then_some(())
    }

    /// The major type and the argument; none for a length that is left open.
    fn head(&mut self) -> Option<(u8, Option<u64>)> {
        let first = *self.take(1)?.first()?;
        let length = match first & 0x1f {
            small @ 0..=23 => return Some((first >> 5, Some(u64::from(small)))),
            size @ 24..=27 => 1 << (size - 24),
            31 => return Some((first >> 5, None)),
            _ => return None,
        };
        let argument = self.take(length)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Some((first >> 5, Some(argument)))
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_lists_are_counted_and_not_descended_into() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0xf6]].concat();
        assert!(is_shallow(&nested(DEPTH_MAX)));
        assert!(!is_shallow(&nested(DEPTH_MAX + 1)));
        assert!(!is_shallow(&nested(10_000_000)));
        let open_ended = [vec![0x9f; 1_000], vec![0xff; 1_000]].concat();
        assert!(!is_shallow(&open_ended));
        assert!(is_shallow(&[0x9f, 0x01, 0x7f, 0x61, b'a', 0xff, 0xff]));
    }

    #[test]
    fn what_is_no_whole_item_is_refused() {
        for bytes in [
            &[][..],
            &[0x82, 0x01],
            &[0x63, b'a'],
            &[0x1c],
            &[0xff],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(!is_shallow(bytes), "{bytes:?}");
        }
    }
}
