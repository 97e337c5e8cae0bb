//! A closed loop of connections that each send one request after another, and what it measured.

use crate::request::{Connection, Request};
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Makes the request of a number; numbers are handed out once each, from 0.
pub(crate) type Make = Arc<dyn Fn(u64) -> Request + Send + Sync>;

/// What one round measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Latency in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Runs a loop on each of these connections for `length`, and gives them back in `open`.
/// Every request that was sent has been answered rightly when this ends well.
pub(crate) async fn run(
    open: &mut Vec<Connection>,
    make: &Make,
    numbers: &Arc<AtomicU64>,
    length: Duration,
) -> Result<Round> {
    let start = Instant::now();
    let one = |connection| one_after_another(connection, make.clone(), numbers.clone(), start, length);
    let loops: Vec<_> = open.drain(..).map(|connection| tokio::spawn(one(connection))).collect();
    let mut latencies = Vec::new();
    for one in loops {
        let (connection, more) = one.await??;
        open.push(connection);
        latencies.extend(more);
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let per_second = f64::from(u32::try_from(latencies.len())?) / seconds;
    Ok(Round { per_second, p50: quantile(&latencies, 50), p99: quantile(&latencies, 99) })
}

async fn one_after_another(
    mut connection: Connection,
    make: Make,
    numbers: Arc<AtomicU64>,
    start: Instant,
    length: Duration,
) -> Result<(Connection, Vec<u32>)> {
    let mut latencies = Vec::new();
    while start.elapsed() < length {
        let request = make(numbers.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        connection.send(&request).await?;
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok((connection, latencies))
}

/// Milliseconds at a percentile of sorted microseconds.
fn quantile(sorted: &[u32], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * percent).div_ceil(100)).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let sorted: Vec<u32> = (1..=101).map(|n| n * 1_000).collect();
        assert!((quantile(&sorted, 50) - 51.0).abs() < f64::EPSILON);
        assert!((quantile(&sorted, 99) - 100.0).abs() < f64::EPSILON);
        assert!(quantile(&[], 50).abs() < f64::EPSILON);
    }
}
