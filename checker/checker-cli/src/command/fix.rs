//! `fix`: applies what the findings suggest.
//!
//! One repair may make another needless, so a round repairs each topic of each plugin once, then the suite is judged
//! again. It ends when nothing is left to do. Of two repairs that change the same text to different things the first is
//! made; the other is refused for good, and named where its finding is still there in the end.

use super::parse_day;
use super::texts::Texts;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use anyhow::Context;
use checker_report::{Diagnostic, Edit, Status, byte_range};
use checker_rules::{Options, find};
use jiff::civil::Date;
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

/// Rounds until the last repair must have been made.
const ROUNDS_MAX: usize = 16;

/// Arguments of `fix`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Repairs names that are nearly right, entries that a manifest lacks or has too many of, and exceptions that nothing \
needs any more. Two repairs of the same place are refused. Comments and formatting stay.

Examples:
  fix --dry-run            shows what would change
  fix                      changes it
  fix --rule TL203         repairs misspelt names only")]
pub struct FixArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// Print the changes and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Repair only findings of this rule; may be repeated
    #[arg(long = "rule", value_name = "RULE")]
    rules: Vec<String>,
    /// The day against which exceptions expire, YYYY-MM-DD; today in UTC if not given
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    today: Option<Date>,
}

/// An edit with the finding that asks for it.
struct Repair<'a> {
    finding: &'a Diagnostic,
    edit: &'a Edit,
    range: Range<usize>,
}

/// What a round does.
#[derive(Default)]
struct Round<'a> {
    accepted: BTreeMap<&'a str, Vec<Repair<'a>>>,
    refused: Refused,
    repaired: usize,
}

/// What to say of each refused repair, by the fingerprint of its finding.
type Refused = BTreeMap<String, String>;

pub(super) fn run(args: &FixArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let rules = rules(args)?;
    let options = Options::on(args.today.unwrap_or_else(crate::today));
    let mut texts = Texts::of(load_suite(&args.suite)?);
    let (mut refused, mut repaired) = (Refused::new(), 0);
    let mut status = Status::Pass;
    for _ in 0..ROUNDS_MAX {
        let report = checker_rules::check(texts.suite(), &options);
        status = report.status;
        let wanted = report.found().filter(|finding| rules.is_empty() || rules.contains(finding.rule));
        let round = round(&texts, wanted, &refused);
        refused.extend(round.refused);
        if round.accepted.is_empty() {
            refused.retain(|fingerprint, _| report.found().any(|finding| finding.fingerprint == *fingerprint));
            break;
        }
        repaired += round.repaired;
        let changed: Vec<(String, String)> =
            round.accepted.iter().map(|(file, repairs)| ((*file).to_owned(), applied(&texts, file, repairs))).collect();
        texts.replace(changed);
    }
    print_diff(&texts, io)?;
    if !args.dry_run {
        write(&texts, &args.suite)?;
    }
    summarise(args, &texts, repaired, &refused, io)?;
    Ok(match status {
        Status::Incomplete => Exit::Incomplete,
        _ if refused.is_empty() => Exit::Clean,
        _ => Exit::Findings,
    })
}

fn rules(args: &FixArgs) -> anyhow::Result<BTreeSet<&'static str>> {
    let known = |rule: &String| {
        find(rule).map(|rule| rule.id).with_context(|| format!("there is no rule `{rule}`; `rules` lists them all"))
    };
    args.rules.iter().map(known).collect()
}

