//! The reply to a request in the log. It is noted with the request by the unit that handled it.

use crate::api::HostError;
use crate::outcome::{Reply, verdict};
use crate::reader::store_error;
use contract_model::manifest::Replies;
use contract_model::{ErrorCode, Event, Sequence};
use daemon_store::{EventFilter, EventsWanted, NewEvent, NotedReply, Tenant, View};
use std::sync::Arc;

/// Which of the events that a handler of a request publishes replies to it.
pub(crate) fn among(events: &[NewEvent], request: &Event, replies: &Replies) -> Option<usize> {
    events.iter().position(|new| of(&new.event, request, replies).is_some())
}

/// The reply to a request of the log, if it is there.
pub(crate) fn find(
    view: &View,
    tenant: Tenant,
    request: &Event,
    replies: &Replies,
) -> Result<Option<Reply>, HostError> {
    let judged = |event: Event| of(&event, request, replies).map(|verdict| (verdict, Arc::new(event)));
    match view.noted_reply(&tenant, request).map_err(|error| store_error(&error))? {
        NotedReply::Reply(event) => Ok(judged(*event)),
        NotedReply::Nothing => Ok(None),
        NotedReply::InStory(through) => {
            let filter = EventFilter { tenant: Some(tenant), topic: None };
            in_story(view, filter, request, through, judged)
        }
    }
}

fn of(event: &Event, request: &Event, replies: &Replies) -> Option<crate::outcome::Verdict> {
    verdict(replies, &event.topic).filter(|_| event.causation.as_deref() == Some(request.id.as_str()))
}

/// The reply to a request from before replies were noted.
fn in_story(
    view: &View,
    filter: EventFilter,
    request: &Event,
    through: Sequence,
    judged: impl Fn(Event) -> Option<Reply>,
) -> Result<Option<Reply>, HostError> {
    let wanted = EventsWanted {
        filter,
        correlation: Some(request.correlation.clone()),
        after: request.sequence,
        before: Some(through.next()),
        limit: usize::MAX,
        newest_first: false,
        bytes: None,
    };
    let page = view.events_page(&wanted).map_err(|error| store_error(&error))?;
    let found = page.events.into_iter().find_map(judged);
    if found.is_none() && page.next.is_some() {
        let text = format!(
            "what became of request `{}` cannot be told: it is from before the store was upgraded, and its story has \
             more events than are looked at (EVENTS_SCANNED_MAX, EVENTS_READ_BYTES_MAX); `trunkline events show {}` \
             tells all of them",
            request.id, request.id
        );
        return Err(HostError::new(ErrorCode::QueryTooLarge, text));
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod tests;
