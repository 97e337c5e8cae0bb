//! The figures for who does not read `OpenMetrics`. In Prometheus' older text format a family has the name of its samples,
//! so what is said of a counter is said of its `…_total`, and an info is a gauge.

use std::collections::HashMap;

/// The page in the text format 0.0.4.
pub(super) fn of(open_metrics: &str) -> String {
    let families: HashMap<&str, Family> = open_metrics.lines().filter_map(family).collect();
    let mut out = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        match described(line) {
            Some(("UNIT", ..)) | None if line.starts_with('#') => continue,
            Some((what, name, said)) => {
                let Family { ending, kind } = families.get(name).copied().unwrap_or_default();
                out.extend([
                    "# ",
                    what,
                    " ",
                    name,
                    ending,
                    " ",
                    if what == "TYPE" { kind.unwrap_or(said) } else { said },
                ]);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// How a family is called and typed in the older format, where that is otherwise.
#[derive(Clone, Copy, Default)]
struct Family {
    ending: &'static str,
    kind: Option<&'static str>,
}

fn family(line: &str) -> Option<(&str, Family)> {
    let ("TYPE", name, kind) = described(line)? else { return None };
    match kind {
        "counter" => Some((name, Family { ending: "_total", kind: None })),
        "info" => Some((name, Family { ending: "_info", kind: Some("gauge") })),
        "unknown" => Some((name, Family { ending: "", kind: Some("untyped") })),
        _ => None,
    }
}

/// What a line says of a family: `# TYPE name counter`.
fn described(line: &str) -> Option<(&str, &str, &str)> {
    let (what, rest) = line.strip_prefix("# ")?.split_once(' ')?;
    let (name, said) = rest.split_once(' ')?;
    Some((what, name, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_called_as_their_samples() {
        let open_metrics = "\
# HELP calls Calls.\n# TYPE calls counter\ncalls_total{a=\"# TYPE b counter\"} 1\n\
# HELP build What runs.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
# HELP waits_seconds Waits.\n# TYPE waits_seconds histogram\n# UNIT waits_seconds seconds\nwaits_seconds_sum 0.5\n\
# HELP memory Held.\n# TYPE memory gauge\nmemory 3\n# EOF\n";
        let plain = "\
# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{a=\"# TYPE b counter\"} 1\n\
# HELP build_info What runs.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
# HELP waits_seconds Waits.\n# TYPE waits_seconds histogram\nwaits_seconds_sum 0.5\n\
# HELP memory Held.\n# TYPE memory gauge\nmemory 3\n";
        assert_eq!(of(open_metrics), plain);
    }
}
