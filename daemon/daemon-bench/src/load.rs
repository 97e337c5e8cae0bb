//! A closed loop of connections that each send one request after another, and what it measured.

use crate::request::{Connection, Request};
use anyhow::{Result, bail};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Makes the request of a number; numbers are handed out once each, from 0.
pub(crate) type Make = Arc<dyn Fn(u64) -> Request + Send + Sync>;

/// How the requests of a round are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) connections: u64,
    /// Requests under way on each connection.
    pub(crate) window: usize,
    /// To this program as the lines of one body a connection, which has these header lines; none where each is a request
    /// of its own.
    pub(crate) lines: Option<&'static str>,
    /// Whether each request is one acknowledged write that must be there at the end.
    pub(crate) writes: bool,
}

/// What one round measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Latency in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Runs a loop on each of these connections for `length`, with so many requests under way on each, and gives them back
/// in `open`. Every request that was sent has been answered rightly when this ends well.
pub(crate) async fn run(
    open: &mut Vec<Connection>,
    window: usize,
    make: &Make,
    numbers: &Arc<AtomicU64>,
    length: Duration,
) -> Result<Round> {
    let start = Instant::now();
    let one = |connection| {
        let load = Load { make: make.clone(), numbers: numbers.clone(), start, length };
        async move {
            if window > 1 { load.windowed(connection, window).await } else { load.one_after_another(connection).await }
        }
    };
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

/// What one connection is loaded with.
struct Load {
    make: Make,
    numbers: Arc<AtomicU64>,
    start: Instant,
    length: Duration,
}

impl Load {
    fn is_over(&self) -> bool {
        self.start.elapsed() >= self.length
    }

    fn next(&self) -> Request {
        (self.make)(self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    async fn one_after_another(self, mut connection: Connection) -> Result<(Connection, Vec<u32>)> {
        let mut latencies = Vec::new();
        while !self.is_over() {
            let request = self.next();
            let sent = Instant::now();
            connection.send(&request).await?;
            latencies.push(micros(sent));
        }
        Ok((connection, latencies))
    }

    /// As soon as answers have come, as many requests follow.
    async fn windowed(self, mut connection: Connection, window: usize) -> Result<(Connection, Vec<u32>)> {
        let (mut latencies, mut under_way) = (Vec::new(), VecDeque::with_capacity(window));
        loop {
            if !self.is_over() {
                let requests: Vec<_> = (under_way.len()..window).map(|_| self.next()).collect();
                let sent = Instant::now();
                connection.write(&requests).await?;
                under_way.extend(requests.into_iter().map(|request| (request, sent)));
            }
            let Some((request, sent)) = under_way.pop_front() else { return Ok((connection, latencies)) };
            connection.answer(&request).await?;
            latencies.push(micros(sent));
            while connection.has_answer() {
                let Some((request, sent)) = under_way.pop_front() else { bail!("more is answered than was asked") };
                connection.answer(&request).await?;
                latencies.push(micros(sent));
            }
        }
    }
}

fn micros(sent: Instant) -> u32 {
    u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX)
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
