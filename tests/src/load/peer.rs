//! Programs that are timed as a whole: `trunkline check`, and its peer, a search for literal topics by ast-grep.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Calls of the bus whose topic is written as a literal; the same calls with any other topic are found and dropped.
const RULES: &str = r"
id: publish
language: js
rule: {pattern: '$B.publish($T, $$$)'}
constraints: {T: {kind: string}}
---
id: subscribe
language: js
rule: {pattern: '$B.onEvent($T, $$$)'}
constraints: {T: {kind: string}}
";

/// Searches a suite once; how long it took and how many calls were found.
pub fn search(program: &Path, suite: &Path) -> Result<(Duration, usize)> {
    let mut command = Command::new(program);
    command.args(["scan", "--json=stream", "--inline-rules", RULES]).arg(suite);
    let start = Instant::now();
    let output = command.output().with_context(|| format!("cannot run `{}`", program.display()))?;
    let took = start.elapsed();
    ensure!(
        output.status.success(),
        "`{}` fails: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok((took, output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()))
}

/// Lets a program check a suite once and write its report to a file; how long that took from its start to its end.
pub fn check(program: &Path, suite: &Path, threads: Option<usize>) -> Result<Duration> {
    let report = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(program);
    command.arg("check").arg(suite).args(["--fail-on", "never"]);
    command.arg(format!("--out=json={}", report.path().display()));
    if let Some(threads) = threads {
        command.args(["--threads", &threads.to_string()]);
    }
    let start = Instant::now();
    let output = command.output().with_context(|| format!("cannot run `{}`", program.display()))?;
    let took = start.elapsed();
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{} check` ends with {}: {}", program.display(), output.status, why.trim());
    Ok(took)
}
