use super::*;
use contract_model::{EventId, PluginSlug, Span, Spanned, SubscriptionId, TenantId, TopicName};
use daemon_store::{Options, QueryLimits, ReadSet, Store, UNNOTED_THROUGH, Unit};
use serde_json::{Map, json};
use tempfile::TempDir;

const REQUEST: &str = "gl.post.request";
const DONE: &str = "gl.post.done";

fn topic(name: &str) -> TopicName {
    TopicName::new(name).expect("a topic")
}

fn replies() -> Replies {
    Replies { ok: Spanned::new(topic(DONE), Span::default()), error: None }
}

/// A store that looks at two events of a story.
struct World {
    _folder: TempDir,
    store: Store,
    tenant: Tenant,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let query_limits = QueryLimits { events_scanned_max: 2, ..QueryLimits::default() };
        let options = Options { map_bytes: 64 << 20, query_limits, ..Options::default() };
        let store = Store::open(folder.path(), options).expect("a store");
        let tenant = store.create_tenant(&TenantId::new("demo").expect("a name"), "Demo").expect("a tenant");
        Self { _folder: folder, store, tenant }
    }

    fn decide(&self, change: impl FnOnce(&mut Unit)) -> Vec<Arc<Event>> {
        let mut unit = Unit::new(self.tenant.clone(), 1);
        unit.awaited = false;
        change(&mut unit);
        self.store.decide(unit, ReadSet::none()).expect("decided").events
    }

    fn publish(&self, id: &str, name: &str, cause: Option<&Event>) -> Arc<Event> {
        self.decide(|unit| unit.events.push(event(id, name, cause))).remove(0)
    }

    /// A handler of a request tells of it, and replies.
    fn reply(&self, id: &str, request: &Event) {
        let by = SubscriptionId::new(&PluginSlug::new("gl").expect("a slug"), id);
        self.decide(|unit| {
            unit.events =
                vec![event(&format!("{id}-told"), "gl.post.told", Some(request)), event(id, DONE, Some(request))];
            unit.replied = among(&unit.events, request, &replies());
            unit.handled = Some((by, request.sequence));
        });
    }

    fn found(&self, request: &Event) -> Result<Option<String>, String> {
        let view = self.store.view().expect("a view");
        let found = find(&view, self.tenant.clone(), request, &replies()).map_err(|error| error.line())?;
        Ok(found.map(|(_, reply)| reply.id.as_str().to_owned()))
    }
}

pub(crate) fn event(id: &str, name: &str, cause: Option<&Event>) -> NewEvent {
    let event = Event {
        id: EventId::new(id).expect("an id"),
        sequence: Sequence(0),
        topic: topic(name),
        tenant: TenantId::new("demo").expect("a name"),
        publisher: "plugin:gl".into(),
        actor: "demo".into(),
        roles: Vec::new(),
        time_ms: 1,
        correlation: "story".into(),
        causation: cause.map(|cause| cause.id.as_str().to_owned()),
        hops: 0,
        key: "k".into(),
        idempotency_key: None,
        trace: None,
        due_ms: None,
        expires_ms: None,
        headers: Map::new(),
        payload: json!({}),
    };
    NewEvent { event, payload_hash: String::new(), unique_until: None }
}

#[test]
fn a_reply_is_found_however_much_of_the_story_lies_between() {
    let world = World::new();
    let [first, second] = ["r1", "r2"].map(|id| world.publish(id, REQUEST, None));
    for n in 0..10 {
        world.publish(&format!("e{n}"), "gl.post.told", None);
    }
    assert_eq!((world.found(&first), world.found(&second)), (Ok(None), Ok(None)));
    world.reply("p1", &first);
    // Only the first one counts, also of another handler.
    world.reply("p2", &first);
    assert_eq!((world.found(&first), world.found(&second)), (Ok(Some("p1".to_owned())), Ok(None)));
}

#[test]
fn a_reply_from_before_they_were_noted_is_looked_for_within_a_limit() {
    let world = World::new();
    let near = world.publish("near", REQUEST, None);
    world.publish("near-done", DONE, Some(&near));
    let far = world.publish("far", REQUEST, None);
    let open = world.publish("open", REQUEST, None);
    world.publish("e1", "gl.post.told", None);
    let last = world.publish("far-done", DONE, Some(&far));
    world.decide(|unit| unit.meta.push((UNNOTED_THROUGH.to_owned(), Some(json!(last.sequence)))));
    let later = world.publish("later", REQUEST, None);
    for n in 2..9 {
        world.publish(&format!("e{n}"), "gl.post.told", None);
    }
    assert_eq!(world.found(&near), Ok(Some("near-done".to_owned())));
    let told = world.found(&far).expect_err("three events lie between");
    assert!(told.contains("request `far`") && told.contains("EVENTS_SCANNED_MAX"), "{told}");
    // Past the upgrade nothing is looked through, and a late reply is noted.
    assert_eq!((world.found(&open), world.found(&later)), (Ok(None), Ok(None)));
    world.reply("far-late", &far);
    assert_eq!(world.found(&far), Ok(Some("far-late".to_owned())));
}
