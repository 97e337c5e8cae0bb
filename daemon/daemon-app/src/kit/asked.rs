//! What a test may look at and have done in its rehearsal, but for what the bed does itself.

use super::misuse::misuse;
use contract_model::event::parse_rfc3339;
use contract_model::filter::{Filter, Query};
use contract_model::{ErrorCode, Millis, TenantId, TopicPattern};
use daemon_frame::AppError;
use daemon_host::{DeadLetterQuery, DeadLettersPage, EventQuery, Given, Host, HostError, JobQuery, JobsPage};
use serde_json::{Map, Value, json};

/// Most events that a test is shown.
const EVENTS_MAX: usize = 100_000;
/// Dead letters, and jobs of a kind, that are read at once.
const PAGE: usize = 1_000;

/// What a test looks at; none where it wants something done.
pub(super) fn look(
    host: &Host,
    tenant: &TenantId,
    what: &str,
    args: &Map<String, Value>,
) -> Result<Option<Value>, AppError> {
    let told = |error: HostError| error.error;
    Ok(Some(match what {
        "now" => host.now_ms().into(),
        "events" => events(host, tenant, topic(host, args)?)?,
        "record" => {
            let filter = Filter::from_structured(&json!({"id": text(args, "id")?}));
            find(host, tenant, args, filter)?.into_iter().next().unwrap_or_default()
        }
        "records" => {
            let filter = match args.get("filter") {
                Some(Value::String(expression)) => Filter::parse(expression, &Map::new()),
                other => Filter::from_structured(other.unwrap_or(&Value::Null)),
            };
            find(host, tenant, args, filter)?.into()
        }
        "deadLetters" => {
            let (mut query, mut shown) = (DeadLetterQuery::default(), Vec::new());
            loop {
                let DeadLettersPage { letters, next } = host.dead_letters(&query, PAGE).map_err(told)?;
                shown.extend(letters.into_iter().map(|it| {
                    json!({
                        "topic": it.topic, "subscription": it.subscription, "attempts": it.attempts,
                        "code": it.code, "reason": it.reason,
                    })
                }));
                query.after = next;
                if query.after.is_none() {
                    break shown.into();
                }
            }
        }
        "jobs" => {
            let mut query = JobQuery { tenant: Some(tenant.clone()), limit: PAGE, ..JobQuery::default() };
            let mut shown = Vec::new();
            loop {
                let JobsPage { jobs, next } = host.jobs(&query).map_err(told)?;
                shown.extend(jobs.into_iter().map(|job| {
                    let due = parse_rfc3339(&job.due);
                    json!({"kind": job.kind, "state": job.state, "attempts": job.attempts, "dueAt": due})
                }));
                query.after = next;
                if query.after.is_none() {
                    break shown.into();
                }
            }
        }
        _ => return Ok(None),
    }))
}

/// What a test has done.
pub(super) async fn act(
    host: &Host,
    tenant: &TenantId,
    what: &str,
    args: &Map<String, Value>,
) -> Result<Value, AppError> {
    let told = |error: HostError| error.error;
    Ok(match what {
        "publish" => {
            let published = host.give(tenant, given(args)?).map_err(told)?;
            json!({"id": published.id, "duplicate": published.duplicate})
        }
        "save" => {
            let fields = args.get("record").and_then(Value::as_object).cloned().unwrap_or_default();
            host.put_record(tenant, &text(args, "collection")?, fields).map_err(told)?
        }
        "advance" => host.advance(duration(args, "by")?).await.map_err(told)?.into(),
        "hold" => host.hold(topic(host, args)?).map(|()| Value::Null).map_err(told)?,
        "duplicate" => host.duplicate(topic(host, args)?).map(|()| Value::Null).map_err(told)?,
        "slow" => host.slow(topic(host, args)?, duration(args, "by")?).map(|()| Value::Null).map_err(told)?,
        "release" => match args.get("order").and_then(Value::as_str) {
            None | Some("log") => host.release(false).map_err(told)?.into(),
            Some("reverse") => host.release(true).map_err(told)?.into(),
            Some(other) => return Err(misuse(&format!("order is log or reverse, not {other}"))),
        },
        other => return Err(misuse(&format!("a rehearsal has no `{other}`"))),
    })
}

