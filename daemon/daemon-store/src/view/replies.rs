//! The reply to a request, which the request's entry in its story names: whoever asks what became of a request reads two
//! entries, however long its story is.

use super::View;
use crate::error::StoreError;
use crate::eventlog::story_key;
use crate::key::Keyspace;
use crate::small::{decode_small, meta_key, read_sequence};
use crate::tenant::Tenant;
use contract_model::{Event, Sequence};

/// The meta entry with the last event whose reply may be in the log without being noted. Stores that never were of an
/// older format have none.
pub const UNNOTED_THROUGH: &str = "replies/unnoted-through";

/// What is known of the reply to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum NotedReply {
    /// It is there.
    Reply(Box<Event>),
    /// There is none, or none any more.
    Nothing,
    /// If there is one, it lies in the request's story, up to here.
    InStory(Sequence),
}

impl View {
    /// The reply to a request of the log.
    pub fn noted_reply(&self, tenant: &Tenant, request: &Event) -> Result<NotedReply, StoreError> {
        let key = story_key(tenant.number(), &request.correlation, request.sequence);
        let Some(noted) = self.layers().get(&key)? else { return Ok(NotedReply::Nothing) };
        if !noted.is_empty() {
            let reply = self.event(read_sequence(Keyspace::Story, &key[1..], &noted)?)?;
            return Ok(reply.map_or(NotedReply::Nothing, |reply| NotedReply::Reply(Box::new(reply))));
        }
        let key = meta_key(UNNOTED_THROUGH);
        let through = self.layers().get(&key)?;
        let through = through.map_or(Ok(0), |value| decode_small(Keyspace::Meta, &key[1..], &value))?;
        let through = Sequence(through);
        Ok(if request.sequence < through { NotedReply::InStory(through) } else { NotedReply::Nothing })
    }
}
