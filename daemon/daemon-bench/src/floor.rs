//! The flush floor: what one durable write costs on this disk at this moment, whatever the program.

use anyhow::Result;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const WRITES: usize = 400;

/// Where two floors differ by more, what was measured between them says nothing.
pub(crate) const MOST_APART: f64 = 3.0;

/// Microseconds of one 4 KiB append with fdatasync.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floor {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) p99: f64,
}

impl Floor {
    /// Measures in `folder`.
    pub(crate) fn measure(folder: &Path) -> Result<Self> {
        let path = folder.join("flush-floor");
        let mut file = std::fs::File::create(&path)?;
        let block = [0x5a_u8; 4096];
        let mut costs = Vec::with_capacity(WRITES);
        for _ in 0..WRITES {
            let start = Instant::now();
            file.write_all(&block)?;
            file.sync_data()?;
            costs.push(start.elapsed().as_secs_f64() * 1e6);
        }
        std::fs::remove_file(&path)?;
        costs.sort_by(f64::total_cmp);
        Ok(Self { least: costs[0], median: costs[WRITES / 2], p99: costs[WRITES * 99 / 100] })
    }

    /// How many times the one median is the other, at least 1.
    pub(crate) fn apart(&self, other: &Self) -> f64 {
        (self.median / other.median).max(other.median / self.median)
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} / {:.0} / {:.0} us", self.least, self.median, self.p99)
    }
}

#[cfg(test)]
mod tests {
    use super::{Floor, MOST_APART};

    #[test]
    fn floors_are_apart_whichever_is_higher() {
        let floor = |median| Floor { least: 1.0, median, p99: 500.0 };
        assert!(floor(30.0).apart(&floor(120.0)) > MOST_APART);
        assert!(floor(120.0).apart(&floor(30.0)) > MOST_APART);
        assert!(floor(30.0).apart(&floor(80.0)) < MOST_APART);
    }
}
