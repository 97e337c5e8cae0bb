//! What lies under a key, in words: for reports of damage.

use crate::key::{Keyspace, closing_u64};
use crate::registry::Registry;

/// Names the place of an entry: its collection, tenant or position in the log, as far as its key tells.
pub(crate) fn locate(registry: &Registry, keyspace: Keyspace, key: &[u8]) -> String {
    let number = |at: usize| Some(u32::from_be_bytes(key.get(at..at + 4)?.try_into().ok()?));
    let tenant = || match number(0) {
        Some(0) => "of the daemon itself".to_owned(),
        number => match number.and_then(|number| registry.tenant_of(number)) {
            Some(tenant) => format!("of tenant `{}`", tenant.id()),
            None => "of no known tenant".to_owned(),
        },
    };
    let event = || closing_u64(key).map_or_else(String::new, |sequence| format!(" of event {sequence}"));
    match keyspace {
        Keyspace::Documents => {
            let id = String::from_utf8_lossy(key.get(8..).unwrap_or_default());
            format!("record `{id}` of `{}` {}", registry.collection_of(number(4)), tenant())
        }
        Keyspace::Index | Keyspace::Unique => {
            format!("an entry in an index of `{}` {}", registry.collection_of(number(4)), tenant())
        }
        Keyspace::Log => format!("event {}", closing_u64(key).unwrap_or_default()),
        Keyspace::EventId | Keyspace::Idempotency => format!("an entry of `{}` {}", keyspace.name(), tenant()),
        Keyspace::Story => format!("the entry in `story`{} {}", event(), tenant()),
        Keyspace::TopicLog | Keyspace::Inbox | Keyspace::Retries | Keyspace::DeadLetters => {
            format!("the entry in `{}`{}", keyspace.name(), event())
        }
        Keyspace::Meta | Keyspace::Cursors | Keyspace::Answers => {
            format!("the entry {} of `{}`", String::from_utf8_lossy(key).escape_debug(), keyspace.name())
        }
    }
}
