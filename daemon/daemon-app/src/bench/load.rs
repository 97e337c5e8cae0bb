//! A closed loop of connections that each send one request after another, and what it measured.

use super::client::Connection;
use anyhow::{Result, ensure};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// One request: method, path, extra header lines, body, and the statuses that count as success.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: &'static str,
    pub(super) body: String,
    pub(super) good: &'static [u16],
}

/// What one round measured.
pub(super) struct Round {
    pub(super) count: u64,
    pub(super) seconds: f64,
    /// Sorted, microseconds.
    pub(super) latencies: Vec<u32>,
}

impl Round {
    pub(super) fn per_second(&self) -> f64 {
        count_f64(self.count) / self.seconds
    }

    /// Latency in milliseconds at a share between 0 and 1.
    pub(super) fn quantile_ms(&self, share: f64) -> f64 {
        let Some(last) = self.latencies.len().checked_sub(1) else { return 0.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of an index stays an index"
        )]
        let at = (count_f64(last as u64) * share).round() as usize;
        f64::from(self.latencies[at.min(last)]) / 1_000.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn count_f64(count: u64) -> f64 {
    count as f64
}

/// Runs `connections` loops for `length`. `make` gets the connection's number and a counter of its own.
pub(super) async fn run(
    address: SocketAddr,
    token: &str,
    connections: u64,
    length: Duration,
    make: impl Fn(u64, u64) -> Request + Clone + Send + 'static,
) -> Result<Round> {
    let start = Instant::now();
    let mut loops = Vec::new();
    for number in 0..connections {
        let mut connection = Connection::open(address, token).await?;
        let make = make.clone();
        loops.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            let mut counter = 0;
            while start.elapsed() < length {
                let request = make(number, counter);
                counter += 1;
                let sent = Instant::now();
                let answer = connection.send(request.method, &request.path, request.headers, &request.body).await?;
                ensure!(
                    request.good.contains(&answer.status),
                    "{} {} answered {}: {}",
                    request.method,
                    request.path,
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
                latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            anyhow::Ok(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for one in loops {
        latencies.extend(one.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Round { count: latencies.len() as u64, seconds, latencies })
}
