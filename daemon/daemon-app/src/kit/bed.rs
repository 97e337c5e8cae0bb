//! The rehearsal of one test: a host on a store of its own, and what a test may have done there.

use super::coverage::Reached;
use super::file::{BEGINS_MS, Run};
use crate::exit::Failure;
use anyhow::Context;
use contract_model::event::parse_rfc3339;
use contract_model::filter::{Filter, Query};
use contract_model::{ErrorCode, Millis, TenantId, TopicPattern};
use contract_parse::ParsedPlugin;
use daemon_access::{Access, SCOPE_EVENTS_PUBLISH, TokenRequest};
use daemon_frame::AppError;
use daemon_host::{
    DeadLetterQuery, EventQuery, Given, Host, HostConfig, HostError, JobQuery, Rehearsal, SuiteTerms, WorkerCommand,
};
use daemon_http::{Api, ApiConfig, Direct};
use daemon_store::Store;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Most events that a test is shown.
const EVENTS_MAX: usize = 100_000;
/// How long an answer that waits for an outcome is waited for once nothing happens any more.
const PATIENCE: Duration = Duration::from_millis(100);

/// The plugins that rehearsals are made of.
pub(super) struct Suite {
    pub(super) plugins: Vec<ParsedPlugin>,
    terms: SuiteTerms,
    /// All roles of the suite.
    roles: Vec<String>,
}

impl Suite {
    pub(super) fn of(suite: &checker_cli::Suite) -> Self {
        let manifests = suite.plugins.iter().filter_map(|plugin| plugin.manifest.as_ref());
        let roles = manifests.flat_map(|manifest| manifest.roles.iter().map(|role| role.value.name.clone())).collect();
        let terms = SuiteTerms::from(&suite.manifest);
        Self { plugins: suite.plugins.clone(), terms, roles }
    }

    fn split(&self, own: &str, with: &[String]) -> (Vec<ParsedPlugin>, Vec<ParsedPlugin>) {
        let takes_part = |plugin: &ParsedPlugin| {
            let slug = plugin.manifest.as_ref().map(|manifest| manifest.slug.value.as_str());
            slug.is_some_and(|slug| slug == own || with.iter().any(|one| one == slug))
        };
        self.plugins.iter().cloned().partition(takes_part)
    }
}

/// One rehearsal.
pub(super) struct Bed<'a> {
    run: &'a Run<'a>,
    with: Vec<String>,
    // Dropped before the folder is.
    served: Option<(Host, Api)>,
    access: Access,
    store: Store,
    tenant: TenantId,
    tokens: BTreeMap<(String, Vec<String>), String>,
    reached: Reached,
    /// How often it was started: each start has other ids.
    starts: u64,
    _folder: TempDir,
}

