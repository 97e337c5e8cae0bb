//! `explain`: the documentation of a rule, from the binary.

use crate::exit::Exit;
use crate::io::Io;
use checker_rules::find;
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
        anyhow::bail!("there is no rule `{}`; `rules` lists them all", args.rule);
    };
    let mut text = format!("{} {} ({}, since {})\n\n", rule.id, rule.name, rule.severity, rule.since);
    let _ = writeln!(text, "{}", rule.text.trim_end());
    io.out.write_all(text.as_bytes())?;
    Ok(Exit::Clean)
}
