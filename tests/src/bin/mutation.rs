//! Seeds faults and harmless rewrites into three sound suites and prints what the checker made of them.
//!
//!     cargo run --release -p tests --bin mutation [-- --sites N] [--pairs N] [--seed N] [--surprises] [--out md]
//!
//! `--out md` writes the page of the book. Exits with 1 where a goal is missed.

use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::process::ExitCode;
use tests::binary::workspace;
use tests::mutation::run::{self, Amount, Outcome};
use tests::mutation::texts::TODAY;
use tests::mutation::{Base, table};

const PAGE: &str = "docs/src/reliability/mutation.md";
const FOUND_PERCENT_MIN: f64 = 98.0;

struct Arguments {
    amount: Amount,
    surprises: bool,
    page: bool,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print(&format!("mutation: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments> {
    let mut out =
        Arguments { amount: Amount { sites: usize::MAX, pairs: 1000, seed: 1 }, surprises: false, page: false };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok()).context("a number after the flag");
        match flag.as_str() {
            "--sites" => out.amount.sites = usize::try_from(number()?)?,
            "--pairs" => out.amount.pairs = usize::try_from(number()?)?,
            "--seed" => out.amount.seed = number()?,
            "--surprises" => out.surprises = true,
            "--out" if args.next().as_deref() == Some("md") => out.page = true,
            _ => bail!("usage: mutation [--sites N] [--pairs N] [--seed N] [--surprises] [--out md]"),
        }
    }
    Ok(out)
}

fn run(arguments: &Arguments) -> Result<bool> {
    let bases = Base::all();
    let outcome = run::all(&bases, arguments.amount);
    let tables = table::render(&bases, &outcome);
    if arguments.page {
        let head = format!(
            "# Seeded faults\n\nWhat the checker says when a sound suite is broken in one place, and when it is only rewritten. \
             The suites are the ledger suite and the two of `tests/suites`; what their code does on the bus was written down by hand. \
             Judged as of {TODAY}, by\n\n    {}\n\n",
            std::iter::once("cargo run --release -p tests --bin mutation --".to_owned())
                .chain(std::env::args().skip(1))
                .collect::<Vec<_>>()
                .join(" ")
        );
        std::fs::write(workspace().join(PAGE), head + &tables).context("write the page")?;
    }
    print(&tables);
    if arguments.surprises {
        let remarks = bases.iter().flat_map(|base| base.score().remarks);
        remarks.chain(table::surprises(&outcome)).for_each(|line| print(&line));
    }
    Ok(holds(&bases, &outcome))
}

fn holds(bases: &[Base], outcome: &Outcome) -> bool {
    let applied: usize = outcome.faulty.iter().map(|row| row.judged.len()).sum();
    let found: usize = outcome.faulty.iter().map(run::Row::found).sum();
    let errors: usize = outcome.equivalent.iter().map(|row| row.count(|one| one.errors > 0)).sum();
    let exact = bases.iter().all(|base| base.score().f1() >= 0.99);
    exact && errors == 0 && table::percent(found, applied) >= FOUND_PERCENT_MIN
}

fn print(text: &str) {
    // A closed pipe ends the printing, not the run.
    drop(writeln!(std::io::stdout(), "{text}"));
}
