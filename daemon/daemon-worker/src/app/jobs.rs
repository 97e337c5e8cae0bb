//! `$jobs`: the kinds of jobs and the schedules that the entry module registers, and the jobs that handlers enqueue.

use super::options::{declared, declared_in, duration, known, optional_text};
use super::realtime::published_object;
use super::routes::{called_at, ensure_loading, tail};
use super::{freeze, meant, object, settle, text};
use crate::called::misuse;
use crate::host::host;
use crate::refusal::refusal;
use crate::throw::throw;
use crate::unit::Outgoing;
use crate::value::{Builder, from_js};
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsValue, js_string};
use contract_model::event::{parse_rfc3339, rfc3339};
use contract_model::schedule::Schedule;
use contract_model::{ErrorCode, Permission, PluginSlug, job};
use daemon_frame::{CatchUp, CronDeclared, JobDeclared, JobOptions, JobRun};
use serde_json::{Map, Value};

const REGISTER: &str = "$jobs.register(kind, [options], handler)";
const CRON: &str = "$jobs.cron(name, schedule, [options], handler)";

pub(super) fn jobs(context: &mut Context) -> JsResult<JsObject> {
    let jobs = object("$jobs", &[("register", 3, register), ("cron", 4, cron), ("enqueue", 3, enqueue)], context)?;
    freeze(&jobs, context)?;
    Ok(jobs)
}

fn register(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$jobs.register", context)?;
    let kind = text(args, 0, "the kind of a job")?;
    let (options, handler) = tail(args, 1, REGISTER)?;
    let options: JobOptions = declared(&options, "job options", context)?;
    if options.timezone.is_some() || options.catch_up.is_some() {
        return Err(invalid("timezone and catchUp are for $jobs.cron; a kind of job has no schedule", context));
    }
    let at = called_at(context);
    add(JobDeclared { kind, cron: None, options, at }, handler, context)
}

fn cron(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$jobs.cron", context)?;
    let kind = text(args, 0, "the name of a recurring job")?;
    let expression = text(args, 1, "the schedule")?;
    let (options, handler) = tail(args, 2, CRON)?;
    let mut options = super::options::options(&options, "cron options", context)?;
    // Whether to make up for what was missed, without saying how.
    if let Some(Value::Bool(wanted)) = options.get("catchUp") {
        let how = if *wanted { "one" } else { "none" };
        options.insert("catchUp".to_owned(), how.into());
    }
    let options: JobOptions = declared_in(&options, "cron options", context)?;
    let timezone = options.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
    if let Err(error) = Schedule::parse(&expression, &timezone) {
        return Err(invalid(&format!("$jobs.cron({kind:?}): {error}"), context));
    }
    let cron = CronDeclared { expression, timezone, catch_up: options.catch_up.unwrap_or(CatchUp::One) };
    let at = called_at(context);
    add(JobDeclared { kind, cron: Some(cron), options, at }, handler, context)
}

fn add(job: JobDeclared, handler: JsObject, context: &mut Context) -> JsResult<JsValue> {
    let host = host(context);
    host.demand(&Permission::Jobs, "have jobs").map_err(|error| throw(&error, context))?;
    let topic = |kind: &str| PluginSlug::new(&host.load.slug).and_then(|slug| job::topic(&slug, kind));
    let own = topic(&job.kind).map_err(|error| invalid(&error.to_string(), context))?;
    if job::is_reserved(&own) {
        let message = format!("the kind {} is one of the daemon's own: use $app.onOutcome or $app.onRecord", job.kind);
        return Err(invalid(&message, context));
    }
    for (name, wait) in
        [("backoff", &job.options.backoff), ("cap", &job.options.cap), ("deadline", &job.options.deadline)]
    {
        duration(wait.as_deref().map(Value::from).as_ref(), name)?;
    }
    for (name, count) in [("attempts", job.options.attempts), ("concurrency", job.options.concurrency)] {
        if count == Some(0) {
            return Err(invalid(&format!("{name} of {} must be at least 1", job.kind), context));
        }
    }
    let registered = &mut host.registered.borrow_mut().jobs;
    if let Some(other) = registered.iter().find(|other| topic(&other.kind).is_ok_and(|topic| topic == own)) {
        let message = if other.kind == job.kind {
            format!("the job {} is registered twice", job.kind)
        } else {
            format!("the jobs {} and {} share the topic {own}; rename one", other.kind, job.kind)
        };
        return Err(invalid(&message, context));
    }
    registered.push(job);
    host.handlers.borrow_mut().jobs.push(handler);
    Ok(JsValue::undefined())
}

