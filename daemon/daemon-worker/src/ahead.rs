//! Reading ahead: what the items of a lane will want of the store is asked for together, before the first of them runs.
//!
//! An item knows what it will read before it runs, if its author says so with `prefetch`. The items behind it then
//! need not wait until it is decided: what it changed is in the lane's memory, and the rest is there already.

use crate::app::{event_object, verb_object, wanted};
use crate::engine::{Ahead, Engine};
use crate::unit::{Memory, by_key};
use boa_engine::{JsError, JsObject, JsResult, JsValue};
use daemon_frame::{Ask, Call, Item, LogLine};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

type Wanted = BTreeMap<String, BTreeSet<String>>;

impl Engine {
    /// Begins a lane, whose first item is at this place of the run.
    pub(crate) fn begin_lane(&mut self, first: u32, items: &[Item]) {
        self.ahead.clear();
        let shared = items.first().is_some_and(|item| item.lane.is_some());
        self.host.memory.replace(shared.then(Memory::default));
        if !shared {
            return;
        }
        let mut all = Wanted::new();
        for (at, item) in (first..).zip(items) {
            let Some(prefetch) = self.prefetch_of(item) else { continue };
            let mut ahead = Ahead::default();
            if let Err(error) = self.look_ahead(item, &prefetch, &mut ahead, &mut all) {
                ahead.complaint = Some(self.complaint(&error));
            }
            self.ahead.insert(at, ahead);
        }
        if !all.is_empty() {
            self.read_ahead(all);
        }
    }

    fn prefetch_of(&self, item: &Item) -> Option<JsObject> {
        let handlers = self.host.handlers.borrow();
        let handler = match &item.call {
            Call::Verb(call) => handlers.routes.get(call.route as usize),
            Call::Event(event) => handlers.subscriptions.get(event.subscription as usize),
            _ => None,
        };
        handler.and_then(|handler| handler.prefetch.clone())
    }

    fn look_ahead(&mut self, item: &Item, prefetch: &JsObject, ahead: &mut Ahead, all: &mut Wanted) -> JsResult<()> {
        self.clock.set(item.context.now_ms);
        let argument = match &item.call {
            Call::Verb(call) => verb_object(call, &item.context.tenant, &mut self.context)?,
            Call::Event(event) => event_object(event, &item.context, &mut self.context)?,
            _ => return Ok(()),
        };
        ahead.argument = Some(argument.clone());
        let given = prefetch.call(&JsValue::undefined(), &[argument], &mut self.context)?;
        for (collection, ids) in wanted(&given, &mut self.context)? {
            all.entry(collection).or_default().extend(ids);
        }
        Ok(())
    }

    fn complaint(&mut self, error: &JsError) -> LogLine {
        let failure = self.failed(error);
        let message = format!("prefetch: {}", failure.error.message);
        LogLine { level: "warn".to_owned(), message, fields: json!({"position": failure.position}) }
    }

    /// What the host refuses the handlers will ask for themselves, and be told why.
    fn read_ahead(&self, all: Wanted) {
        let wanted: Vec<(String, Vec<String>)> =
            all.into_iter().map(|(collection, ids)| (collection, ids.into_iter().collect())).collect();
        let Ok(asked) = self.host.link.ask(Ask::Ahead { wanted: wanted.clone() }) else { return };
        let memory = self.host.memory.borrow();
        let Some(memory) = memory.as_ref() else { return };
        for (key, record) in by_key(wanted, asked).unwrap_or_default() {
            memory.learn(key, record);
        }
    }
}