/// Misspelt names have a round of their own: what else is said because of them goes away with them, and repairing both
/// would take out of a manifest what the code has meant all along.
fn round<'a>(texts: &'a Texts, findings: impl Iterator<Item = &'a Diagnostic>, refused: &Refused) -> Round<'a> {
    let open = |finding: &&Diagnostic| finding.suppressed.is_none() && !refused.contains_key(&finding.fingerprint);
    let mut findings: Vec<&Diagnostic> = findings.filter(open).collect();
    findings.sort_by_key(|finding| !is_misspelt(finding));
    let (mut round, mut touched) = (Round::default(), BTreeSet::new());
    let mut are_misspelt = false;
    for finding in findings {
        if are_misspelt && !is_misspelt(finding) {
            break;
        }
        let edits = finding.suggestion.as_ref().map(|suggestion| suggestion.edits.as_slice()).unwrap_or_default();
        if edits.is_empty() || touched.contains(&(&finding.plugin, &finding.topic)) && finding.topic.is_some() {
            continue;
        }
        let Some(repairs) = repairs(texts, finding, edits) else { continue };
        match clash(&round, &repairs) {
            Clash::None => {
                are_misspelt |= is_misspelt(finding);
                touched.insert((&finding.plugin, &finding.topic));
                round.repaired += 1;
                for repair in repairs {
                    round.accepted.entry(repair.edit.location.file.as_str()).or_default().push(repair);
                }
            }
            Clash::Later | Clash::Same => {}
            Clash::Overlap(other) => {
                let at = &finding.location;
                let message = format!("{} at {}:{} and {other} change the same text", finding.rule, at.file, at.line);
                round.refused.insert(finding.fingerprint.clone(), message);
            }
        }
    }
    round
}

/// Whether what is repaired is a name: another text comes into the place of one.
fn is_misspelt(finding: &Diagnostic) -> bool {
    let replaces = |edit: &Edit| {
        let at = &edit.location;
        !edit.text.is_empty() && (at.line, at.column) != (at.end_line, at.end_column)
    };
    let edits = finding.suggestion.as_ref().map(|suggestion| suggestion.edits.as_slice()).unwrap_or_default();
    finding.rule == "TL203" || edits.iter().any(replaces)
}

/// The edits of a finding as bytes; none where a file is not the suite's.
fn repairs<'a>(texts: &Texts, finding: &'a Diagnostic, edits: &'a [Edit]) -> Option<Vec<Repair<'a>>> {
    let repair = |edit: &'a Edit| {
        let text = texts.suite().text(&edit.location.file)?;
        Some(Repair { finding, edit, range: byte_range(text, &edit.location) })
    };
    edits.iter().map(repair).collect()
}

/// How a finding's edits go together with those of this round.
enum Clash {
    None,
    /// The very same edits are made already.
    Same,
    /// Both insert at one point, or both take text out: the second waits for the next round, when the text around it is
    /// known.
    Later,
    /// They change the same text to different things.
    Overlap(&'static str),
}

fn clash(round: &Round<'_>, repairs: &[Repair<'_>]) -> Clash {
    let made = |repair: &Repair<'_>| {
        let of_file = round.accepted.get(repair.edit.location.file.as_str()).into_iter().flatten();
        of_file.map(|other| meets(repair, other)).find(|clash| !matches!(clash, Clash::None)).unwrap_or(Clash::None)
    };
    repairs.iter().map(made).find(|clash| !matches!(clash, Clash::None)).unwrap_or(Clash::None)
}

fn meets(repair: &Repair<'_>, other: &Repair<'_>) -> Clash {
    let (a, b) = (&repair.range, &other.range);
    let overlap = a.start < b.end && b.start < a.end;
    let both_cut = repair.edit.text.is_empty() && other.edit.text.is_empty();
    if a == b && repair.edit.text == other.edit.text && !a.is_empty() {
        Clash::Same
    } else if a.is_empty() && b.is_empty() && a.start == b.start || overlap && both_cut {
        Clash::Later
    } else if overlap {
        Clash::Overlap(other.finding.rule)
    } else {
        Clash::None
    }
}