/// Enqueues a job with the unit of work of the call: it is there when that commits. Gives `{id, duplicate}`.
fn enqueue(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let kind = text(args, 0, "the kind of a job")?;
    let payload = from_js(args.get_or_undefined(1), "args", context)?;
    let keys = ["runAt", "delay", "attempts", "uniqueKey", "priority"];
    let options = known(args.get_or_undefined(2), "job options", &keys, context)?;
    let host = host(context);
    host.demand(&Permission::Jobs, "have jobs").map_err(|error| throw(&error, context))?;
    if !host.registered.borrow().jobs.iter().any(|job| job.kind == kind) {
        let registered = host.registered.borrow();
        let way_out = meant(&kind, registered.jobs.iter().map(|job| job.kind.as_str()));
        let way_out = way_out.unwrap_or_else(|| format!("add $jobs.register({kind:?}, handler)"));
        let message = format!("{} has no job `{kind}`: {way_out}", host.load.slug);
        return Err(throw(&refusal(ErrorCode::JobUnknown, message), context));
    }
    let topic = PluginSlug::new(&host.load.slug).and_then(|slug| job::topic(&slug, &kind));
    let topic = topic.map_err(|error| misuse(error.to_string()))?;
    let now_ms = host.with_call("$jobs.enqueue", |call| call.context.now_ms)?;
    let event = Outgoing {
        topic: topic.as_str().to_owned(),
        payload,
        idempotency_key: optional_text(options.get("uniqueKey"), "uniqueKey")?,
        delay_ms: wait(&options, now_ms)?,
        headers: headers(kind, &options)?,
        same_by_key: true,
        ..Outgoing::default()
    };
    let outcome = host.with_unit("$jobs.enqueue", |unit, asker| unit.publish(event, asker));
    let published = settle(outcome, context)?;
    Ok(published_object(&published, context))
}

/// Milliseconds from now until the job may run.
fn wait(options: &Map<String, Value>, now_ms: u64) -> JsResult<u64> {
    let delay = duration(options.get("delay"), "delay")?;
    let run_at = match options.get("runAt") {
        None | Some(Value::Null) => return Ok(delay.unwrap_or(0)),
        Some(_) if delay.is_some() => return Err(misuse("runAt and delay say the same; give one of them")),
        Some(Value::String(text)) => parse_rfc3339(text),
        Some(value) => value.as_u64(),
    };
    let at = run_at.ok_or_else(|| misuse("runAt must be a Date, an RFC 3339 text or milliseconds since 1970"))?;
    Ok(at.saturating_sub(now_ms))
}

fn headers(kind: String, options: &Map<String, Value>) -> JsResult<Map<String, Value>> {
    let mut headers = Map::from_iter([(job::KIND.to_owned(), Value::from(kind))]);
    if let Some(attempts) = options.get("attempts").filter(|value| !value.is_null()) {
        let is_count = attempts.as_u64().is_some_and(|count| (1..=u64::from(u32::MAX)).contains(&count));
        if !is_count {
            return Err(misuse("attempts must be a whole number from 1"));
        }
        headers.insert(job::ATTEMPTS.to_owned(), attempts.clone());
    }
    if let Some(priority) = options.get("priority").filter(|value| !value.is_null()) {
        if priority.as_i64().is_none_or(|priority| i32::try_from(priority).is_err()) {
            return Err(misuse("priority must be a whole number; higher is served first"));
        }
        headers.insert(job::PRIORITY.to_owned(), priority.clone());
    }
    Ok(headers)
}

/// The argument of a job's handler.
pub(crate) fn job_object(run: &JobRun, call: &daemon_frame::Context, context: &mut Context) -> JsValue {
    let kind = host(context).registered.borrow().jobs.get(run.job as usize).map(|job| job.kind.clone());
    Builder::new(context)
        .with_json(js_string!("args"), &run.args)
        .with(js_string!("attempt"), run.attempt)
        .with_text(js_string!("id"), &run.id)
        .with_text(js_string!("kind"), kind.as_deref().unwrap_or_default())
        .with_text(js_string!("scheduledAt"), &rfc3339(run.scheduled_ms))
        .with_text(js_string!("tenant"), &call.tenant)
        .with_text(js_string!("correlationId"), &call.correlation)
        .build()
        .into()
}

fn invalid(message: &str, context: &mut Context) -> boa_engine::JsError {
    throw(&refusal(ErrorCode::PluginInvalid, message), context)
}
