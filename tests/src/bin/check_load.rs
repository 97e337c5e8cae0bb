//! Writes a suite as large as the checker must bear and prints how long it takes and how right it is.
//!
//!     cargo run --release -p tests --bin check-load [-- --plugins N] [--rounds N] [--threads N] [--out DIR] [--facts-only yes]
//!         [--watch SAVES] [--peer AST_GREP] [--program TRUNKLINE]
//!
//! With `--watch`, files of the suite are saved one after another, as under `trunkline watch`, and each check afterwards
//! is timed. With `--peer`, a literal search by ast-grep over the same suite takes turns with the check.
//! With `--program`, so does `TRUNKLINE check`: the program that users run, with its own allocator, its start and its end.
//! Exits with 1 where the checker missed or invented anything.

use anyhow::{Context as _, Result, bail};
use checker_cli::{Options, check, load_suite_with};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::load::{Score, Spread, Truth, peer, saves, write};

/// How many of the wrong deeds are shown.
const SHOWN_MAX: usize = 10;

struct Arguments {
    plugins: usize,
    rounds: usize,
    threads: Option<usize>,
    out: Option<PathBuf>,
    /// Whether the rules are left out, to look at the reading alone.
    facts_only: bool,
    /// How many saves are checked under watch.
    watch: usize,
    /// The program ast-grep.
    peer: Option<PathBuf>,
    /// The program whose `check` is timed as a whole.
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print(&format!("check-load: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments> {
    let mut out = Arguments {
        plugins: 500,
        rounds: 5,
        threads: None,
        out: None,
        facts_only: false,
        watch: 0,
        peer: None,
        program: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().context("a value after the flag")?;
        match flag.as_str() {
            "--plugins" => out.plugins = value.parse()?,
            "--rounds" => out.rounds = value.parse()?,
            "--threads" => out.threads = Some(value.parse()?),
            "--out" => out.out = Some(PathBuf::from(value)),
            "--facts-only" => out.facts_only = value == "yes",
            "--watch" => out.watch = value.parse()?,
            "--peer" => out.peer = Some(PathBuf::from(value)),
            "--program" => out.program = Some(PathBuf::from(value)),
            _ => bail!(
                "usage: check-load [--plugins N] [--rounds N] [--threads N] [--out DIR] [--facts-only yes] [--watch SAVES] [--peer AST_GREP] [--program TRUNKLINE]"
            ),
        }
    }
    Ok(out)
}

fn run(arguments: &Arguments) -> Result<bool> {
    let scratch = tempfile::tempdir()?;
    let folder = arguments.out.as_deref().unwrap_or_else(|| scratch.path());
    let (sized, truth) = write(folder, arguments.plugins)?;
    print(&format!(
        "{} plugins, {} modules, {} lines, {} bytes",
        arguments.plugins, sized.files, sized.lines, sized.bytes
    ));
    let is_right = measure(arguments, folder, &truth)?;
    if arguments.watch > 0 {
        let (spread, differing) = saves::measure(folder, arguments.watch)?;
        print(&format!(
            "save: {}; {differing} of {} checks were not those of a fresh look",
            spread.shown(),
            arguments.watch
        ));
        return Ok(is_right && differing == 0);
    }
    Ok(is_right)
}

/// One round after the other, this program and the peer in turns.
fn measure(arguments: &Arguments, folder: &Path, truth: &Truth) -> Result<bool> {
    let (mut whole, mut reading, mut peers, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut programs = Vec::new();
    let (mut score, mut findings) = (Score::default(), 0);
    for _ in 0..arguments.rounds.max(1) {
        let start = Instant::now();
        let suite = load_suite_with(folder, arguments.threads)?;
        reading.push(start.elapsed());
        let judged = (!arguments.facts_only).then(|| check(&suite, &Options::on(tests::mutation::texts::TODAY)));
        let took = start.elapsed();
        whole.push(took);
        findings = judged.map_or(0, |report| report.findings.len());
        score = Score::of(suite.plugins.iter(), truth);
        if let Some(program) = &arguments.program {
            programs.push(peer::check(program, folder, arguments.threads)?);
        }
        if let Some(program) = &arguments.peer {
            let (time, matches) = peer::search(program, folder)?;
            anyhow::ensure!(matches > 0, "`{}` found no call; is it ast-grep?", program.display());
            ratios.push(took.as_secs_f64() / time.as_secs_f64());
            peers.push(time);
        }
    }
    let reading = Spread::of(reading).median;
    print(&format!("check: {} (reading and facts {}); {findings} findings", Spread::of(whole).shown(), shown(reading)));
    if !programs.is_empty() {
        print(&format!("the program, from start to end: {}", Spread::of(programs).shown()));
    }
    if !peers.is_empty() {
        ratios.sort_unstable_by(f64::total_cmp);
        let (median, least, most) = (ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1]);
        print(&format!("ast-grep, literals: {}", Spread::of(peers).shown()));
        print(&format!("check to ast-grep: median {median:.2}, least {least:.2}, most {most:.2}"));
    }
    Ok(judge(&score, truth))
}

/// Prints what is right and wrong, and whether all is right.
fn judge(score: &Score, truth: &Truth) -> bool {
    print(&format!(
        "topics: {} true, {} found, precision {:.4}, recall {:.4}; calls nobody can know: {}, listed {}",
        truth.deeds.len(),
        score.found,
        score.precision(),
        score.recall(),
        truth.open,
        score.open
    ));
    for (what, deeds) in [("missed", &score.missed), ("invented", &score.invented)] {
        for (slug, verb, topic) in deeds.iter().take(SHOWN_MAX) {
            print(&format!("{what}: {slug} {verb} {topic}"));
        }
    }
    score.missed.is_empty() && score.invented.is_empty() && score.open == truth.open
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn print(text: &str) {
    // A closed pipe ends the printing, not the run.
    drop(writeln!(std::io::stdout(), "{text}"));
}
