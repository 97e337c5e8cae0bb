//! The rehearsal of one test: a host on a store of its own, and what a test may have done there.

use super::arguments;
use super::asked::{act, look, optional, text};
use super::coverage::Reached;
use super::misuse::{broken, misuse, unknown};
use super::outside;
use super::run::{BEGINS_MS, Run};
use crate::exit::Failure;
use anyhow::Context;
use contract_model::{Millis, TenantId};
use daemon_access::{Access, SCOPE_EVENTS_PUBLISH, TokenRequest};
use daemon_frame::AppError;
use daemon_host::{Host, HostConfig, HostError, Outside, Rehearsal, Wish, WorkerCommand};
use daemon_http::{Api, ApiConfig, Direct};
use daemon_store::Store;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How long an answer that waits for an outcome is waited for once nothing happens any more.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often an answer that does not come is waited for so long: what streams for ever has no end.
const ROUNDS_MAX: u32 = 50;

/// What went wrong on the way is told of a test that fails, as far as it is the last that did.
const TROUBLES_MAX: usize = 5;

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
    /// Stands for the hosts outside.
    outside: Arc<Outside>,
    /// How often it was started: each start has other ids.
    starts: u64,
    /// Calls that were refused and handlers that failed, the last ones.
    troubles: VecDeque<String>,
    _folder: TempDir,
}

