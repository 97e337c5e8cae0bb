//! `$app.onRecord`: hooks that look at a record before it changes, within the same unit of work, or after.

use super::routes::{called_at, ensure_loading, tail};
use super::{settle, text};
use crate::called::misuse;
use crate::host::{Host, host};
use crate::refusal::{Halt, refusal};
use crate::throw::{halt, throw};
use crate::unit::Proposal;
use crate::value::{Builder, from_js_patch};
use boa_engine::builtins::promise::{OperationType, Promise, PromiseState};
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsError, JsObject, JsResult, JsValue, js_string};
use contract_model::collection::Collection;
use contract_model::limits::RECORD_HOOK_DEPTH_MAX;
use contract_model::{ErrorCode, Permission};
use daemon_frame::{ChangeRun, ChangedRun, HookDeclared, HookTime, Proposed, RecordOperation};
use serde_json::Value;
use std::sync::Arc;

const USAGE: &str = "$app.onRecord(\"before\" or \"after\", \"create\", \"update\" or \"delete\", collection, handler)";

pub(super) fn on_record(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$app.onRecord", context)?;
    let when = word(args, 0, &[("before", HookTime::Before), ("after", HookTime::After)])?;
    let operation = word(
        args,
        1,
        &[
            ("create", RecordOperation::Create),
            ("update", RecordOperation::Update),
            ("delete", RecordOperation::Delete),
        ],
    )?;
    let collection = text(args, 2, "the collection of $app.onRecord")?;
    let (_, handler) = tail(args, 3, USAGE)?;
    let host = host(context);
    may_hook(&host, when, &collection).map_err(|error| halt(error, context))?;
    let at = called_at(context);
    host.registered.borrow_mut().hooks.push(HookDeclared { when, operation, collection, at });
    host.handlers.borrow_mut().hooks.push(handler);
    Ok(JsValue::undefined())
}

fn word<T: Copy>(args: &[JsValue], at: usize, words: &[(&str, T)]) -> JsResult<T> {
    let given = args.get(at).and_then(JsValue::as_string).map(|text| text.to_std_string_lossy());
    let found = given.as_deref().and_then(|given| words.iter().find(|(word, _)| *word == given));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        misuse(format!("argument {} of $app.onRecord must be one of {}: {USAGE}", at + 1, known.join(", ")))
    })
}

/// Who changes a record before it is stored must own it; who only wants to know must be allowed to read it.
fn may_hook(host: &Host, when: HookTime, collection: &str) -> Result<(), Halt> {
    if host.own_collection(collection).is_some() {
        return Ok(host.demand(&Permission::OwnRecords, "have hooks on its records")?);
    }
    if when == HookTime::Before {
        let message = format!(
            "{} may not have a hook before changes of `{collection}`: a plugin has those on the collections of its own schema only",
            host.load.slug
        );
        return Err(Halt::new(ErrorCode::PermissionDenied, message));
    }
    let permission = Permission::ReadRecords(collection.to_owned());
    Ok(host.demand(&permission, &format!("have a hook after changes of `{collection}`"))?)
}

/// Makes a change within the running unit, after the hooks have looked at it. What they throw is thrown here, and then
/// nothing of what they changed stays.
pub(super) fn make(
    collection: &Collection,
    mut proposal: Proposal,
    context: &mut Context,
) -> JsResult<Option<Arc<Value>>> {
    let host = host(context);
    let handlers = host.hooks(HookTime::Before, proposal.operation(), &collection.name);
    if handlers.is_empty() {
        return adopt(proposal, context);
    }
    let depth = host.hook_depth.get();
    if depth >= RECORD_HOOK_DEPTH_MAX {
        return Err(throw(&too_deep(&proposal), context));
    }
    all_or_nothing(context, |context| {
        host.hook_depth.set(depth + 1);
        let looked = look(collection, &mut proposal, &handlers, depth == 0, context);
        host.hook_depth.set(depth);
        looked?;
        adopt(proposal, context)
    })
}

fn adopt(proposal: Proposal, context: &mut Context) -> JsResult<Option<Arc<Value>>> {
    let adopted = host(context).with_unit("a change of a record", |unit, _| unit.adopt(proposal));
    settle(adopted, context)
}

/// Does several things to the running unit. Where one of them throws, none of them was done, and neither was anything
/// that hooks have done on their account.
pub(super) fn all_or_nothing<T>(context: &mut Context, work: impl FnOnce(&mut Context) -> JsResult<T>) -> JsResult<T> {
    let host = host(context);
    let savepoint = host.with_call("a change of records", |call| call.unit.savepoint())?;
    let done = work(context);
    host.with_call("a change of records", |call| match &done {
        Ok(_) => call.unit.keep(&savepoint),
        Err(_) => call.unit.go_back_to(&savepoint),
    })?;
    done
}

fn too_deep(proposal: &Proposal) -> daemon_frame::AppError {
    let (collection, id) = &proposal.key;
    let message = format!(
        "the {} of {id} in {collection} comes from {RECORD_HOOK_DEPTH_MAX} hooks within one another (RECORD_HOOK_DEPTH_MAX); a hook that wants its record changed changes e.record and does not save it",
        proposal.operation().as_str()
    );
    refusal(ErrorCode::HookDepth, message)
}

