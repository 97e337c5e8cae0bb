//! `explain`: the documentation of a rule, from the binary.

use crate::exit::Exit;
use crate::io::Io;
use checker_rules::{REGISTRY, Rule, find, nearest};
use std::fmt::Write as _;

/// Arguments of `explain`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  explain TL201
  explain dangling-subscription")]
pub struct ExplainArgs {
    /// Id or name of the rule, such as TL201 or dangling-subscription
    pub rule: String,
}

pub(super) fn run(args: &ExplainArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let Some(rule) = find(&args.rule) else {
        let hint =
            meant(&args.rule).map_or("`rules` lists them all".to_owned(), |name| format!("did you mean `{name}`?"));
        anyhow::bail!("there is no rule `{}`; {hint}", args.rule);
    };
    let mut text = format!("{} {} ({}, since {})\n\n", rule.id, rule.name, rule.severity, rule.since);
    let _ = writeln!(text, "{}", without_links(rule.text.trim_end()));
    io.out.write_all(text.as_bytes())?;
    Ok(Exit::Clean)
}

/// The text with the words of its links alone: a terminal has no page to go to. Only the part before the first example
/// has links.
fn without_links(markdown: &str) -> String {
    let (prose, examples) = markdown.split_at(markdown.find("\n```").unwrap_or(markdown.len()));
    let mut out = String::new();
    let mut rest = prose;
    while let Some((before, link)) = rest.split_once("](") {
        let (Some(open), Some(end)) = (before.rfind('['), link.find(')')) else { break };
        out.push_str(&before[..open]);
        out.push_str(&before[open + 1..]);
        rest = &link[end + 1..];
    }
    out + rest + examples
}

/// The rule that was probably meant: one that is spelt nearly like this, or the only one of whose name this is a part.
fn meant(written: &str) -> Option<&'static str> {
    let lower = written.trim().to_lowercase();
    // Ids are all alike, so only letters that look like digits are taken for slips.
    let digits = lower.replace(['l', 'i'], "1").replace('o', "0").replacen("t1", "tl", 1);
    let part = || {
        let mut holding = REGISTRY.iter().filter(|rule| !lower.is_empty() && rule.name.contains(&lower));
        holding.next().filter(|_| holding.next().is_none())
    };
    let rule: Option<&Rule> = find(&digits).or_else(|| find(nearest(&lower, REGISTRY.iter().map(|rule| rule.name))?));
    rule.or_else(part).map(|rule| if rule.id.eq_ignore_ascii_case(&digits) { rule.id } else { rule.name })
}