fn applied(texts: &Texts, file: &str, repairs: &[Repair<'_>]) -> String {
    let mut text = texts.suite().text(file).unwrap_or_default().to_owned();
    let mut repairs: Vec<&Repair<'_>> = repairs.iter().collect();
    repairs.sort_by_key(|repair| std::cmp::Reverse(repair.range.start));
    for repair in repairs {
        text.replace_range(repair.range.clone(), &repair.edit.text);
    }
    text
}

fn print_diff(texts: &Texts, io: &mut Io<'_>) -> anyhow::Result<()> {
    for (file, old, new) in texts.changed() {
        let diff = TextDiff::from_lines(old, new);
        let header = (format!("a/{file}"), format!("b/{file}"));
        write!(io.out, "{}", diff.unified_diff().header(&header.0, &header.1))?;
    }
    Ok(())
}

fn write(texts: &Texts, suite: &std::path::Path) -> anyhow::Result<()> {
    for (file, old, new) in texts.changed() {
        let path = suite.join(file);
        let now = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        anyhow::ensure!(now == old, "`{}` has changed meanwhile; run fix again", path.display());
        std::fs::write(&path, new).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

fn summarise(args: &FixArgs, texts: &Texts, repaired: usize, refused: &Refused, io: &mut Io<'_>) -> anyhow::Result<()> {
    for refused in refused.values() {
        writeln!(io.out, "not repaired: {refused}; repair one by hand")?;
    }
    let files = texts.changed().count();
    let done = if args.dry_run { "would be repaired" } else { "repaired" };
    let counted = |count: usize, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
    writeln!(io.out, "{} {done} in {}", counted(repaired, "finding"), counted(files, "file"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use checker_report::{Baseline, Severity, Suggestion};
    use contract_graph::Suite;
    use contract_model::Location;
    use contract_model::span::Span;
    use contract_parse::{PluginSource, SourceFile, parse_plugin};

    const CODE: &str = "one('a'); two('b'); three('c');\n";

    fn texts() -> Texts {
        let file = SourceFile { path: "main.js".to_owned(), text: CODE.to_owned() };
        Texts::of(Suite::of(vec![parse_plugin(&PluginSource { folder: "gl".to_owned(), files: vec![file] })]))
    }

    /// A finding that wants another text in the place of `old`.
    fn wants(rule: &'static str, old: &str, new: &str) -> Diagnostic {
        let start = u32::try_from(CODE.find(old).expect("the text")).expect("small");
        let span = Span { start, end: start + u32::try_from(old.len()).expect("small") };
        let location = Location::of("gl/main.js", CODE, span);
        let edits = vec![Edit { location: location.clone(), text: new.to_owned() }];
        Diagnostic {
            rule,
            name: "test",
            severity: Severity::Error,
            message: String::new(),
            plugin: "gl".to_owned(),
            topic: None,
            location,
            related: Vec::new(),
            suggestion: Some(Suggestion { message: String::new(), edits }),
            fingerprint: format!("{rule} {old}"),
            baseline: Baseline::New,
            suppressed: None,
            label: String::new(),
            is_note: false,
            is_told: false,
            also: Vec::new(),
        }
    }

    /// The text after one round, and whom it refused.
    fn after(findings: &[Diagnostic], refused: &Refused) -> (String, Vec<String>) {
        let texts = texts();
        let round = round(&texts, findings.iter(), refused);
        let text = round.accepted.get("gl/main.js").map_or(CODE.to_owned(), |all| applied(&texts, "gl/main.js", all));
        (text, round.refused.into_values().collect())
    }

    #[test]
    fn repairs_of_one_place_that_differ_are_refused_and_stay_so() {
        let both = [wants("TL310", "two('b')", "deux('b')"), wants("TL702", "'b'); three", "'z'); three")];
        let (text, refused) = after(&both, &Refused::new());
        assert_eq!(text, "one('a'); deux('b'); three('c');\n");
        assert_eq!(refused, ["TL702 at gl/main.js:1 and TL310 change the same text"]);
        let before = Refused::from([(both[1].fingerprint.clone(), String::new())]);
        assert_eq!(after(&both[1..], &before).0, CODE, "not made behind the user's back a round later");
    }

    #[test]
    fn repairs_that_agree_or_only_touch_are_made() {
        let same = [wants("TL310", "two", "deux"), wants("TL702", "two", "deux")];
        assert_eq!(after(&same, &Refused::new()), ("one('a'); deux('b'); three('c');\n".to_owned(), Vec::new()));
        let beside = [wants("TL310", "two", "deux"), wants("TL702", "('b')", "('z')")];
        assert_eq!(after(&beside, &Refused::new()), ("one('a'); deux('z'); three('c');\n".to_owned(), Vec::new()));
    }

    #[test]
    fn cuts_that_overlap_wait_for_each_other() {
        let cuts = [wants("TL303", "two('b'); ", ""), wants("TL901", "; three('c')", "")];
        let (text, refused) = after(&cuts, &Refused::new());
        assert_eq!((text.as_str(), refused.len()), ("one('a'); three('c');\n", 0));
    }
}
