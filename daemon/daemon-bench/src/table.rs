//! Rows as a table of Markdown, which reads as it is, or as JSON.

use crate::floor::Floor;
use crate::row::{Aim, Figures, Reached, Row, Spread, Unit, Verdict};
use serde_json::{Value, json};

/// The names of the columns and how wide each is printed.
const COLUMNS: [(&str, usize); 10] = [
    ("id", 3),
    ("work", 58),
    ("connections", 11),
    ("Trunkline", 26),
    ("p50 / p99 ms", 15),
    ("peer", 32),
    ("peer's figure", 26),
    ("p50 / p99 ms", 15),
    ("ratio", 20),
    ("floor, goal: reached", 28),
];

/// The head of the table.
pub(crate) fn head() -> String {
    let names = COLUMNS.map(|(name, _)| name.to_owned());
    format!("{}{}", line(&names), line(&COLUMNS.map(|(_, width)| "-".repeat(width))))
}

/// One row, and below it why it does not count, if it does not.
pub(crate) fn body(row: &Row) -> String {
    let line = line(&[
        row.id.to_owned(),
        row.work.clone(),
        row.connections.map(|count| count.to_string()).unwrap_or_default(),
        figure(row.ours.as_ref(), row.unit),
        latency(row.ours.as_ref()),
        row.theirs.as_ref().map_or_else(|| format!("{}: not installed", row.peer), |peer| peer.name.clone()),
        figure(row.theirs.as_ref(), row.unit),
        latency(row.theirs.as_ref()),
        row.ratio().map(|ratio| spread(ratio, "x", 2)).unwrap_or_default(),
        aim(row),
    ]);
    match &row.verdict {
        Verdict::Counts => line,
        Verdict::ThrownAway(why) => format!("{line}| | thrown away: {} |\n", in_a_cell(why)),
        Verdict::Wrong(why) => format!("{line}| | does not count: {} |\n", in_a_cell(why)),
    }
}

/// Line breaks and bars would end a cell.
fn in_a_cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn line(cells: &[String; COLUMNS.len()]) -> String {
    let cells = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!(" {cell:<width$} "));
    format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
}

fn figure(figures: Option<&Figures>, unit: Unit) -> String {
    let Some(figures) = figures else { return String::new() };
    match unit {
        Unit::PerSecond => spread(figures.spread, "/s", 0),
        Unit::Milliseconds => spread(figures.spread, " ms", 0),
        Unit::Microseconds => spread(figures.spread, " us", 1),
        Unit::Mebibytes => spread(figures.spread, " MiB", 0),
    }
}

fn spread(Spread { median, least, most }: Spread, unit: &str, digits: usize) -> String {
    format!("{median:.digits$}{unit} ({least:.digits$}-{most:.digits$})")
}

fn latency(figures: Option<&Figures>) -> String {
    let pair = figures.and_then(|figures| figures.latency);
    pair.map(|(p50, p99)| format!("{p50:.2} / {p99:.2}")).unwrap_or_default()
}

fn aim(row: &Row) -> String {
    let aim = match (row.aim, row.unit) {
        (Aim::AtLeast { floor, goal }, _) => format!(">= {floor}x, >= {goal}x"),
        (Aim::Flat { most }, _) => format!("<= {most}x"),
        (Aim::AtMost { floor, goal }, Unit::Mebibytes) => format!("<= {floor}x, <= {goal} MiB"),
        (Aim::AtMost { floor, goal }, _) => format!("<= {floor}x, <= {goal} ms"),
    };
    match reached(row) {
        Some(reached) => format!("{aim}: {reached}"),
        None => aim,
    }
}

fn reached(row: &Row) -> Option<&'static str> {
    if row.verdict != Verdict::Counts {
        return None;
    }
    Some(match row.reached()? {
        Reached::Goal => "goal",
        Reached::Floor => "floor",
        Reached::Neither => "neither",
    })
}

/// The whole run as one JSON document.
pub(crate) fn json(before: &Floor, after: &Floor, rows: &[Row]) -> Value {
    json!({
        "schema": "trunkline.bench/1",
        "version": env!("CARGO_PKG_VERSION"),
        "floor": {"unit": "us", "before": floor(before), "after": floor(after)},
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn floor(floor: &Floor) -> Value {
    json!({"min": floor.least, "median": floor.median, "p99": floor.p99})
}

fn row(row: &Row) -> Value {
    let (verdict, why) = match &row.verdict {
        Verdict::Counts => ("counts", None),
        Verdict::ThrownAway(why) => ("thrown_away", Some(why)),
        Verdict::Wrong(why) => ("wrong", Some(why)),
    };
    let (floor, goal) = match row.aim {
        Aim::AtLeast { floor, goal } => (json!({"ratio_at_least": floor}), json!({"ratio_at_least": goal})),
        Aim::AtMost { floor, goal } => (json!({"ratio_at_most": floor}), json!({"at_most": goal})),
        Aim::Flat { most } => (json!({"ratio_at_most": most}), json!({"ratio_at_most": most})),
    };
    let unit = match row.unit {
        Unit::PerSecond => "per_second",
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "us",
        Unit::Mebibytes => "MiB",
    };
    json!({
        "id": row.id, "work": row.work, "connections": row.connections, "unit": unit,
        "ours": row.ours.as_ref().map(side), "peer_asked_for": row.peer, "peer": row.theirs.as_ref().map(side), "ratio": row.ratio().map(figures),
        "floor": floor, "goal": goal, "reached": reached(row), "verdict": verdict, "why": why,
    })
}

fn side(of: &Figures) -> Value {
    let latency = of.latency.map(|(p50, p99)| json!({"p50": p50, "p99": p99}));
    json!({"name": of.name, "figure": figures(of.spread), "latency_ms": latency})
}

fn figures(Spread { median, least, most }: Spread) -> Value {
    json!({"median": median, "min": least, "max": most})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(verdict: Verdict) -> Row {
        Row {
            id: "P9",
            work: "journal".to_owned(),
            connections: Some(16),
            unit: Unit::PerSecond,
            aim: Aim::AtLeast { floor: 4.0, goal: 10.0 },
            peer: "PostgreSQL",
            ours: Figures::of("Trunkline", vec![5_000.0, 4_000.0, 6_000.0]),
            theirs: Figures::of("PostgreSQL 15", vec![1_000.0, 1_000.0, 1_000.0]),
            verdict,
        }
    }

    #[test]
    fn a_row_gives_both_figures_their_ratio_and_what_was_reached() {
        let text = body(&row(Verdict::Counts));
        for part in ["5000/s (4000-6000)", "PostgreSQL 15", "5.00x (4.00-6.00)", ">= 4x, >= 10x: floor"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_peer_that_is_not_installed_is_named() {
        let text = body(&Row { theirs: None, ..row(Verdict::Counts) });
        assert!(text.contains("PostgreSQL: not installed") && text.contains(">= 4x, >= 10x  "), "{text}");
    }

    #[test]
    fn a_row_that_does_not_count_says_why_and_reaches_nothing() {
        let text = body(&row(Verdict::Wrong("7 of 9 are there".to_owned())));
        assert!(text.contains("does not count: 7 of 9 are there") && !text.contains(": floor"), "{text}");
        let thrown = json(&FLOOR, &FLOOR, &[row(Verdict::ThrownAway("floors".to_owned()))]);
        assert_eq!(thrown["rows"][0]["verdict"], "thrown_away");
        assert_eq!(thrown["rows"][0]["reached"], Value::Null);
    }

    const FLOOR: Floor = Floor { least: 1.0, median: 2.0, p99: 3.0 };
}
