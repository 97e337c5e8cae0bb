//! The flush floor: what one durable write costs on this disk, whatever the program.

use anyhow::Result;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const WRITES: usize = 400;

/// Microseconds of one 4 KiB append with fdatasync: minimum, median and 99th percentile.
pub(super) fn floor(folder: &Path) -> Result<[u128; 3]> {
    let path = folder.join("flush-floor");
    let mut file = std::fs::File::create(&path)?;
    let block = [0x5a_u8; 4096];
    let mut costs = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        costs.push(start.elapsed().as_micros());
    }
    std::fs::remove_file(&path)?;
    costs.sort_unstable();
    Ok([costs[0], costs[WRITES / 2], costs[WRITES * 99 / 100]])
}
