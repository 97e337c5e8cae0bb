//! Calls of capabilities: who provides one, and the run of a method in a worker of its provider.
//!
//! A method reads from its caller's snapshot, so what it read is validated with its caller's unit of work, and it
//! changes nothing. While it runs, its caller waits in a worker of its own: a method has places apart from those of
//! handlers, by how deep it is within other calls, so that waiting never goes in a circle.

use crate::api::HostError;
use crate::chance;
use crate::host::Inner;
use crate::meter::{End, Kind};
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reader;
use crate::spoken;
use crate::traces;
use crate::usage::Callee;
use crate::worker::Session;
use contract_model::code::Fault;
use contract_model::limits::{CAPABILITY_BYTES_MAX, CAPABILITY_DEPTH_MAX};
use contract_model::manifest::Used;
use contract_model::{ErrorCode, TenantId};
use daemon_frame::{
    Answer, Ask, Asked, Body, Call, Context, Done, Ended, Failure, FaultKind, Item, ProvidedCall, Response,
};
use daemon_store::View;
use semver::Version;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a question about a capability is asked with.
pub(crate) struct Asking<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    /// Who asks.
    pub(crate) plugin: &'a Plugin,
    /// The plugins that wait for one another, from the handler on; the last is the one that asks.
    pub(crate) chain: Vec<String>,
    pub(crate) tenant: TenantId,
    pub(crate) actor: String,
    pub(crate) correlation: String,
    /// The `traceparent` that it is asked under.
    pub(crate) trace: Option<String>,
    pub(crate) now_ms: u64,
    /// The snapshot of the handler's unit of work, taken at its first question.
    pub(crate) view: &'a mut Option<View>,
    /// When the caller must have ended.
    pub(crate) until: Instant,
}

/// What is asked about a capability.
pub(crate) struct Wanted {
    pub(crate) capability: String,
    pub(crate) method: String,
    pub(crate) input: Value,
    pub(crate) provider: Option<String>,
}

type Called<'a> = Pin<Box<dyn Future<Output = Result<Asked, HostError>> + Send + 'a>>;

/// A provider and the version that it provides.
type Provider = (Arc<Pool>, Version);

/// Who of these provides a capability in a version that will do: the newest version first, then by slug. A plugin
/// provides nothing to itself.
pub(crate) fn providers(pools: &[Arc<Pool>], asker: &str, used: &Used) -> Vec<Provider> {
    let mut all: Vec<Provider> = pools.iter().filter_map(|pool| provided(pool, asker, used)).collect();
    all.sort_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.plugin.slug().cmp(b.plugin.slug())));
    all
}

/// A plugin with its version of a capability, if it offers one that will do and its code has it.
fn provided(pool: &Arc<Pool>, asker: &str, used: &Used) -> Option<Provider> {
    if pool.plugin.slug() == asker || !pool.registered().provides.iter().any(|one| one.name == used.name) {
        return None;
    }
    let fits = |version: &Version| used.range.as_ref().is_none_or(|range| range.matches(version));
    let offers = pool.plugin.manifest.provides.iter().map(|offer| &offer.value);
    let version = offers.filter(|offer| offer.name == used.name).map(|offer| &offer.version).find(|one| fits(one));
    Some((pool.clone(), version?.clone()))
}

/// Who provides the capability, for a plugin that asks.
pub(crate) fn list(inner: &Inner, plugin: &Plugin, capability: &str) -> Result<Asked, HostError> {
    let all = providers(&inner.pools(), plugin.slug(), declared(plugin, capability)?);
    Ok(Asked::Providers(all.into_iter().map(|(pool, at)| (pool.plugin.slug().to_owned(), at.to_string())).collect()))
}

