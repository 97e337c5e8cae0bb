//! `trunkline bench`: this program beside its peers, on the same work, alternating, on this machine.
//!
//! Nothing here links the daemon: it is measured from outside, as a child process of the same binary, with the same
//! client as the peers. Reading order: `cases` says what is compared, `contest` how two sides alternate, `row` and
//! `table` what comes out. `request` is one unit of work, `side` something that can be started, asked, killed and
//! started again; `ours` and `peers` are the sides, `load` the loop, `floor` what the disk costs.

mod book;
mod cases;
mod contest;
mod floor;
mod http;
mod line;
mod lines;
mod load;
mod native;
mod nats;
mod ours;
mod peers;
mod program;
mod redis;
mod request;
mod row;
mod side;
mod sql;
mod table;

use anyhow::{Context, Result, ensure};
use book::Book;
use cases::{backlog, boot, deliver, invoke, journals, publish, verbs};
use clap::ValueEnum;
use contest::{Contest, Plan};
use floor::{Floor, MOST_APART};
use peers::Places;
use row::{Row, Verdict};
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Arguments of `trunkline bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Rounds of each side; the median is quoted with minimum and maximum.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a round in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Folder that `tests/peers/install` filled; PATH is looked at, too.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Only these rows, such as P1,P9.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How the table is printed.
    #[arg(long, value_enum, default_value_t = Out::Md)]
    out: Out,
    /// Suite with the plugin `gl`, for the journals and the boot.
    #[arg(long, default_value = "ledger-example")]
    suite: PathBuf,
    /// Folder with accounts.json and journals.jsonl of a book to post; a made one otherwise.
    #[arg(long)]
    book: Option<PathBuf>,
    /// Connections of the verbs, of the records and of the invocations.
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// Events that wait in P12.
    #[arg(long, default_value_t = 1_000_000)]
    backlog: u64,
    /// Folder for the data; its disk is what is measured.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Out {
    /// A table of Markdown, each row as soon as it is known.
    Md,
    /// One JSON document at the end.
    Json,
}

/// For a server that recovers after a crash.
const PATIENCE: Duration = Duration::from_secs(15);

const ROWS: [&str; 12] = ["P1", "P2", "P3", "P4", "P5", "P6", "P6b", "P7", "P8", "P9", "P11", "P12"];

/// Runs the rows and prints them. An error if a row does not count.
pub fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<()> {
    for row in &args.only {
        ensure!(ROWS.contains(&row.as_str()), "--only {row}: the rows are {}", ROWS.join(", "));
    }
    ensure!(args.rounds > 0 && args.connections > 0, "--rounds and --connections want at least 1");
    let length = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let scratch = scratch(args.folder.as_deref())?;
    let plan = Plan { rounds: args.rounds, length, patience: PATIENCE, folder: scratch.path().to_path_buf() };
    let before = Floor::measure(&plan.folder)?;
    if args.out == Out::Md {
        writeln!(
            out,
            "Flush floor before: 4 KiB append + fdatasync {before} (min / median / p99)\n\n{}",
            table::head().trim_end()
        )?;
    }
    let rows = measure(args, &plan, out)?;
    let after = Floor::measure(&plan.folder)?;
    match args.out {
        Out::Md => writeln!(out, "\nFlush floor after: {after}")?,
        Out::Json => writeln!(out, "{:#}", table::json(&before, &after, &rows))?,
    }
    judge(&before, &after, &rows)
}

/// A database that refuses to run as root must be able to reach its folder in there.
fn scratch(folder: Option<&Path>) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("trunkline-bench-").permissions(Permissions::from_mode(0o711));
    match folder {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    }
    .context("make a folder for the data")
}

fn measure(args: &BenchArgs, plan: &Plan, out: &mut dyn Write) -> Result<Vec<Row>> {
    let places = Places::new(args.peers.as_deref())?;
    let verbs = plan.folder.join("suite");
    ours::write_suite(&verbs)?;
    let book = args.book.as_deref().map_or_else(|| Ok(Book::made()), Book::read)?;
    let wants = |row: &str| args.only.is_empty() || args.only.iter().any(|only| only == row);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ledger = plan.folder.join("ledger");
    if wants("P9") {
        ours::write_ledger(&args.suite, &ledger)?;
    }
    let [beside_nats, beside_redis] = publish::contests(&places, &verbs);
    let contests = [
        verbs::with_pocketbase(&places, &verbs, args.connections),
        verbs::with_fastify(&places, &verbs, args.connections),
        verbs::with_postgres(&places, &verbs, args.connections),
        beside_nats,
        beside_redis,
        invoke::with_restate(&places, &verbs, args.connections),
        journals::with_postgres(&places, &ledger, book),
    ];
    let mut rows = Vec::new();
    for mut contest in contests {
        contest.cases.retain(|case| wants(case.id));
        if !contest.cases.is_empty() {
            rows.extend(tell(args.out, out, run_one(&runtime, &contest, plan)?)?);
        }
    }
    rows.extend(tell(args.out, out, runtime.block_on(publish::native(&places, plan, wants))?)?);
    if wants("P7") {
        let row = runtime.block_on(deliver::beside_nats(&places, plan)).context("the row P7")?;
        rows.extend(tell(args.out, out, vec![row])?);
    }
    if wants("P12") {
        rows.extend(tell(args.out, out, backlog::beside_itself(plan, args.backlog)?)?);
    }
    if wants("P11") {
        rows.extend(tell(args.out, out, boot::beside_pocketbase(&places, &args.suite, plan)?)?);
    }
    Ok(rows)
}

fn run_one(runtime: &tokio::runtime::Runtime, contest: &Contest, plan: &Plan) -> Result<Vec<Row>> {
    runtime.block_on(contest.run(plan)).with_context(|| format!("the rows beside {}", contest.name))
}

fn tell(how: Out, out: &mut dyn Write, rows: Vec<Row>) -> Result<Vec<Row>> {
    if how == Out::Md {
        for row in &rows {
            write!(out, "{}", table::body(row))?;
        }
        out.flush()?;
    }
    Ok(rows)
}

fn judge(before: &Floor, after: &Floor, rows: &[Row]) -> Result<()> {
    let apart = before.apart(after);
    ensure!(
        apart <= MOST_APART,
        "the run is thrown away: its flush floors differ {apart:.1}-fold, {MOST_APART} at most say anything; run it again on a quiet machine"
    );
    let bad = rows.iter().filter(|row| row.verdict != Verdict::Counts).count();
    ensure!(bad == 0, "{bad} of {} rows do not count; the table says why", rows.len());
    Ok(())
}
