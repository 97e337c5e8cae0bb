//! How much of something may happen in a second.

/// An allowance that refills steadily; what is not used is kept for one second. Reads no clock.
#[derive(Debug, Clone)]
pub struct Allowance {
    per_second: u64,
    /// Thousandths; below zero after more at once than a second allows.
    left: i128,
    at_ms: u64,
}

impl Allowance {
    /// A full one. `now_ms` is milliseconds since 1970.
    pub fn new(per_second: u64, now_ms: u64) -> Self {
        Self { per_second, left: i128::from(per_second) * 1_000, at_ms: now_ms }
    }

    /// Takes `count`, or says in how many milliseconds it may be tried again. More than a second's worth at once passes
    /// where nothing is owed, and is worked off afterwards: a unit of work cannot be divided.
    pub fn take(&mut self, now_ms: u64, count: u64) -> Result<(), u64> {
        let full = i128::from(self.per_second) * 1_000;
        // A clock that is put back gives nothing, and takes nothing away.
        let passed = now_ms.saturating_sub(self.at_ms);
        self.left = (self.left + i128::from(passed) * i128::from(self.per_second)).min(full);
        self.at_ms = now_ms;
        let wanted = i128::from(count) * 1_000;
        let missing = wanted.min(full) - self.left;
        if missing > 0 || (full == 0 && count > 0) {
            let wait = missing.max(0).checked_div(i128::from(self.per_second)).map_or(NEVER_MS, |ms| ms + 1);
            return Err(u64::try_from(wait).unwrap_or(u64::MAX));
        }
        self.left -= wanted;
        Ok(())
    }

    /// Gives back what was taken for something that did not happen.
    pub fn give_back(&mut self, count: u64) {
        self.left += i128::from(count) * 1_000;
    }
}

/// The wait of who may have nothing: long, but an operator may change that.
const NEVER_MS: i128 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_gives_what_it_allows_and_no_more() {
        let mut allowance = Allowance::new(10, 1_000);
        let mut passed = 0;
        for now_ms in 1_000..4_000 {
            passed += u64::from(allowance.take(now_ms, 1).is_ok());
        }
        assert_eq!(passed, 10 + 29, "ten at once, and one every 100 ms after that");
    }

    #[test]
    fn who_waits_as_told_is_let_through() {
        let mut allowance = Allowance::new(3, 0);
        for _ in 0..20 {
            let mut now_ms = 0;
            if let Err(wait) = allowance.take(now_ms, 1) {
                now_ms += wait;
                assert!((1..=1_000).contains(&wait));
                assert_eq!(allowance.take(now_ms, 1), Ok(()));
            }
        }
    }

    #[test]
    fn more_than_a_second_allows_passes_once_and_is_worked_off() {
        let mut allowance = Allowance::new(10, 0);
        assert_eq!(allowance.take(0, 25), Ok(()));
        assert_eq!(allowance.take(1_000, 1), Err(601));
        assert_eq!(allowance.take(1_601, 1), Ok(()));
    }

    #[test]
    fn a_clock_that_is_put_back_gives_nothing() {
        let mut allowance = Allowance::new(1, 10_000);
        assert_eq!(allowance.take(10_000, 1), Ok(()));
        assert!(allowance.take(5_000, 1).is_err());
        assert!(allowance.take(5_500, 1).is_err());
        assert_eq!(allowance.take(6_000, 1), Ok(()));
    }

    #[test]
    fn what_did_not_happen_costs_nothing_and_nothing_is_nothing() {
        let mut allowance = Allowance::new(1, 0);
        assert_eq!(allowance.take(0, 1), Ok(()));
        allowance.give_back(1);
        assert_eq!(allowance.take(0, 1), Ok(()));
        let mut none = Allowance::new(0, 0);
        assert_eq!((none.take(0, 0), none.take(9_000, 1)), (Ok(()), Err(60_000)));
    }
}