/// Calls a method of a capability.
pub(crate) fn call(asking: Asking<'_>, wanted: Wanted) -> Called<'_> {
    Box::pin(async move { run(asking, wanted).await.map(Asked::Called).map_err(with_status) })
}

async fn run(asking: Asking<'_>, wanted: Wanted) -> Result<Value, HostError> {
    let used = declared(asking.plugin, &wanted.capability)?;
    let pool = choose(&asking, used, wanted.provider.as_deref())?;
    let slug = pool.plugin.slug().to_owned();
    let chain = lengthened(&asking.chain, &slug)?;
    let (capability, method) = method(&pool, &wanted.capability, &wanted.method)?;
    ensure_small(&wanted.input, || format!("the input of {}.{}", wanted.capability, wanted.method))?;
    let mut span = traces::capability(&asking.inner.tracer, asking.trace.as_deref(), &wanted, &slug);
    let trace = span.context().or_else(|| asking.trace.clone());
    let context = Context {
        tenant: asking.tenant.as_str().to_owned(),
        actor: asking.actor.clone(),
        now_ms: asking.now_ms,
        entropy: chance::bytes(),
        correlation: asking.correlation.clone(),
    };
    let provided = ProvidedCall { capability, method, input: wanted.input, caller: asking.plugin.slug().to_owned() };
    let item = Item { lane: None, context, call: Call::Provided(provided) };
    let (tenant, inner) = (asking.tenant.clone(), asking.inner);
    // The caller must be left time to say what has become of its call.
    let left = asking.until.saturating_duration_since(Instant::now());
    let until = Instant::now() + left.mul_f64(0.9);
    let depth = chain.len() - 2;
    let mut session =
        CallSession { asking: Asking { plugin: &pool.plugin, chain, until, trace, ..asking }, done: None };
    let began = std::time::Instant::now();
    let ended = pool.provide(depth, until, &item, &mut session).await;
    let given = match (ended, session.done) {
        (Err(error), _) => (End::Lost, Err(error)),
        (Ok(()), Some(done)) => {
            spoken::log(&pool.plugin, &done);
            let is_there = || inner.store.tenant(&tenant).is_some();
            pool.plugin.meter.usage.note(&tenant, is_there, Callee::Provided(capability, method), &done);
            pool.plugin.count_denied(done.usage.denied);
            let given = given(&pool.plugin, done.ended);
            (if given.is_ok() { End::Settled } else { End::Failed }, given)
        }
        (Ok(()), None) => (End::Lost, Err(HostError::new(ErrorCode::Internal, "a capability's call gave nothing"))),
    };
    pool.plugin.meter.unit(Kind::Capability, given.0, began.elapsed());
    if let Err(error) = &given.1 {
        span.fail(|| error.line());
    }
    given.1
}

/// What the plugin's manifest says of a capability that it uses.
fn declared<'p>(plugin: &'p Plugin, capability: &str) -> Result<&'p Used, HostError> {
    let used = plugin.manifest.uses.iter().map(|used| &used.value).find(|used| used.name == capability);
    used.ok_or_else(|| {
        plugin.count_denied(1);
        let text = format!(
            "plugin `{}` may not use the capability `{capability}`: its plugin.yaml does not list it under `capabilities.consumes`",
            plugin.slug()
        );
        HostError::new(ErrorCode::CapabilityUndeclared, text).of_plugin(plugin.slug())
    })
}

/// The provider that is wanted, else the first that is not paused.
fn choose(asking: &Asking<'_>, used: &Used, wanted: Option<&str>) -> Result<Arc<Pool>, HostError> {
    let mut all = providers(&asking.inner.pools(), asking.plugin.slug(), used);
    all.retain(|(pool, _)| wanted.is_none_or(|slug| pool.plugin.slug() == slug));
    let at = all.iter().position(|(pool, _)| pool.may_provide().is_ok()).unwrap_or(0);
    if at >= all.len() {
        return Err(nobody(used, wanted));
    }
    let (pool, _) = all.swap_remove(at);
    pool.may_provide()?;
    Ok(pool)
}

