//! Gives the checker suites that are changed at random, until the time is over.
//!
//!     cargo run --release -p tests --bin fuzz [-- --seconds N] [--seed N] [--case N]
//!
//! `--case N` makes one case again: it is written to `target/fuzz/N` and judged. Without `--seed` each run begins
//! elsewhere. Exits with 1 where something does not hold.

use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::fuzz::{Case, Corpus, Outcome, Plan, run};

const FAULTS_SHOWN_MAX: usize = 20;

struct Arguments {
    plan: Plan,
    case: Option<u64>,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| fuzz(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print(&format!("fuzz: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).context("a clock after 1970")?;
    let plan = Plan { seed: clock.as_secs(), time: Duration::from_mins(1), cases: u64::MAX };
    let mut out = Arguments { plan, case: None };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|text| text.parse::<u64>().ok()).context("a number after the flag")?;
        match flag.as_str() {
            "--seconds" => out.plan.time = Duration::from_secs(number),
            "--seed" => out.plan.seed = number,
            "--case" => out.case = Some(number),
            _ => bail!("usage: fuzz [--seconds N] [--seed N] [--case N]"),
        }
    }
    Ok(out)
}

fn fuzz(arguments: &Arguments) -> Result<bool> {
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::read()));
    let plan = arguments.plan;
    if let Some(number) = arguments.case {
        return again(corpus, plan.seed, number);
    }
    // Said first: an exhausted stack ends the process, and then this is all there is to go by.
    print(&format!("seed {}, {} suites, {} s", plan.seed, corpus.suites.len(), plan.time.as_secs()));
    let Outcome { cases, faults } = run::run(corpus, plan);
    for fault in faults.iter().take(FAULTS_SHOWN_MAX) {
        print(&format!("case {}: {}", fault.number, fault.why));
        print(&format!("    make it again with --seed {} --case {}", plan.seed, fault.number));
    }
    print(&format!("{cases} cases, {} wrong", faults.len()));
    Ok(faults.is_empty())
}

fn again(corpus: &Corpus, seed: u64, number: u64) -> Result<bool> {
    let case = Case::make(corpus, seed, number);
    let folder = PathBuf::from("target/fuzz").join(number.to_string());
    for (path, text) in &case.texts.0 {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().context("a folder")?)?;
        std::fs::write(file, text)?;
    }
    print(&format!("{} -> {}, changed {:?}", corpus.suites[case.suite].0, folder.display(), case.what));
    let held = run::one(corpus, seed, number);
    print(held.as_ref().map_or_else(String::as_str, |()| "holds"));
    Ok(held.is_ok())
}

fn print(text: &str) {
    // A closed pipe ends the printing, not the run.
    drop(writeln!(std::io::stdout(), "{text}"));
}