impl<'a> Bed<'a> {
    /// An empty store for the plugin, and those that take part. Nothing runs yet.
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
        Ok(Self {
            run,
            with: with.to_vec(),
            served: None,
            access,
            store,
            tenant,
            tokens: BTreeMap::new(),
            reached: Reached::default(),
            outside: Arc::default(),
            starts: 0,
            troubles: VecDeque::new(),
            _folder: folder,
        })
    }

    /// Starts everything, with settings of the plugin.
    pub(super) fn begin(&mut self, config: Map<String, Value>) -> Result<(), AppError> {
        if let Some(slug) = self.with.iter().find(|slug| self.run.suite.slugs().all(|known| known != slug.as_str())) {
            return Err(unknown("plugin", slug, self.run.suite.slugs()));
        }
        let settings = if config.is_empty() { None } else { Some((self.run.slug.to_owned(), config)) };
        self.start(BEGINS_MS, settings.into_iter().collect())
    }

    fn start(&mut self, now_ms: u64, settings: BTreeMap<String, Map<String, Value>>) -> Result<(), AppError> {
        let program = std::env::current_exe().map_err(|error| broken(&format!("cannot find this program: {error}")))?;
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
            rehearsal: Some(Rehearsal { others, now_ms, seed: self.starts, outside: self.outside.clone(), settings }),
        };
        let host = self.run.runtime.block_on(Host::start(config)).map_err(|error| not_started(&error))?;
        if let Some(failure) = host.failures().first() {
            self.run.runtime.block_on(host.stop(Duration::ZERO));
            return Err(not_started(failure));
        }
        let mut config = ApiConfig::new(Arc::new(host.clone()), self.access.clone(), self.store.clone());
        config.public_tenant = Some(self.tenant.clone());
        self.run.runtime.block_on(host.settled());
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

    /// What went wrong on the way: much of it a test wants to see, and some of it is why it fails.
    pub(super) fn troubles(&mut self) -> Vec<String> {
        self.hear();
        self.troubles.drain(..).collect()
    }

    fn hear(&mut self) {
        let failed = self.served.as_ref().map(|(host, _)| host.take_failed()).unwrap_or_default();
        self.troubled(failed);
    }

    fn note(&mut self) {
        let Some((host, _)) = &self.served else { return };
        self.reached.note(&host.metrics(), host.registrations());
        self.hear();
    }

    fn troubled(&mut self, more: Vec<String>) {
        self.troubles.extend(more);
        let over = self.troubles.len().saturating_sub(TROUBLES_MAX);
        self.troubles.drain(..over);
    }

    /// Where the clock stands and how far the store has come.
    pub(super) fn state(&self) -> Option<(u64, u64)> {
        let (host, _) = self.served.as_ref()?;
        Some((host.now_ms(), host.position().ok()?))
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

    /// Does what a test asks for, and then everything that comes due by it.
    pub(super) fn ask(&mut self, what: &str, args: Value) -> Result<Value, AppError> {
        let Value::Object(args) = args else { return Err(misuse("the arguments must be an object")) };
        arguments::check(what, &args)?;
        match what {
            "call" => self.call(&args),
            "crash" => self.crash(),
            "config" => {
                let plugin = args.get("plugin").and_then(Value::as_str).unwrap_or(self.run.slug).to_owned();
                let settings = args.get("settings").and_then(Value::as_object).cloned();
                self.configure(&plugin, settings.ok_or_else(|| misuse("settings must be an object"))?)
            }
            "enable" => self.wish(&text(&args, "plugin")?, &Wish::Enable),
            "disable" => {
                let force = args.get("force").and_then(Value::as_bool).unwrap_or(false);
                self.wish(&text(&args, "plugin")?, &Wish::Disable { force })
            }
            "stub" => outside::stub(&self.outside, &args),
            "fetches" => outside::fetches(&self.outside, &args),
            _ => self.tell(what, &args),
        }
    }

    /// Changes settings of a plugin, as an operator would.
    fn configure(&mut self, plugin: &str, settings: Map<String, Value>) -> Result<Value, AppError> {
        self.wish(plugin, &Wish::Change(settings))
    }

    /// Has done what an operator wants of a plugin.
    fn wish(&mut self, plugin: &str, wish: &Wish) -> Result<Value, AppError> {
        // Who is started anew counts anew.
        self.note();
        let host = self.host()?.clone();
        self.run.runtime.block_on(async {
            host.wish(plugin, wish).await.map_err(|error| error.error)?;
            host.settled().await;
            Ok(Value::Null)
        })
    }

    fn host(&self) -> Result<&Host, AppError> {
        self.served.as_ref().map(|(host, _)| host).ok_or_else(|| misuse("nothing is served"))
    }

    fn tell(&mut self, what: &str, args: &Map<String, Value>) -> Result<Value, AppError> {
        let runtime = self.run.runtime;
        let host = self.host()?.clone();
        // Everything that was due was handled after the last question.
        if let Some(seen) = look(&host, &self.tenant, what, args)? {
            return Ok(seen);
        }
        let value = runtime.block_on(act(&host, &self.tenant, what, args))?;
        runtime.block_on(host.settled());
        Ok(value)
    }

    /// Calls a verb. One that waits for an outcome which does not come is answered as the daemon would at its timeout.
    fn call(&mut self, args: &Map<String, Value>) -> Result<Value, AppError> {
        let direct = self.request(args)?;
        let called = format!("{} {}", direct.method, direct.target);
        let Some((host, api)) = self.served.clone() else { return Err(misuse("nothing is served")) };
        let store = self.store.clone();
        let answered = self.run.runtime.block_on(async move {
            let epoch = store.epoch();
            let mut call = tokio::spawn(async move { api.answer(direct).await });
            let mut rounds = 0;
            let answered = loop {
                host.settled().await;
                // What is not on disk yet is not answered yet.
                let _ = store.synced_since(epoch).await;
                match tokio::time::timeout(PATIENCE, &mut call).await {
                    Ok(answered) => break answered,
                    Err(_) if rounds == ROUNDS_MAX => {
                        call.abort();
                        return Err("the answer has no end; a test cannot read a stream".to_owned());
                    }
                    Err(_) => host.give_up_waiting().map_err(|error| error.to_string())?,
                }
                rounds += 1;
            };
            host.settled().await;
            answered.unwrap_or_else(|error| Err(error.to_string()))
        });
        let (status, body) = answered.map_err(|why| misuse(&format!("app.call: {called}: {why}")))?;
        let body: Value =
            serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()));
        let part = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
        if status >= 400 {
            let why = refusal(if body["error"].is_object() { &body["error"] } else { &body });
            self.troubled(vec![format!("{called} was answered {status} {why}")]);
        }
        self.hear();
        Ok(json!({"status": status, "data": part("data"), "error": part("error"), "body": body}))
    }

    fn request(&mut self, args: &Map<String, Value>) -> Result<Direct, AppError> {
        let (method, target) = (text(args, "method")?.to_ascii_uppercase(), text(args, "path")?);
        if !target.starts_with('/') {
            return Err(misuse(&format!(
                "app.call: path must begin with `/`, as in \"/api/shop/items\", not \"{target}\""
            )));
        }
        let token = self.token(args.get("as"))?;
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        for (name, value) in args.get("headers").and_then(Value::as_object).into_iter().flatten() {
            headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        if let Some(key) = optional(args, "idempotencyKey") {
            headers.push(("idempotency-key".to_owned(), key));
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
        let known = &self.run.suite.roles;
        if let Some(role) = roles.iter().find(|role| !known.contains(role)) {
            return Err(unknown("role", role, known.iter().map(String::as_str)));
        }
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
        let token = issued.map_err(|error| misuse(&error.to_string()))?.token;
        self.tokens.insert(key, token.clone());
        Ok(token)
    }

    /// The daemon dies and starts again on what is stored.
    fn crash(&mut self) -> Result<Value, AppError> {
        let now_ms = self.host()?.now_ms();
        self.note();
        self.stop();
        self.start(now_ms, BTreeMap::new())?;
        Ok(Value::Null)
    }
}

/// A plugin that does not start, with its place and stack.
fn not_started(error: &HostError) -> AppError {
    AppError { message: format!("{:#}", crate::dev::not_started(error, "")), ..error.error.clone() }
}

/// Code, message, function and place of an error that a call was answered with.
fn refusal(error: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let message = text(&error[if error["message"].is_string() { "message" } else { "detail" }]);
    let at = &error["details"];
    let place = match (at["file"].as_str(), at["line"].as_u64(), at["column"].as_u64()) {
        (Some(file), Some(line), Some(column)) => format!(" at {file}:{line}:{column}"),
        _ => String::new(),
    };
    let function = at["function"].as_str().filter(|function| !message.contains(function));
    let function = function.map_or_else(String::new, |function| format!(", refused by {function}"));
    format!("{}: {message}{function}{place}", text(&error["code"]))
}