impl<'a> Bed<'a> {
    /// Starts the plugin, and those that take part, on an empty store.
    pub(super) fn make(run: &'a Run<'a>, with: &[String]) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("trunkline-test-").tempdir();
        let folder = folder.context("make a temporary folder for a test").map_err(Failure::usage)?;
        let store = Store::open(folder.path(), daemon_store::Options::default())?;
        let access = Access::open(store.clone())?;
        let tenant = TenantId::new("test")?;
        access.create_tenant(&tenant, "Test")?;
        for manifest in run.suite.plugins.iter().filter_map(|plugin| plugin.manifest.as_ref()) {
            access.teach(&manifest.slug.value, manifest.roles.iter().map(|role| role.value.clone()).collect());
        }
        let (with, tokens, reached) = (with.to_vec(), BTreeMap::new(), Reached::default());
        let mut bed =
            Self { run, with, served: None, access, store, tenant, tokens, reached, starts: 0, _folder: folder };
        bed.start(BEGINS_MS)?;
        Ok(bed)
    }

    fn start(&mut self, now_ms: u64) -> Result<(), Failure> {
        let program = std::env::current_exe().context("find this program, to start workers from it")?;
        self.starts += 1;
        let (plugins, others) = self.run.suite.split(self.run.slug, &self.with);
        let config = HostConfig {
            store: self.store.clone(),
            plugins,
            terms: self.run.suite.terms.clone(),
            worker: WorkerCommand { program, args: vec!["worker".into()] },
            retain: None,
            private_net: false,
            tracer: daemon_trace::Tracer::default(),
            rehearsal: Some(Rehearsal { others, now_ms, seed: self.starts }),
        };
        let host = self.run.runtime.block_on(Host::start(config)).map_err(|error| crate::dev::not_started(&error))?;
        if let Some(failure) = host.failures().first() {
            return Err(crate::dev::not_started(failure).into());
        }
        let mut config = ApiConfig::new(Arc::new(host.clone()), self.access.clone(), self.store.clone());
        config.public_tenant = Some(self.tenant.clone());
        self.served = Some((host, Api::new(config)));
        Ok(())
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What this rehearsal has reached.
    pub(super) fn reached(&mut self) -> Reached {
        self.note();
        std::mem::take(&mut self.reached)
    }

    fn note(&mut self) {
        if let Some((host, _)) = &self.served {
            self.reached.note(&host.metrics());
        }
    }

    /// Ends the workers and closes the store.
    pub(super) fn end(mut self) {
        self.stop();
        self.store.close();
    }

    fn stop(&mut self) {
        if let Some((host, api)) = self.served.take() {
            drop(api);
            self.run.runtime.block_on(host.stop(Duration::ZERO));
        }
    }

    /// A wrong use of the kit.
    pub(super) fn misuse(message: &str) -> AppError {
        AppError { code: "TEST_MISUSE".to_owned(), message: message.to_owned(), status: 400, details: Value::Null }
    }

    /// Does what a test asks for, and then everything that comes due by it.
    pub(super) fn ask(&mut self, what: &str, args: Value) -> Result<Value, AppError> {
        let Value::Object(args) = args else { return Err(Self::misuse("the arguments must be an object")) };
        match what {
            "call" => self.call(&args),
            "crash" => self.crash(),
            _ => self.tell(what, &args),
        }
    }

    fn host(&self) -> Result<&Host, AppError> {
        self.served.as_ref().map(|(host, _)| host).ok_or_else(|| Self::misuse("nothing is served"))
    }

    fn tell(&mut self, what: &str, args: &Map<String, Value>) -> Result<Value, AppError> {
        let runtime = self.run.runtime;
        let host = self.host()?.clone();
        let value = match look(&host, &self.tenant, what, args)? {
            Some(seen) => seen,
            None => runtime.block_on(act(&host, &self.tenant, what, args))?,
        };
        runtime.block_on(host.settled());
        Ok(value)
    }

    /// Calls a verb. One that waits for an outcome which does not come is answered as the daemon would at its timeout.
    fn call(&mut self, args: &Map<String, Value>) -> Result<Value, AppError> {
        let direct = self.request(args)?;
        self.reached.called(&direct.method, &direct.target);
        let Some((host, api)) = self.served.clone() else { return Err(Self::misuse("nothing is served")) };
        let store = self.store.clone();
        let answered = self.run.runtime.block_on(async move {
            let epoch = store.epoch();
            let mut call = tokio::spawn(async move { api.answer(direct).await });
            loop {
                host.settled().await;
                if call.is_finished() {
                    break;
                }
                // What is not on disk yet is not answered yet.
                let _ = store.synced_since(epoch).await;
                if let Ok(answered) = tokio::time::timeout(PATIENCE, &mut call).await {
                    host.settled().await;
                    return answered.unwrap_or_else(|error| Err(error.to_string()));
                }
                if !call.is_finished() {
                    let body = json!({"success": true, "data": {"status": "pending"}, "error": null});
                    return Ok((202, body.to_string().into_bytes()));
                }
            }
            call.await.unwrap_or_else(|error| Err(error.to_string()))
        });
        let (status, body) = answered.map_err(|why| Self::misuse(&why))?;
        let body: Value =
            serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()));
        let part = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
        Ok(json!({"status": status, "data": part("data"), "error": part("error"), "body": body}))
    }

    fn request(&mut self, args: &Map<String, Value>) -> Result<Direct, AppError> {
        let (method, target) = (text(args, "method")?.to_ascii_uppercase(), text(args, "path")?);
        let token = self.token(args.get("as"))?;
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        for (name, value) in args.get("headers").and_then(Value::as_object).into_iter().flatten() {
            headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        if let Some(key) = args.get("idempotencyKey").and_then(Value::as_str) {
            headers.push(("idempotency-key".to_owned(), key.to_owned()));
        }
        let body = match args.get("body") {
            None => Vec::new(),
            Some(body) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                body.to_string().into_bytes()
            }
        };
        Ok(Direct { method, target, headers, body })
    }

    /// A token of the user and the roles that a test calls as.
    fn token(&mut self, given: Option<&Value>) -> Result<String, AppError> {
        let user = given.and_then(|given| given["user"].as_str()).unwrap_or("tester").to_owned();
        let roles = match given.and_then(|given| given["roles"].as_array()) {
            None => self.run.suite.roles.clone(),
            Some(roles) => roles.iter().filter_map(|role| role.as_str().map(str::to_owned)).collect(),
        };
        let key = (user, roles);
        if let Some(token) = self.tokens.get(&key) {
            return Ok(token.clone());
        }
        let issued = self.access.issue_token(TokenRequest {
            tenant: Some(self.tenant.clone()),
            user: key.0.clone(),
            roles: key.1.clone(),
            scopes: vec![SCOPE_EVENTS_PUBLISH.to_owned()],
            ttl: Millis(24 * 3_600_000),
        });
        let token = issued.map_err(|error| Self::misuse(&error.to_string()))?.token;
        self.tokens.insert(key, token.clone());
        Ok(token)
    }

    /// The daemon dies and starts again on what is stored.
    fn crash(&mut self) -> Result<Value, AppError> {
        let now_ms = self.host()?.now_ms();
        self.note();
        self.stop();
        self.start(now_ms).map_err(|error| Self::misuse(&error.to_string()))?;
        let host = self.host()?.clone();
        self.run.runtime.block_on(host.settled());
        Ok(Value::Null)
    }
}