pub(super) fn text(args: &Map<String, Value>, name: &str) -> Result<String, AppError> {
    let found = args.get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| misuse(&format!("{name} must be a text")))
}

/// A text that may be missing; a number counts as one.
pub(super) fn optional(args: &Map<String, Value>, name: &str) -> Option<String> {
    match args.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A topic or a pattern that something of the suite falls under: nothing ever comes of another.
fn topic(host: &Host, args: &Map<String, Value>) -> Result<Option<TopicPattern>, AppError> {
    let Some(text) = args.get("topic").and_then(Value::as_str) else { return Ok(None) };
    let pattern = TopicPattern::new(text).map_err(|error| misuse(&error.to_string()))?;
    if !host.has_topic(&pattern) {
        return Err(misuse(&format!("no topic of the suite falls under `{text}`")));
    }
    Ok(Some(pattern))
}

fn duration(args: &Map<String, Value>, name: &str) -> Result<u64, AppError> {
    match args.get(name) {
        Some(Value::String(text)) => Millis::parse(text).map(|it| it.0).map_err(|error| misuse(&error.to_string())),
        Some(number) if number.is_u64() => Ok(number.as_u64().unwrap_or(0)),
        _ => Err(misuse(&format!("{name} must be a duration such as \"2s\", or milliseconds"))),
    }
}

fn given(args: &Map<String, Value>) -> Result<Given, AppError> {
    let delay_ms = if args.contains_key("delay") { duration(args, "delay")? } else { 0 };
    Ok(Given {
        topic: text(args, "topic")?,
        payload: args.get("payload").cloned().unwrap_or_default(),
        from: optional(args, "from"),
        reply_to: optional(args, "replyTo"),
        id: optional(args, "id"),
        key: optional(args, "key"),
        idempotency_key: optional(args, "idempotencyKey"),
        delay_ms,
        headers: args.get("headers").and_then(Value::as_object).cloned().unwrap_or_default(),
    })
}

fn events(host: &Host, tenant: &TenantId, topic: Option<TopicPattern>) -> Result<Value, AppError> {
    // What the daemon tells itself is shown to who asks for it by name.
    let own = topic.is_some();
    let mut query = EventQuery { tenant: Some(tenant.clone()), topic, limit: EVENTS_MAX, ..EventQuery::default() };
    let mut events = Vec::new();
    // A page may end before it is full.
    while query.limit > 0 {
        let page = host.events(&query).map_err(|error| error.error)?;
        query.limit -= page.events.len();
        events.extend(page.events);
        let Some(next) = page.next else { break };
        query.after = next;
    }
    let shown = events.iter().filter(|event| own || !event.topic.as_str().starts_with("jobs.")).map(|event| {
        json!({
            "id": event.id, "topic": event.topic, "payload": event.payload, "publisher": event.publisher,
            "key": event.key, "causationId": event.causation, "correlationId": event.correlation, "time": event.time_ms,
        })
    });
    Ok(shown.collect())
}

fn find<E: std::fmt::Display>(
    host: &Host,
    tenant: &TenantId,
    args: &Map<String, Value>,
    filter: Result<Filter, E>,
) -> Result<Vec<Value>, AppError> {
    let invalid = |why: String| AppError { code: ErrorCode::FilterInvalid.to_string(), ..misuse(&why) };
    let filter = filter.map_err(|error| invalid(error.to_string()))?;
    let sort = optional(args, "sort").unwrap_or_default();
    let field = |name: &str| match name.trim().strip_prefix('-') {
        Some(field) => (field.to_owned(), true),
        None => (name.trim().to_owned(), false),
    };
    let sort = sort.split(',').filter(|name| !name.trim().is_empty()).map(field).collect();
    let query = Query { filter, sort, limit: args.get("limit").and_then(Value::as_u64), cursor: None };
    host.find_records(tenant, &text(args, "collection")?, &query).map_err(|error| error.error)
}