fn nobody(used: &Used, wanted: Option<&str>) -> HostError {
    let range = used.range.as_ref().map(|range| format!(" in {range}")).unwrap_or_default();
    let who =
        wanted.map_or_else(|| "no running plugin provides".to_owned(), |slug| format!("`{slug}` does not provide"));
    let text = format!("{who} the capability `{}`{range}; providers() of the capability lists who does", used.name);
    HostError::new(ErrorCode::CapabilityMissing, text)
}

/// The chain with one plugin more, if it goes in no circle and is not too long.
fn lengthened(chain: &[String], provider: &str) -> Result<Vec<String>, HostError> {
    let mut longer = chain.to_vec();
    longer.push(provider.to_owned());
    let way = longer.join(" -> ");
    if chain.iter().any(|one| one == provider) {
        let text = format!("the call of a capability goes in a circle: {way}; each of them waits for the one after it");
        return Err(HostError::new(ErrorCode::CapabilityCycle, text));
    }
    if chain.len() as u64 > CAPABILITY_DEPTH_MAX {
        let text = format!(
            "at most {CAPABILITY_DEPTH_MAX} calls of capabilities run within one another (CAPABILITY_DEPTH_MAX), not {way}"
        );
        return Err(HostError::new(ErrorCode::CapabilityCycle, text));
    }
    Ok(longer)
}

/// Where the provider has the method.
fn method(pool: &Pool, capability: &str, method: &str) -> Result<(u32, u32), HostError> {
    let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let all = &pool.registered().provides;
    let at = all.iter().position(|one| one.name == capability);
    let methods = at.map(|at| all[at].methods.as_slice()).unwrap_or_default();
    if let (Some(at), Some(method)) = (at, methods.iter().position(|name| name == method)) {
        return Ok((index(at), index(method)));
    }
    let (slug, known) = (pool.plugin.slug(), methods.join(", "));
    let text = format!("the capability `{capability}` of plugin `{slug}` has no method `{method}`; it has {known}");
    Err(HostError::new(ErrorCode::CapabilityMethodUnknown, text))
}

fn ensure_small(value: &Value, what: impl Fn() -> String) -> Result<(), HostError> {
    let bytes = serde_json::to_vec(value).map_or(u64::MAX, |text| text.len() as u64);
    if bytes <= CAPABILITY_BYTES_MAX {
        return Ok(());
    }
    let text = format!("{} has {bytes} bytes, more than {CAPABILITY_BYTES_MAX} (CAPABILITY_BYTES_MAX)", what());
    Err(HostError::new(ErrorCode::PayloadTooLarge, text))
}

/// What a method gave. That it changes nothing its worker has seen to; here it holds even if that was subverted.
fn given(plugin: &Plugin, ended: Ended) -> Result<Value, HostError> {
    match ended {
        Ended::Threw(failure) => Err(thrown(plugin, failure)),
        Ended::Returned { draft, .. } if draft != daemon_frame::Draft::default() => {
            let text = format!("a method of plugin `{}` wanted to change something; it may only read", plugin.slug());
            Err(HostError::new(ErrorCode::CapabilityReadOnly, text).of_plugin(plugin.slug()))
        }
        Ended::Returned { response: Some(Response { body: Body::Data(value), .. }), .. } => {
            ensure_small(&value, || format!("the answer of plugin `{}`", plugin.slug()))?;
            Ok(value)
        }
        Ended::Returned { .. } => Ok(Value::Null),
    }
}

/// What a method threw. Its `AppError` is its word to the caller; of anything else the caller is told where it was.
fn thrown(plugin: &Plugin, mut failure: Failure) -> HostError {
    if failure.kind != FaultKind::App {
        let place = failure.position.as_ref().map(|at| format!(" at {}:{}:{}", at.file, at.line, at.column));
        failure.error.message =
            format!("plugin `{}`{}: {}", plugin.slug(), place.unwrap_or_default(), failure.error.message);
    }
    HostError::from_failure(plugin.slug(), failure)
}