/// What a test looks at; none where it wants something done.
fn look(host: &Host, tenant: &TenantId, what: &str, args: &Map<String, Value>) -> Result<Option<Value>, AppError> {
    let told = |error: HostError| error.error;
    Ok(Some(match what {
        "now" => host.now_ms().into(),
        "events" => events(host, tenant, topic(args)?)?,
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
            let letters = host.dead_letters(&DeadLetterQuery::default()).map_err(told)?;
            let shown = letters.into_iter().map(|it| {
                json!({
                    "topic": it.topic, "subscription": it.subscription, "attempts": it.attempts,
                    "code": it.code, "reason": it.reason,
                })
            });
            shown.collect()
        }
        "jobs" => {
            let query = JobQuery { tenant: Some(tenant.clone()), state: None, limit: 1_000 };
            let shown = host.jobs(&query).map_err(told)?.into_iter().map(|job| {
                let due = parse_rfc3339(&job.due);
                json!({"kind": job.kind, "state": job.state, "attempts": job.attempts, "dueAt": due})
            });
            shown.collect()
        }
        _ => return Ok(None),
    }))
}

/// What a test has done.
async fn act(host: &Host, tenant: &TenantId, what: &str, args: &Map<String, Value>) -> Result<Value, AppError> {
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
        "hold" => host.hold(topic(args)?).map(|()| Value::Null).map_err(told)?,
        "duplicate" => host.duplicate(topic(args)?).map(|()| Value::Null).map_err(told)?,
        "slow" => host.slow(topic(args)?, duration(args, "by")?).map(|()| Value::Null).map_err(told)?,
        "release" => match args.get("order").and_then(Value::as_str) {
            None | Some("log") => host.release(false).map_err(told)?.into(),
            Some("reverse") => host.release(true).map_err(told)?.into(),
            Some(other) => return Err(Bed::misuse(&format!("order is log or reverse, not {other}"))),
        },
        other => return Err(Bed::misuse(&format!("a rehearsal has no `{other}`"))),
    })
}

fn text(args: &Map<String, Value>, name: &str) -> Result<String, AppError> {
    let found = args.get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Bed::misuse(&format!("{name} must be a text")))
}

fn optional(args: &Map<String, Value>, name: &str) -> Option<String> {
    args.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn topic(args: &Map<String, Value>) -> Result<Option<TopicPattern>, AppError> {
    let parse = |text: &str| TopicPattern::new(text).map_err(|error| Bed::misuse(&error.to_string()));
    args.get("topic").and_then(Value::as_str).map(parse).transpose()
}

fn duration(args: &Map<String, Value>, name: &str) -> Result<u64, AppError> {
    match args.get(name) {
        Some(Value::String(text)) => {
            Millis::parse(text).map(|it| it.0).map_err(|error| Bed::misuse(&error.to_string()))
        }
        Some(number) if number.is_u64() => Ok(number.as_u64().unwrap_or(0)),
        _ => Err(Bed::misuse(&format!("{name} must be a duration such as \"2s\", or milliseconds"))),
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
    let query = EventQuery { tenant: Some(tenant.clone()), topic, limit: EVENTS_MAX, ..EventQuery::default() };
    let events = host.events(&query).map_err(|error| error.error)?;
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
    let invalid = |why: String| AppError { code: ErrorCode::FilterInvalid.to_string(), ..Bed::misuse(&why) };
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
