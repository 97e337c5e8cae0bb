//! Random numbers and ids of a call, all made of the seed that the host gave: the same seed, the same numbers.

use contract_model::ids::{ulid, uuid};

/// A ULID has 80 bits beside its time, a UUID 74.
const UUID_LEAVES_OUT: u32 = 6;

/// The generator of one handler call (xoshiro256++). Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Entropy {
    state: [u64; 4],
    last_id: Option<u128>,
}

impl Entropy {
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        let half = |at: usize| seed[at..at + 8].iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
        let (first, second) = (half(0), half(8));
        let mut mix = Mix(first ^ second.rotate_left(32) ^ 0x5851_f42d_4c95_7f2d);
        let mut other = Mix(second);
        Self { state: [mix.next(), other.next(), mix.next(), other.next()], last_id: None }
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number from 0 up to but not including 1, for `Math.random`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A new id. Ids of one call sort in the order they were made, so records keep the order of their saving.
    pub(crate) fn id(&mut self, now_ms: u64) -> String {
        ulid(now_ms, self.rising())
    }

    /// A new UUID, which sorts in the order of making, too.
    pub(crate) fn uuid(&mut self, now_ms: u64) -> String {
        uuid(now_ms, self.rising() >> UUID_LEAVES_OUT)
    }

    /// A number of 80 bits above all before it, so far above that it is so without the bits that a UUID has no room for.
    fn rising(&mut self) -> u128 {
        let next = match self.last_id {
            None => (u128::from(self.bits()) << 15) | u128::from(self.bits() >> 49),
            Some(last) => last + (1 << UUID_LEAVES_OUT) + u128::from(self.bits() >> 32),
        };
        self.last_id = Some(next);
        next
    }
}

/// `SplitMix64`, which spreads a seed over the generator's state.
struct Mix(u64);

impl Mix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_call_are_distinct_ordered_and_repeatable() {
        let make = |seed| {
            let mut entropy = Entropy::new([seed; 16]);
            (0..1_000).map(|_| entropy.id(1_700_000_000_000)).collect::<Vec<_>>()
        };
        let ids = make(7);
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ids, make(7));
        assert_ne!(ids[0], make(8)[0]);
    }

    #[test]
    fn uuids_of_one_call_are_distinct_and_ordered() {
        let mut entropy = Entropy::new([7; 16]);
        let ids: Vec<_> = (0..100_000).map(|_| entropy.uuid(1_700_000_000_000)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn fractions_lie_between_zero_and_one() {
        let mut entropy = Entropy::new([1; 16]);
        let sum: f64 = (0..10_000).map(|_| entropy.fraction()).inspect(|x| assert!((0.0..1.0).contains(x))).sum();
        assert!((4_800.0..5_200.0).contains(&sum), "{sum}");
    }
}
