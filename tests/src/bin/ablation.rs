//! Leaves out one form of writing a topic after the other and prints what the checker then misses.
//!
//!     cargo run --release -p tests --bin ablation [-- --out md]
//!
//! `--out md` writes the page of the book.

use anyhow::{Result, bail};
use std::io::Write as _;
use tests::ablation::{page, rows};
use tests::binary::workspace;
use tests::mutation::Base;

const PAGE: &str = "docs/src/reliability/ablation.md";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let writes = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--out", "md"] => true,
        _ => bail!("usage: ablation [--out md]"),
    };
    let bases = Base::all();
    let suites: Vec<&str> = bases.iter().map(|base| base.name).collect();
    let page = page(&rows()?, &suites);
    if writes {
        std::fs::write(workspace().join(PAGE), &page)?;
    }
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}
