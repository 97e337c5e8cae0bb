//! `trunkline bench`: first figures of this machine, printed beside the flush floor.
//!
//! Every case is a closed loop over HTTP against a daemon of its own process, several rounds; the table
//! gives the median round with the slowest and fastest. After the durable cases the daemon is killed and
//! started again, and what was acknowledged must be there, or the run does not count.

mod client;
mod daemon;
mod flush;
mod load;

use anyhow::{Context, Result, ensure};
use client::Connection;
use daemon::Daemon;
use load::{Request, Round};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Arguments of `trunkline bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Suite with the plugin `gl`, for the journal cases.
    #[arg(long, default_value = "ledger-example")]
    suite: PathBuf,
    /// Rounds of each case; the median is quoted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a round in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections of the verb cases.
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// Only cases whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Folder for the data; its disk is what is measured.
    #[arg(long)]
    folder: Option<PathBuf>,
}

const SUITE: [(&str, &str); 4] = [
    ("bench/plugin.yaml", include_str!("suite/bench/plugin.yaml")),
    ("bench/schema.json", include_str!("suite/bench/schema.json")),
    ("bench/contracts/bench.item.added.json", include_str!("suite/bench/contracts/bench.item.added.json")),
    ("bench/src/main.js", include_str!("suite/bench/src/main.js")),
];

/// Runs all cases and prints the table.
pub(crate) fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<()> {
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
    .context("make a folder for the data")?;
    print_floor(out, "before", folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        writeln!(
            out,
            "{:<34} {:>5} {:>28} {:>9} {:>9}",
            "case", "conns", "per second (slowest-fastest)", "p50 ms", "p99 ms"
        )?;
        verbs(args, folder.path(), out).await?;
        journals(args, folder.path(), out).await
    })?;
    print_floor(out, "after", folder.path())
}

fn print_floor(out: &mut dyn Write, when: &str, folder: &Path) -> Result<()> {
    let [least, median, p99] = flush::floor(folder)?;
    writeln!(out, "flush floor {when}: 4 KiB append + fdatasync {least} / {median} / {p99} us (min / median / p99)")?;
    Ok(())
}

struct Bench<'a> {
    args: &'a BenchArgs,
    out: &'a mut dyn Write,
}

impl Bench<'_> {
    fn wants(&self, name: &str) -> bool {
        self.args.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    async fn case(
        &mut self,
        name: &str,
        daemon: &Daemon,
        connections: u64,
        make: impl Fn(u64, u64) -> Request + Clone + Send + 'static,
    ) -> Result<u64> {
        if !self.wants(name) {
            return Ok(0);
        }
        let length = Duration::from_secs_f64(self.args.seconds);
        let warm = load::run(daemon.address, &daemon.token, connections, length / 4, make.clone()).await?;
        let mut rounds: Vec<Round> = Vec::new();
        for _ in 0..self.args.rounds.max(1) {
            rounds.push(load::run(daemon.address, &daemon.token, connections, length, make.clone()).await?);
        }
        rounds.sort_by(|a, b| a.per_second().total_cmp(&b.per_second()));
        let median = &rounds[rounds.len() / 2];
        let range = format!(
            "{:.0} ({:.0}-{:.0})",
            median.per_second(),
            rounds[0].per_second(),
            rounds[rounds.len() - 1].per_second()
        );
        let (p50, p99) = (median.quantile_ms(0.5), median.quantile_ms(0.99));
        writeln!(self.out, "{name:<34} {connections:>5} {range:>28} {p50:>9.2} {p99:>9.2}")?;
        Ok(warm.count + rounds.iter().map(|round| round.count).sum::<u64>())
    }
}

async fn verbs(args: &BenchArgs, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let suite = folder.join("suite");
    for (path, text) in SUITE {
        let path = suite.join(path);
        std::fs::create_dir_all(path.parent().context("a parent")?)?;
        std::fs::write(path, text)?;
    }
    let home = folder.join("verbs");
    std::fs::create_dir_all(&home)?;
    let daemon = Daemon::start(&suite, &home)?;
    writeln!(
        out,
        "boot to ready: {} ms; resident after boot: {} MiB",
        daemon.ready_after.as_millis(),
        daemon.resident_mib()?
    )?;
    let mut bench = Bench { args, out };
    let get = |path: String| Request { method: "GET", path, headers: "", body: String::new(), good: &[200] };
    bench.case("verb: constant", &daemon, args.connections, move |_, _| get("/api/bench/constant".to_owned())).await?;

    let mut one = Connection::open(daemon.address, &daemon.token).await?;
    let added = one.send("POST", "/api/bench/items", "", &item(0, 0)).await?;
    ensure!(added.status == 201, "the first item was refused: {}", String::from_utf8_lossy(&added.body));
    let id: Value = serde_json::from_slice(&added.body)?;
    let path = format!("/api/bench/items/{}", id.pointer("/data/id").and_then(Value::as_str).context("an id")?);
    bench.case("verb: one read", &daemon, args.connections, move |_, _| get(path.clone())).await?;

    let insert = |connection: u64, counter: u64| Request {
        method: "POST",
        path: "/api/bench/items".to_owned(),
        headers: "",
        body: item(connection, counter),
        good: &[201],
    };
    let mut acknowledged = 1;
    acknowledged += bench.case("verb: record + event, durable", &daemon, args.connections, insert).await?;
    acknowledged += bench.case("verb: record + event, durable, 1", &daemon, 1, insert).await?;
    daemon.kill()?;
    let again = Daemon::start(&suite, &home)?;
    let count = fetch(&again, "/api/bench/count").await?;
    let stored = count.pointer("/data/count").and_then(Value::as_u64).context("a count")?;
    ensure!(stored == acknowledged, "{acknowledged} inserts were acknowledged, {stored} are there after a kill");
    writeln!(
        out,
        "after SIGKILL and restart ({} ms): all {stored} acknowledged records are there",
        again.ready_after.as_millis()
    )?;
    Ok(())
}

fn item(connection: u64, counter: u64) -> String {
    json!({"title": format!("item {connection}-{counter}"), "amount": counter, "note": "x".repeat(120)}).to_string()
}

async fn fetch(daemon: &Daemon, path: &str) -> Result<Value> {
    let mut connection = Connection::open(daemon.address, &daemon.token).await?;
    let answer = connection.send("GET", path, "", "").await?;
    ensure!(answer.status == 200, "GET {path} answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Accounts of the journal cases; the first is in every journal, as a bank account is.
const ACCOUNTS: u64 = 50;

async fn journals(args: &BenchArgs, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let home = folder.join("journals");
    std::fs::create_dir_all(&home)?;
    let daemon = Daemon::start(&args.suite, &home)?;
    writeln!(
        out,
        "boot to ready: {} ms; resident after boot: {} MiB",
        daemon.ready_after.as_millis(),
        daemon.resident_mib()?
    )?;
    open_books(&daemon).await?;
    let mut bench = Bench { args, out };
    let number = Arc::new(AtomicU64::new(0));
    let mut acknowledged = 0;
    for publishers in [1, 4, 16] {
        let number = number.clone();
        let name = format!("journal: request to reply, {publishers}");
        acknowledged +=
            bench.case(&name, &daemon, publishers, move |_, _| journal(number.fetch_add(1, Ordering::Relaxed))).await?;
    }
    daemon.kill()?;
    let again = Daemon::start(&args.suite, &home)?;
    let chain = fetch(&again, "/api/gl/chain/verify?entity=BENCH").await?;
    let length = chain.pointer("/data/length").and_then(Value::as_u64).context("a chain length")?;
    let sound = chain.pointer("/data/ok") == Some(&Value::Bool(true));
    ensure!(sound && length == acknowledged, "{acknowledged} journals were acknowledged; after a kill: {chain}");
    writeln!(
        out,
        "after SIGKILL and restart ({} ms): all {length} journals are there, chain sound",
        again.ready_after.as_millis()
    )?;
    Ok(())
}

async fn open_books(daemon: &Daemon) -> Result<()> {
    let accounts: Vec<Value> = (0..ACCOUNTS)
        .map(|n| json!({"code": format!("A{n:03}"), "name": format!("Account {n}"), "type": "asset", "normalSide": "debit", "postable": true}))
        .collect();
    let calls = [
        (
            "/api/gl/entities",
            json!({"entity": "BENCH", "name": "Bench", "functionalCurrency": "USD", "currencies": [{"code": "USD", "scale": 2}]}),
        ),
        ("/api/gl/accounts/import", json!({"entity": "BENCH", "accounts": accounts})),
        ("/api/gl/periods/open", json!({"entity": "BENCH", "from": "2026-01", "to": "2026-12"})),
    ];
    let mut connection = Connection::open(daemon.address, &daemon.token).await?;
    for (path, body) in calls {
        let answer = connection.send("POST", path, "", &body.to_string()).await?;
        ensure!(
            (200..300).contains(&answer.status),
            "POST {path} answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(())
}

/// A journal of three lines; the first account is the hot one.
fn journal(number: u64) -> Request {
    let account = |offset: u64| format!("A{:03}", 1 + (number * 7 + offset) % (ACCOUNTS - 1));
    let line = |line: u64, account: String, debit: u64, credit: u64| json!({"line": line, "account": account, "currency": "USD", "scale": 2, "debit": debit, "credit": credit});
    let (net, tax) = (1_000 + number % 9_000, 1 + number % 200);
    let payload = json!({
        "idempotencyKey": format!("BENCH/gl/manual/{number}/post"),
        "entity": "BENCH",
        "date": format!("2026-{:02}-{:02}", 1 + number % 12, 1 + number % 28),
        "memo": "bench",
        "source": {"plugin": "gl", "docType": "manual", "docId": format!("{number}")},
        "lines": [line(1, account(0), net, 0), line(2, account(11), tax, 0), line(3, "A000".to_owned(), 0, net + tax)],
    });
    let event = json!({
        "specversion": "1.0", "id": format!("bench-{number}"), "source": "/bench", "type": "gl.journal.post.request",
        "datacontenttype": "application/json", "data": payload,
    });
    Request {
        method: "POST",
        path: "/api/events".to_owned(),
        headers: "prefer: wait=20\r\n",
        body: event.to_string(),
        good: &[200],
    }
}
