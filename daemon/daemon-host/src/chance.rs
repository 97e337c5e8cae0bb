//! The host's one source of chance: ids, seeds and the jitter of retries. In a rehearsal it repeats itself.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether this process rehearses, so that who serves takes no lock.
static REPEATS: AtomicBool = AtomicBool::new(false);

/// The numbers of a rehearsal; none where they come from the system.
static REPEATED: Mutex<Option<SmallRng>> = Mutex::new(None);

/// Sixteen bytes.
pub(crate) fn bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut repeated = REPEATS.load(Ordering::Relaxed).then(|| REPEATED.lock().unwrap_or_else(PoisonError::into_inner));
    match repeated.as_deref_mut() {
        Some(Some(repeated)) => repeated.fill_bytes(&mut bytes),
        _ => rand::rng().fill_bytes(&mut bytes),
    }
    bytes
}

/// A number for an id.
pub(crate) fn number() -> u128 {
    u128::from_le_bytes(bytes())
}

/// From now on the numbers are those of this seed.
pub(crate) fn repeat(seed: u64) {
    *REPEATED.lock().unwrap_or_else(PoisonError::into_inner) = Some(SmallRng::seed_from_u64(seed));
    REPEATS.store(true, Ordering::Relaxed);
}
