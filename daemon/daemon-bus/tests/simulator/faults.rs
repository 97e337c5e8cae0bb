//! What goes wrong in a world: a part of it all, of each seed another.

use crate::dice::Dice;

/// Which faults this seed has.
#[expect(clippy::struct_excessive_bools, reason = "each fault is on or off by itself")]
pub(crate) struct Faults {
    pub(crate) flaky: bool,
    pub(crate) poison: bool,
    pub(crate) slow: bool,
    pub(crate) crash: bool,
    pub(crate) undo: bool,
    pub(crate) kill: bool,
    pub(crate) uncounted: bool,
    pub(crate) fatal: bool,
    pub(crate) delay: bool,
    pub(crate) repeat: bool,
    pub(crate) redeliver: bool,
    pub(crate) expiry: bool,
    pub(crate) clock: bool,
}

impl Faults {
    /// Those of a seed.
    pub(crate) fn of(dice: &mut Dice) -> Self {
        let mut coin = || dice.percent(40);
        Self {
            flaky: coin(),
            poison: coin(),
            slow: coin(),
            crash: coin(),
            undo: coin(),
            kill: coin(),
            uncounted: coin(),
            fatal: coin(),
            delay: coin(),
            repeat: coin(),
            redeliver: coin(),
            expiry: coin(),
            clock: coin(),
        }
    }
}
