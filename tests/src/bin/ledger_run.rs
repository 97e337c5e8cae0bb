//! The whole run of the two example books and of the adversarial stream, against a daemon of its own.
//!
//!     cargo run --release -p tests --bin ledger-run -- --data <folder with BX42, CB7 and chaos.jsonl>
//!
//! Prints one line a step and exits with 1 if anything differs from what is expected.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tests::books::Book;
use tests::chaos::{self, Route};
use tests::{Client, Daemon, Start, binary};

const ENTITIES: [&str; 2] = ["BX42", "CB7"];
const PUBLISHERS: [usize; 3] = [1, 4, 16];
const DIFFERENCES_SHOWN: usize = 20;

fn main() -> ExitCode {
    match folder().and_then(|folder| run(&folder)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(differences) => {
            print(&format!("{differences} differences"));
            ExitCode::FAILURE
        }
        Err(error) => {
            print(&format!("ledger-run: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn folder() -> Result<PathBuf> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag, folder] if flag == "--data" => Ok(PathBuf::from(folder)),
        _ => bail!("usage: ledger-run --data <folder with BX42, CB7 and chaos.jsonl>"),
    }
}

fn run(folder: &Path) -> Result<usize> {
    let books = ENTITIES.into_iter().map(|entity| Book::read(folder, entity)).collect::<Result<Vec<_>>>()?;
    let messages = chaos::read(&folder.join("chaos.jsonl"))?;
    print(&format!("{:<44} {:>8} {:>8} {:>10} {:>6}", "step", "messages", "seconds", "a second", "wrong"));
    let mut wrong = import(&books)?;
    for route in [Route::Verb, Route::Event] {
        for publishers in PUBLISHERS {
            wrong += adversarial(&books, &messages, publishers, route)?;
        }
    }
    Ok(wrong)
}

fn import(books: &[Book]) -> Result<usize> {
    let daemon = start()?;
    let client = daemon.client();
    let mut wrong = 0;
    for book in books {
        book.prepare(&client)?;
        let begun = Instant::now();
        let posted = book.import(&client)?;
        let differences = book.differences(&client)?;
        line(&format!("import {}", book.entity), posted, begun, &differences);
        wrong += differences.len();
    }
    Ok(wrong)
}

fn adversarial(books: &[Book], messages: &[Value], publishers: usize, route: Route) -> Result<usize> {
    let daemon = start()?;
    let client = daemon.client();
    books.iter().try_for_each(|book| book.prepare(&client))?;
    let begun = Instant::now();
    let mut outcome = chaos::run(&client, messages, publishers, route);
    let answered = outcome.answered;
    outcome.wrong.extend(all_differences(books, &client)?);
    line(&format!("chaos, {route:?}, {publishers} publishers"), answered, begun, &outcome.wrong);
    Ok(outcome.wrong.len() + (messages.len() - answered))
}

fn all_differences(books: &[Book], client: &Client) -> Result<Vec<String>> {
    let each = books.iter().map(|book| book.differences(client)).collect::<Result<Vec<_>>>()?;
    Ok(each.concat())
}

fn start() -> Result<Daemon> {
    Start::dev(&binary::ledger_example()).try_run().context("start the daemon")
}

#[expect(clippy::cast_precision_loss, reason = "a rate that is only printed")]
fn line(step: &str, messages: usize, begun: Instant, wrong: &[String]) {
    let seconds = begun.elapsed().as_secs_f64();
    let rate = messages as f64 / seconds;
    print(&format!("{step:<44} {messages:>8} {seconds:>8.1} {rate:>10.0} {:>6}", wrong.len()));
    for difference in wrong.iter().take(DIFFERENCES_SHOWN) {
        print(&format!("    {difference}"));
    }
}

fn print(text: &str) {
    // A closed standard output ends nothing: the exit code still says how it went.
    drop(writeln!(std::io::stdout(), "{text}"));
}
