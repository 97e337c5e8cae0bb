//! `can-enable`: whether a plugin fits into an installation.
//!
//! The installation's lock becomes a suite again, once as it is and once with the plugin in it, and the same rules
//! judge the difference as in a pipeline. An error that the plugin brings is a no; what only counts as an error where
//! nothing may be taken on trust is an unknown.

use super::parse_day;
use super::shape::Shape;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::read_plugin;
use crate::lock::Lock;
use anyhow::{Context, bail};
use checker_report::{Baseline, Diagnostic, Report, RolloutStep, Severity};
use checker_rules::{Against, Options, check_against};
use contract_graph::Suite;
use contract_model::Location;
use contract_parse::ParsedPlugin;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rules that say nothing about whether the plugins would run together: versions, exceptions, and what somebody
/// chose to stop hearing.
const BESIDE: &[&str] = &["TL604", "TL605", "TL611", "TL901", "TL902", "TL903", "TL904", "TL905", "TL906", "TL907"];
/// Rules that `--strict` makes errors of although they leave nothing open: what they find runs, and is known to run.
const DECIDED: &[&str] = &["TL106", "TL110", "TL211"];
/// Rules that say that the checker could not look.
const BLIND: &[&str] = &["TL704", "TL709"];

/// Arguments of `can-enable`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  check suite --write-lock                                         once: writes suite/contracts.lock
  can-enable plugins/ap@1.3.0 --into suite/contracts.lock
  can-enable ap@1.3.0 --from plugins --into suite/contracts.lock")]
pub struct CanEnableArgs {
    /// The plugin: its folder, or its slug in a folder given by --from; and its version
    #[arg(value_name = "PLUGIN@VERSION")]
    plugin: String,
    /// The installation's lock, as `check --write-lock` writes it
    #[arg(long, value_name = "LOCK")]
    into: PathBuf,
    /// A folder with plugins, to find the slug in
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// The day against which sunsets are measured, YYYY-MM-DD; today if not given
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    today: Option<Date>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Yes,
    No,
    Unknown,
}

#[derive(Serialize)]
struct Verdict {
    schema: &'static str,
    answer: Answer,
    plugin: String,
    version: String,
    /// The version that is installed now.
    replaces: Option<String>,
    reasons: Vec<Reason>,
    rollout: Vec<RolloutStep>,
}

#[derive(Serialize)]
struct Reason {
    answer: Answer,
    rule: &'static str,
    name: &'static str,
    message: String,
    location: Location,
}

pub(super) fn run(args: &CanEnableArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.into).with_context(|| {
        format!("cannot read the lock `{}`, which `check --write-lock` writes", args.into.display())
    })?;
    let lock = Lock::parse(&text).with_context(|| format!("`{}` is no lock", args.into.display()))?;
    let plugin = plugin(args)?;
    let verdict = judge(&lock.suite(), plugin, args.today.unwrap_or_else(crate::today));
    let text = args.shape.of(&verdict, Verdict::text)?;
    io.out.write_all(text.as_bytes())?;
    Ok(match verdict.answer {
        Answer::Yes => Exit::Clean,
        Answer::No => Exit::Findings,
        Answer::Unknown => Exit::Incomplete,
    })
}

/// Reads the plugin that is asked about and sees that it is the version asked for.
fn plugin(args: &CanEnableArgs) -> anyhow::Result<ParsedPlugin> {
    let Some((name, version)) = args.plugin.rsplit_once('@') else {
        bail!("`{}` names no version; write for example ap@1.3.0", args.plugin);
    };
    let folder = folder(name, args.from.as_deref())?;
    let folder = folder.canonicalize().with_context(|| format!("cannot read `{}`", folder.display()))?;
    let (Some(parent), Some(last)) = (folder.parent(), folder.file_name().and_then(|last| last.to_str())) else {
        bail!("`{}` is no plugin's folder", folder.display());
    };
    let plugin = read_plugin(parent, last);
    let Some(manifest) = &plugin.manifest else {
        let why = plugin.problems.first().map_or("it cannot be read", |problem| problem.message.as_str());
        bail!("`{last}/plugin.yaml`: {why}");
    };
    let found = &manifest.version.value;
    if found.to_string() != version {
        bail!("`{last}` holds version {found} of `{}`, not {version}", manifest.slug.value);
    }
    Ok(plugin)
}

