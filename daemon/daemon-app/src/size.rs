//! Sizes as they are typed: `512MiB`.

const UNITS: [(&str, u64); 4] = [("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("", 1)];
/// The store's log and what it is moved into need room of their own.
const STORE_MIN: u64 = 64 << 20;
/// Twice as much is mapped, which is a quarter of what a process can address.
const STORE_MAX: u64 = 16 << 40;

/// The most that a store may grow to.
pub(crate) fn of_store(text: &str) -> Result<u64, String> {
    let bytes = parse(text).ok_or("write a number and its unit, such as 512MiB, 64GiB or 1TiB")?;
    if (STORE_MIN..=STORE_MAX).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("a store may grow to 64MiB at least and 16TiB at most".to_owned())
    }
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_typed_and_nothing_else_is() {
        let read = ["64MiB", "2GiB", "16TiB", "67108864"].map(|text| of_store(text).expect(text));
        assert_eq!(read, [64 << 20, 2 << 30, 16 << 40, 64 << 20]);
        for wrong in ["", "MiB", "1", "63MiB", "17TiB", "64 MiB", "64MB", "64mib", "-64MiB", "99999999999TiB"] {
            assert!(of_store(wrong).is_err(), "{wrong}");
        }
    }
}
