//! Records as clients ask for them, without any plugin's code: within their tenant, by the collection's rules.
//!
//! Reading order: `access` says who may do what, `read` lists and shows, `expand` follows references, `change` writes.
//! A change is a unit of work like a handler's: decided once, run again where it met another, acknowledged when synced.

mod access;
mod change;
mod expand;
mod read;
mod reserve;

pub use change::{Changed, Expected, Operation, RecordChange};
pub use expand::Expansion;
pub use read::{RecordPage, RecordQuery};
pub use reserve::{ReservationView, ReserveRequest};

use crate::api::{HostError, Identity};
use crate::host::{Host, Inner};
use crate::plugin::Plugin;
use contract_model::collection::Collection;
use contract_model::{ErrorCode, TenantId};
use contract_parse::ParsedPlugin;
use daemon_store::{Room, View};
use std::sync::Arc;

/// Who asks for records.
#[derive(Debug, Clone)]
pub struct RecordCaller {
    /// The tenant of the caller's token.
    pub tenant: TenantId,
    /// The caller.
    pub identity: Identity,
    /// W3C `traceparent`, if the client sent one.
    pub trace: Option<String>,
    /// Where the records that are read have their place until they are answered.
    pub room: Option<Arc<dyn Room>>,
}

impl RecordCaller {
    /// The view, which puts what is found into the caller's room.
    fn reading(&self, mut view: View) -> View {
        if let Some(room) = &self.room {
            view.find_room_in(Arc::clone(room));
        }
        view
    }
}

/// A collection that is asked for, with the plugin that owns it.
#[derive(Clone)]
struct Place {
    plugin: Arc<Plugin>,
    at: usize,
}

impl Place {
    fn find(inner: &Inner, name: &str) -> Result<Self, HostError> {
        let at = |plugin: &Plugin| plugin.collections().iter().position(|collection| collection.name == name);
        let found = inner
            .pools()
            .into_iter()
            .find_map(|pool| Some(Self { at: at(&pool.plugin)?, plugin: pool.plugin.clone() }));
        let unknown =
            || HostError::new(ErrorCode::CollectionUnknown, format!("no plugin declares a collection `{name}`"));
        found.ok_or_else(|| of_idle(inner, name).unwrap_or_else(unknown))
    }

    /// Another collection of the same plugin.
    fn sibling(&self, name: &str) -> Option<Self> {
        let at = self.plugin.collections().iter().position(|collection| collection.name == name)?;
        Some(Self { plugin: self.plugin.clone(), at })
    }

    fn collection(&self) -> &Collection {
        &self.plugin.collections()[self.at]
    }

    fn name(&self) -> &str {
        &self.collection().name
    }

    fn no_record(&self, id: &str) -> HostError {
        let text = format!("there is no record `{id}` in `{}`", self.name());
        HostError::new(ErrorCode::RecordNotFound, text)
    }
}

/// Why nobody serves a collection, where that is because its plugin does not run.
fn of_idle(inner: &Inner, name: &str) -> Option<HostError> {
    let suite = inner.suite();
    let declares = |parsed: &&ParsedPlugin| {
        parsed.collections.iter().flat_map(|all| &all.collections).any(|collection| collection.name == name)
    };
    let owner = suite.0.iter().find(declares)?.manifest.as_ref()?;
    let slug = owner.slug.value.as_str();
    inner.left_out().iter().find(|one| one.slug == slug)?.status().refusal()
}

impl Host {
    /// The collections of the plugins that are running, in the order of the plugins.
    pub fn collections(&self) -> Vec<Collection> {
        self.0.pools().iter().flat_map(|pool| pool.plugin.collections().to_vec()).collect()
    }
}