fn folder(name: &str, from: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(from) = from else {
        let folder = PathBuf::from(name);
        anyhow::ensure!(
            folder.join("plugin.yaml").is_file(),
            "`{name}` is no plugin's folder; name one, or name the folder of all plugins with --from"
        );
        return Ok(folder);
    };
    let suite = crate::load::load_suite(from)?;
    let found = suite.plugin(name).map(|view| from.join(&view.parsed.folder));
    found.with_context(|| format!("`{}` holds no plugin `{name}`", from.display()))
}

fn judge(installed: &Suite, plugin: ParsedPlugin, today: Date) -> Verdict {
    let manifest = plugin.manifest.as_ref();
    let slug = manifest.map(|manifest| manifest.slug.value.to_string()).unwrap_or_default();
    let version = manifest.map(|manifest| manifest.version.value.to_string()).unwrap_or_default();
    let replaces = installed.plugin(&slug).and_then(|view| Some(view.manifest()?.version.value.to_string()));
    let mut plugins: Vec<ParsedPlugin> =
        installed.views().filter(|view| view.slug() != slug).map(|view| view.parsed.clone()).collect();
    plugins.push(plugin);
    let with = Suite { manifest: installed.manifest.clone(), ..Suite::of(plugins) };
    let options = Options::on(today);
    let against = Against { base: Some(installed), recorded: &[] };
    let report = check_against(&with, &against, &options);
    let strict = check_against(&with, &against, &Options { strict: true, ..options });
    let reasons = reasons(&report, &strict);
    let answer = match reasons.iter().map(|reason| reason.answer).min_by_key(|answer| *answer != Answer::No) {
        None => Answer::Yes,
        Some(answer) => answer,
    };
    Verdict {
        schema: "trunkline.can-enable/1",
        answer,
        plugin: slug,
        version,
        replaces,
        reasons,
        rollout: report.rollout,
    }
}

/// What speaks against the plugin, and then what is not known.
fn reasons(report: &Report, strict: &Report) -> Vec<Reason> {
    let (blind, no): (Vec<_>, Vec<_>) = brought(report).partition(|finding| BLIND.contains(&finding.rule));
    let sure: BTreeSet<&str> = no.iter().map(|finding| finding.fingerprint.as_str()).collect();
    let open = brought(strict).filter(|finding| !sure.contains(finding.fingerprint.as_str()));
    let open = open.filter(|finding| !BLIND.contains(&finding.rule) && !DECIDED.contains(&finding.rule));
    let no = no.iter().map(|finding| reason(finding, Answer::No));
    no.chain(blind.into_iter().chain(open).map(|finding| reason(finding, Answer::Unknown))).collect()
}

/// The errors that the installation does not have without the plugin.
fn brought(report: &Report) -> impl Iterator<Item = &Diagnostic> {
    report.found().filter(|finding| {
        finding.severity == Severity::Error
            && finding.suppressed.is_none()
            && finding.baseline == Baseline::New
            && !BESIDE.contains(&finding.rule)
    })
}

fn reason(finding: &Diagnostic, answer: Answer) -> Reason {
    Reason {
        answer,
        rule: finding.rule,
        name: finding.name,
        message: finding.message.clone(),
        location: finding.location.clone(),
    }
}

impl Verdict {
    fn text(&self) -> String {
        let Self { plugin, version, .. } = self;
        let over = self.replaces.as_ref().map_or(String::new(), |old| format!(" in the place of {old}"));
        let mut out = match self.answer {
            Answer::Yes => format!("yes: `{plugin}` {version} can be enabled{over}\n"),
            Answer::No => format!("no: `{plugin}` {version} cannot be enabled{over}\n"),
            Answer::Unknown => format!("unknown: whether `{plugin}` {version} can be enabled{over} is not proved\n"),
        };
        for Reason { answer, rule, message, location, .. } in &self.reasons {
            let word = if *answer == Answer::No { "no" } else { "unknown" };
            let _ = writeln!(out, "  {word} [{rule}] {message} ({}:{})", location.file, location.line);
        }
        for (at, step) in self.rollout.iter().enumerate() {
            let _ = writeln!(out, "  upgrade {}. {}", at + 1, step.words());
        }
        out
    }
}