/// Shows a proposal to its hooks one after another; what they left in `e.record` is what is proposed then.
fn look(
    collection: &Collection,
    proposal: &mut Proposal,
    handlers: &[(u16, JsObject)],
    is_outermost: bool,
    context: &mut Context,
) -> JsResult<()> {
    let operation = proposal.operation();
    let shown = proposal.record.as_ref().or(proposal.previous.as_ref()).cloned().unwrap_or_default();
    let before = proposal.previous.clone().filter(|_| operation == RecordOperation::Update).unwrap_or_default();
    let event = hook_event(operation, &collection.name, &shown, &before, context)?.build();
    let host = host(context);
    for (place, handler) in handlers {
        if is_outermost && host.tells_hooks.get() {
            host.link.tell(*place);
        }
        finish(handler, event.clone().into(), context)?;
    }
    if operation == RecordOperation::Delete {
        return Ok(());
    }
    let record = event.get(js_string!("record"), context)?;
    let Value::Object(fields) = from_js_patch(&record, "e.record", context)? else {
        return Err(misuse(format!("a hook before changes of {} left no object in e.record", collection.name)));
    };
    if fields.get("id").and_then(Value::as_str) != Some(proposal.key.1.as_str()) {
        return Err(misuse(format!("a hook before changes of {} changed the id of e.record", collection.name)));
    }
    proposal.fill(collection, fields).map_err(|error| halt(error, context))
}

fn hook_event<'a>(
    operation: RecordOperation,
    collection: &str,
    record: &Value,
    previous: &Value,
    context: &'a mut Context,
) -> JsResult<Builder<'a>> {
    let call = host(context).with_call("a record hook", |call| call.context.clone())?;
    Ok(Builder::new(context)
        .with_json(js_string!("record"), record)
        .with_json(js_string!("previous"), previous)
        .with_text(js_string!("operation"), operation.as_str())
        .with_text(js_string!("collection"), collection)
        .with_text(js_string!("actor"), &call.actor)
        .with_text(js_string!("tenant"), &call.tenant)
        .with_text(js_string!("correlationId"), &call.correlation))
}

/// Calls a hook in the middle of a handler and has it finish, an async one too. Promise jobs of the handler around it
/// wait until the hook has ended, as they would for any other function.
fn finish(handler: &JsObject, argument: JsValue, context: &mut Context) -> JsResult<()> {
    let jobs = host(context).jobs.clone();
    let outer = jobs.set_aside();
    let returned = handler.call(&JsValue::undefined(), &[argument], context).and_then(|returned| {
        let Some(promise) = returned.as_promise() else { return Ok(()) };
        context.run_jobs()?;
        match promise.state() {
            PromiseState::Fulfilled(_) => Ok(()),
            PromiseState::Rejected(reason) => {
                looked_at(promise, context);
                Err(JsError::from_opaque(reason))
            }
            PromiseState::Pending => Err(misuse("the promise of a record hook never settled")),
        }
    });
    jobs.take_up(outer);
    returned
}

/// The rejection is thrown on from here, so it is none that nobody has looked at.
fn looked_at(promise: JsPromise, context: &mut Context) {
    if let Ok(promise) = JsObject::from(promise).downcast::<Promise>() {
        let hooks = context.host_hooks();
        hooks.promise_rejection_tracker(&promise, OperationType::Handle, context);
    }
}

/// Makes the changes that a client wants, and gives the records as they will be stored.
pub(crate) fn make_all(run: ChangeRun, context: &mut Context) -> JsResult<Value> {
    let host = host(context);
    let now_ms = host.with_call("a change of records", |call| call.context.now_ms)?;
    host.tells_hooks.set(host.has_several_hooks(&run.changes));
    let mut records = Vec::with_capacity(run.changes.len());
    for Proposed { collection, id, record, previous, base_revision } in run.changes {
        let Some(own) = host.own_collection(&collection) else {
            return Err(misuse(format!("{collection} is no collection of this plugin")));
        };
        let key = (collection, id);
        let (record, previous) = (record.map(Arc::new), previous.map(Arc::new));
        let proposal = Proposal { key, previous, base_revision, record, now_ms };
        let made = make(&own, proposal, context)?;
        records.push(made.map_or(Value::Null, |record| Value::clone(&record)));
    }
    Ok(Value::Array(records))
}

/// The hooks that want to know of a change that was made, with their places, and what they are called with.
pub(crate) fn changed(run: &ChangedRun, context: &mut Context) -> JsResult<(Vec<(u16, JsObject)>, JsValue)> {
    let handlers = host(context).hooks(HookTime::After, run.operation, &run.collection);
    let event = hook_event(run.operation, &run.collection, &run.record, &run.previous, context)?
        .with_text(js_string!("id"), &run.id)
        .with(js_string!("attempt"), run.attempt)
        .build();
    Ok((handlers, event.into()))
}

impl Host {
    /// Whether more than one hook looks at changes that a client wants: who is told of none of them knows which runs.
    fn has_several_hooks(&self, changes: &[Proposed]) -> bool {
        let registered = self.registered.borrow();
        let looks = |hook: &&HookDeclared| {
            let is_of =
                |change: &Proposed| change.collection == hook.collection && change.operation() == hook.operation;
            hook.when == HookTime::Before && changes.iter().any(is_of)
        };
        registered.hooks.iter().filter(looks).nth(1).is_some()
    }

    /// The hooks of a time on an operation, in the order of their registration, with their places. They are noted as
    /// run.
    fn hooks(&self, when: HookTime, operation: RecordOperation, collection: &str) -> Vec<(u16, JsObject)> {
        let registered = self.registered.borrow();
        if registered.hooks.is_empty() {
            return Vec::new();
        }
        let wanted =
            |hook: &HookDeclared| hook.when == when && hook.operation == operation && hook.collection == collection;
        let handlers = self.handlers.borrow();
        let all = (0_u16..).zip(registered.hooks.iter().zip(&handlers.hooks));
        let hooks: Vec<(u16, JsObject)> =
            all.filter(|(_, (hook, _))| wanted(hook)).map(|(place, (_, it))| (place, it.clone())).collect();
        self.note_hooks(hooks.iter().map(|(place, _)| *place));
        hooks
    }
}