/// An error of the catalogue gets the status with which it ends a verb that does not catch it.
pub(crate) fn with_status(mut error: HostError) -> HostError {
    if error.error.status == 0 {
        error.error.status = match error.code().map(|code| (code, code.fault())) {
            Some((ErrorCode::PluginDeadline | ErrorCode::FetchTimeout, _)) => 504,
            Some((ErrorCode::FetchFailed, _)) => 502,
            Some((ErrorCode::PluginCrashed | ErrorCode::PluginMemory, _) | (_, Fault::Temporary)) => 503,
            _ => 500,
        };
    }
    error
}

/// A method in a worker of its provider.
struct CallSession<'a> {
    asking: Asking<'a>,
    done: Option<Done>,
}

impl Session for CallSession<'_> {
    async fn ask(&mut self, ask: Ask, until: Instant) -> Answer {
        let Asking { inner, plugin, chain, tenant, actor, correlation, trace, now_ms, view, .. } = &mut self.asking;
        let answer = match ask {
            Ask::Call { capability, method, input, provider } => {
                let asking = Asking {
                    inner,
                    plugin,
                    chain: chain.clone(),
                    tenant: tenant.clone(),
                    actor: actor.clone(),
                    correlation: correlation.clone(),
                    trace: trace.clone(),
                    now_ms: *now_ms,
                    view,
                    until,
                };
                call(asking, Wanted { capability, method, input, provider }).await
            }
            ask => snapshot(inner, view).and_then(|view| reader::answer(inner, plugin, tenant, view, ask)),
        };
        Answer(answer.map_err(|error| error.error))
    }

    fn done(&mut self, done: Done) {
        self.done = Some(done);
    }

    fn deadline(&self, _: usize) -> Duration {
        self.asking.until.saturating_duration_since(Instant::now())
    }

    fn cpu(&self) -> Duration {
        Duration::from_millis(self.asking.plugin.budget.cpu_ms_max)
    }
}

/// The snapshot of a unit of work, taken when it is first asked for.
pub(crate) fn snapshot<'v>(inner: &Inner, view: &'v mut Option<View>) -> Result<&'v View, HostError> {
    let taken = match view.take() {
        Some(view) => view,
        None => inner.store.view().map_err(|error| reader::store_error(&error))?,
    };
    Ok(view.insert(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(slugs: &[&str]) -> Vec<String> {
        slugs.iter().map(|slug| (*slug).to_owned()).collect()
    }

    #[test]
    fn a_chain_of_calls_neither_turns_back_nor_grows_beyond_its_depth() {
        assert_eq!(lengthened(&chain(&["a"]), "b").expect("goes on"), chain(&["a", "b"]));
        let circle = lengthened(&chain(&["a", "b", "c"]), "b").expect_err("a circle");
        assert!(circle.error.message.contains("a -> b -> c -> b"), "{circle:?}");
        let four = chain(&["a", "b", "c", "d"]);
        let five = lengthened(&four, "e").expect("four calls");
        let deep = lengthened(&five, "f").expect_err("five calls");
        assert_eq!(deep.code(), Some(ErrorCode::CapabilityCycle));
        assert!(deep.error.message.contains("at most 4"), "{deep:?}");
    }

    #[test]
    fn a_value_over_the_limit_is_refused_with_its_size() {
        let long = Value::String("x".repeat(usize::try_from(CAPABILITY_BYTES_MAX).expect("fits")));
        let error = ensure_small(&long, || "the input".to_owned()).expect_err("too long");
        assert_eq!(error.code(), Some(ErrorCode::PayloadTooLarge));
        assert!(error.error.message.contains("1048578 bytes"), "{error:?}");
        assert!(ensure_small(&Value::Null, String::new).is_ok());
    }
}
