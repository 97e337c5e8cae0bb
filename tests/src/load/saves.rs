//! Saves of single files, each followed by a check of what `watch` has in memory.

use super::Spread;
use crate::mutation::texts::TODAY;
use anyhow::{Context as _, Result};
use checker_cli::{LiveSuite, Options, check, load_suite};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Every how many saves the answer is held against that of a fresh look, which takes much longer.
const COMPARED_EVERY: usize = 10;

/// Saves modules of a suite in turn, each with one line more at its head, so that all its places move; how long reading
/// and judging took, and how many of the checks that were compared differed from those of a fresh look.
pub fn measure(folder: &Path, saves: usize) -> Result<(Spread, usize)> {
    let options = Options::on(TODAY);
    let modules = modules(folder)?;
    let mut live = LiveSuite::load(folder)?;
    live.check(&options);
    let (mut times, mut differing) = (Vec::new(), 0);
    for at in 0..saves {
        // A step that is no divisor of the number of plugins' files, so that entries and other modules come in turn.
        let path = &modules[at * 7 % modules.len()];
        let text = std::fs::read_to_string(folder.join(path))?;
        std::fs::write(folder.join(path), format!("// Saved as number {at}.\n{text}"))?;
        let start = Instant::now();
        live.refresh(&BTreeSet::from([path.clone()]))?;
        let report = live.check(&options);
        times.push(start.elapsed());
        if at % COMPARED_EVERY == 0 {
            differing += usize::from(report != check(&load_suite(folder)?, &options));
        }
    }
    Ok((Spread::of(times), differing))
}

/// Every module of the suite, relative to it, sorted.
fn modules(folder: &Path) -> Result<Vec<PathBuf>> {
    let suite = load_suite(folder)?;
    let of = |plugin: &contract_parse::ParsedPlugin| {
        let within = PathBuf::from(&plugin.folder);
        plugin.modules.iter().map(move |module| within.join(module)).collect::<Vec<_>>()
    };
    let all: Vec<PathBuf> = suite.plugins.iter().flat_map(of).collect();
    (!all.is_empty()).then_some(all).context("the suite has no module")
}
