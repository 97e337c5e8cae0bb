//! What calls used, told when `dev` ends and after tests: who has just tried something out sees what it costs.

use daemon_host::Used;
use std::fmt::Write as _;

const HEAD: [&str; 9] = ["calls", "ms", "cpu ms", "memory", "read", "changed", "events", "out", "log lines"];

/// A line for each handler that was called, by plugin and name, and nothing where none was.
pub(crate) fn table<'a>(title: &str, handlers: impl Iterator<Item = (&'a str, &'a str, &'a Used)>) -> String {
    let called = handlers.filter(|(.., most)| most.calls > 0);
    let rows: Vec<(String, [String; 9])> =
        called.map(|(slug, handler, most)| (format!("{slug}  {handler}"), cells(most))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let name_width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let width = |at: usize| rows.iter().map(|(_, cells)| cells[at].len()).max().unwrap_or(0).max(HEAD[at].len());
    let line = |name: &str, cells: [&str; 9]| {
        let mut text = format!("{name:<name_width$}");
        for (at, cell) in cells.iter().enumerate() {
            // Writing into a String cannot fail.
            let _ = write!(text, "  {cell:>width$}", width = width(at));
        }
        text
    };
    let mut text = format!("What a call of each handler used at most {title}:\n\n");
    let _ = writeln!(text, "{}", line("", HEAD));
    for (name, cells) in &rows {
        let _ = writeln!(text, "{}", line(name, cells.each_ref().map(String::as_str)));
    }
    text
}

fn cells(used: &Used) -> [String; 9] {
    [
        used.calls.to_string(),
        used.wall_us.div_ceil(1_000).to_string(),
        used.cpu_us.div_ceil(1_000).to_string(),
        bytes(used.heap_bytes),
        used.records_read.to_string(),
        used.records.to_string(),
        used.events.to_string(),
        bytes(used.bytes_out),
        used.log_lines.to_string(),
    ]
}

/// Bytes with one place, in the largest unit of which there is one.
fn bytes(count: u64) -> String {
    const KIB: u64 = 1024;
    match count {
        0..KIB => format!("{count} B"),
        KIB..0x10_0000 => tenths(count, KIB, "KiB"),
        _ => tenths(count, KIB * KIB, "MiB"),
    }
}

fn tenths(count: u64, of: u64, unit: &str) -> String {
    let tenths = count.saturating_mul(10) / of;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        let told = [0, 1023, 1024, 1536, 1024 * 1024, 6_501_171].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "6.1 MiB"]);
    }
}
