//! How long a test may go on asking. It is counted and not timed, so that the same test ends at the same question
//! everywhere.

use super::misuse::endless;
use daemon_frame::AppError;

/// Questions in a row that find the clock and everything stored as they were.
const IDLE_MAX: u32 = 10_000;
/// Questions of one test.
const ALL_MAX: u32 = 100_000;
/// Questions that a test which was told so may still ask; then its worker is ended.
const DEAF_MAX: u32 = 100;

/// Where the clock stands and how far the store has come; none while nothing is served.
type State = Option<(u64, u64)>;

/// What a test has asked so far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    state: State,
    idle: u32,
    all: u32,
    deaf: u32,
}

impl Patience {
    /// Another question, and what it found. Refused where there were too many.
    pub(super) fn asked(&mut self, what: &str, found: State) -> Result<(), AppError> {
        self.idle = if self.state == found { self.idle + 1 } else { 0 };
        self.state = found;
        self.all += 1;
        let why = if self.idle >= IDLE_MAX {
            format!(
                "{IDLE_MAX} questions in a row, the last of them app.{what}, found the clock and everything stored as they \
                 were: what is waited for does not come; app.advance lets time go by"
            )
        } else if self.all >= ALL_MAX {
            format!("{ALL_MAX} questions, the last of them app.{what}, are as many as one test may ask")
        } else {
            return Ok(());
        };
        self.deaf += 1;
        Err(endless(&why))
    }

    /// Whether it goes on asking all the same.
    pub(super) fn is_gone(&self) -> bool {
        self.deaf > DEAF_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_whose_clock_goes_on_ends_too() {
        let mut patience = Patience::default();
        let refused = (1..).find_map(|at| Some((at, patience.asked("advance", Some((u64::from(at), 0))).err()?)));
        let (at, error) = refused.expect("it is refused");
        assert_eq!((at, error.code.as_str()), (ALL_MAX, "TEST_ENDLESS"));
        assert!(error.message.contains("app.advance") && !patience.is_gone(), "{error:?}");
        for _ in 0..DEAF_MAX {
            assert!(patience.asked("advance", None).is_err());
        }
        assert!(patience.is_gone());
    }

    #[test]
    fn what_moves_is_no_idling() {
        let mut patience = Patience::default();
        for at in 0..ALL_MAX - 1 {
            let moved = u64::from(at / (IDLE_MAX - 1));
            assert_eq!(patience.asked("call", Some((0, moved))), Ok(()), "{at}");
        }
    }
}
