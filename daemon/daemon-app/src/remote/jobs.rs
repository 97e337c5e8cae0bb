//! `trunkline jobs list | show | run-now | cancel`.

use crate::exit::Failure;
use crate::remote::printer::Printer;
use crate::remote::{Client, Target, View, parameter, query, segment, text};
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::io::Write;

/// Commands about jobs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs that are not over, and those that failed.
    List {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// Only those in this state: scheduled, pending, running, retrying, failed, done or cancelled.
        #[arg(long)]
        state: Option<String>,
        /// Only of this kind or schedule, as `nightly` or `gl.nightly`.
        #[arg(long)]
        name: Option<String>,
        /// Only what comes after this place, which a list ended with.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
        /// At most so many of a kind.
        #[arg(long, default_value_t = 100)]
        limit: u16,
        /// List the schedules instead.
        #[arg(long, conflicts_with_all = ["state", "name", "after", "limit", "tenant"])]
        schedules: bool,
    },
    /// Show a job.
    Show {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// The job's id.
        id: String,
    },
    /// Enqueue a job for now: for one tenant, or for each. A schedule goes on as before.
    RunNow {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// The kind or the schedule, as `nightly` or `gl.nightly`.
        name: String,
        /// What the handler gets as `args`, as JSON.
        #[arg(long, value_name = "JSON")]
        args: Option<String>,
    },
    /// End a job that has not ended. Of a schedule, the next run follows.
    Cancel {
        #[command(flatten)]
        target: Target,
        /// Only this tenant's; for the admin token.
        #[arg(long)]
        tenant: Option<String>,
        /// The job's id.
        id: String,
    },
}

const PATH: &str = "/api/_admin/jobs";

/// Runs one of them.
pub(crate) fn run(command: JobsCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        JobsCommand::List { target, view, schedules: true, .. } => {
            schedules(&Client::of(&target)?.call("GET", &format!("{PATH}/schedules"))?, view.json, out)
        }
        JobsCommand::List { target, view, state, name, after, limit, .. } => {
            let pairs = [
                ("tenant", view.tenant.as_deref()),
                ("state", state.as_deref()),
                ("name", name.as_deref()),
                ("after", after.as_deref()),
                ("limit", Some(&*limit.to_string())),
            ];
            let most = if name.is_some() { u64::from(limit) } else { u64::MAX };
            list(&Client::of(&target)?, format!("{PATH}{}", query(&pairs)), most, view.json, out)
        }
        JobsCommand::Show { target, view, id } => {
            let query = query(&[("tenant", view.tenant.as_deref())]);
            show(&Client::of(&target)?.call("GET", &format!("{PATH}/{}{query}", segment(&id)))?, view.json, out)
        }
        JobsCommand::RunNow { target, view, name, args } => {
            let args = args.map_or(Ok(Value::Null), |args| serde_json::from_str(&args));
            let args = args.context("--args is not JSON").map_err(Failure::usage)?;
            let body = json!({"name": name, "tenant": view.tenant, "args": args});
            let answer = Client::of(&target)?.post(&format!("{PATH}/run-now"), &body)?;
            if view.json {
                return Ok(writeln!(out, "{answer:#}")?);
            }
            for id in answer["ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                writeln!(out, "{id}")?;
            }
            Ok(())
        }
        JobsCommand::Cancel { target, tenant, id } => {
            let query = query(&[("tenant", tenant.as_deref())]);
            Client::of(&target)?.call("POST", &format!("{PATH}/{}/cancel{query}", segment(&id)))?;
            Ok(writeln!(out, "{id} is cancelled")?)
        }
    }
}

/// A page that looked at much before it was full says where the next one begins. Of one kind there may be more than were
/// asked for.
fn list(client: &Client, path: String, most: u64, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut printer = Printer::new(json, row, out);
    let mut next = Some(path);
    while let Some(path) = next.take_if(|_| printer.printed < most) {
        let (page, more) = client.page(&path)?;
        page.as_array().into_iter().flatten().try_for_each(|job| printer.print(job))?;
        next = more;
    }
    printer.end()?;
    if let Some(place) = next.and_then(|next| parameter(&next, "after")) {
        writeln!(std::io::stderr(), "there may be more: the same with --after {place}")?;
    }
    Ok(())
}

fn row(job: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    let [id, name, tenant, state, due] = ["id", "name", "tenant", "state", "due"].map(|field| text(job, field));
    write!(out, "{id}  {tenant}  {name}  {state}  due {due}")?;
    if let Some(error) = job["error"].as_str() {
        write!(out, "  {} attempts  {error}", job["attempts"])?;
    }
    writeln!(out)
}

fn schedules(schedules: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{schedules:#}")?);
    }
    for one in schedules.as_array().into_iter().flatten() {
        let [name, schedule, zone, next] = ["name", "schedule", "timezone", "next"].map(|field| text(one, field));
        writeln!(out, "{name}  {schedule} {zone}  next {next}  catch up {}", text(one, "catch_up"))?;
    }
    Ok(())
}

fn show(job: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{job:#}")?);
    }
    let fields = job.as_object().ok_or_else(|| anyhow!("the daemon's answer is no job: {job}"))?;
    for (name, value) in fields.iter().filter(|(name, value)| *name != "args" && !value.is_null()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        writeln!(out, "{:<12}  {value}", name.replace('_', " "))?;
    }
    Ok(writeln!(out, "\nargs\n{:#}", job["args"])?)
}
