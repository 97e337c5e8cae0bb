use crate::world::World;
use contract_schema::Schema;
use serde_json::{Value, json};

const EVENT: &str = r#"{"specversion": "1.0", "id": "e1", "type": "ap.bill.paid", "data": {"n": 1}}"#;

#[tokio::test]
async fn publishing_twice_is_a_duplicate() {
    let world = World::open().await;
    let first = world.send("POST", "/api/events", &world.clerk, "", EVENT).await;
    assert_eq!((first.status, first.json()), (202, json!({"id": "e1", "sequence": 1, "duplicate": false})));
    let again = world.send("POST", "/api/events", &world.clerk, "", EVENT).await;
    assert_eq!((again.status, again.json()["duplicate"].clone()), (200, json!(true)));
}

#[tokio::test]
async fn the_place_of_an_event_leads_to_it_whatever_its_id() {
    let world = World::open().await;
    for id in ["e-1.a_b~c", "a/b", "50%", "a?b#c"] {
        let event = json!({"id": id, "type": "ap.bill.paid", "data": {}}).to_string();
        let answer = world.send("POST", "/api/events", &world.clerk, "", &event).await;
        let place = answer.header("location").unwrap_or_else(|| panic!("{id}: {answer:?}")).to_owned();
        let shown = world.get(&place, &world.clerk).await;
        assert_eq!((shown.status, shown.json()["id"].clone()), (200, json!(id)), "{place}");
    }
}

#[tokio::test]
async fn binary_mode_takes_attributes_from_headers() {
    let world = World::open().await;
    let headers = "ce-type: ap.bill.paid\r\nce-id: b%2D1\r\nce-specversion: 1.0\r\n";
    let answer = world.send("POST", "/api/events", &world.clerk, headers, r#"{"n": 2}"#).await;
    assert_eq!((answer.status, answer.json()["id"].clone()), (202, json!("b-1")));
    let shown = world.get("/api/events/b-1", &world.clerk).await;
    assert_eq!((shown.status, shown.json()["data"].clone()), (200, json!({"n": 2})));
}

#[tokio::test]
async fn a_preferred_wait_gives_the_outcome() {
    let world = World::open().await;
    let answer = world.send("POST", "/api/events", &world.clerk, "prefer: wait=2\r\n", EVENT).await;
    assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("ok")));
    assert_eq!(answer.json()["reply"]["id"], "e1");
    let outcome = world.get("/api/events/e1/outcome?wait=5s", &world.clerk).await;
    assert_eq!(outcome.json()["status"], "ok");
}

/// What a client that was made from the description sends.
#[tokio::test]
async fn the_description_has_the_bodies_that_publish() {
    let world = World::open().await;
    let document = world.get("/api/openapi.json", "").await.json();
    let operation = &document["paths"]["/api/events"]["post"];
    assert_eq!(operation["requestBody"]["required"], true);
    let content = operation["requestBody"]["content"].as_object().expect("bodies");
    let named: Vec<&str> = content.keys().map(String::as_str).collect();
    assert_eq!(named, ["application/cloudevents+json", "application/json", "application/x-ndjson"]);
    let at = |schema: &Value| {
        let path = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#')).expect("a reference");
        Schema::compile_value(document.pointer(path).expect("what is referred to"), path).expect("a schema")
    };
    for (media_type, body) in content {
        let id = media_type.replace(['/', '+'], "-");
        let event = json!({"specversion": "1.0", "id": id, "type": "ap.bill.paid", "data": {"n": 1}});
        let described = at(&body["schema"]);
        described.validate(&event).expect("an event");
        for bad in [
            json!([event]),
            json!({"id": id, "data": {}}),
            json!({"type": 7}),
            json!({"type": "a.b", "specversion": "0.3"}),
        ] {
            assert!(!described.is_valid(&bad), "{media_type}: {bad}");
            let sent = world.send("POST", "/api/events", &world.clerk, "", &bad.to_string()).await;
            assert_eq!(sent.status, 422, "{bad}");
        }
        let header = format!("content-type: {media_type}\r\n");
        let sent = world.send("POST", "/api/events", &world.clerk, &header, &event.to_string()).await;
        let answer = sent.lines().remove(0);
        assert_eq!((&answer["id"], &answer["duplicate"]), (&json!(id), &json!(false)), "{media_type}: {answer}");
        let answers = &operation["responses"]["2XX"]["content"][sent.header("content-type").expect("a type")];
        at(&answers["schema"]).validate(&answer).expect("an answer");
    }
}

#[tokio::test]
async fn only_a_token_with_the_scope_publishes() {
    let world = World::open().await;
    assert_eq!(world.send("POST", "/api/events", &world.guest, "", EVENT).await.status, 403);
    assert_eq!(world.send("POST", "/api/events", &world.admin, "", EVENT).await.status, 403);
    assert_eq!(world.send("POST", "/api/events", "", "", EVENT).await.status, 401);
}

#[tokio::test]
async fn a_tenant_sees_its_own_events_and_the_admin_all() {
    let world = World::open().await;
    world.host.append("demo", "ap.bill.paid", "mine", json!({}));
    world.host.append("other", "ap.bill.paid", "theirs", json!({}));
    let ids = async |path: &str, token: &str| {
        let list = world.get(path, token).await.json();
        list.as_array()
            .expect("a list")
            .iter()
            .map(|e| e["id"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("/api/events", &world.clerk).await, ["mine"]);
    assert_eq!(ids("/api/events?order=desc", &world.admin).await, ["theirs", "mine"]);
    assert_eq!(ids("/api/events?tenant=other", &world.admin).await, ["theirs"]);
    assert_eq!(world.get("/api/events?tenant=other", &world.clerk).await.status, 403);
    for path in ["/api/events/theirs", "/api/events/theirs/story", "/api/events/theirs/outcome"] {
        assert_eq!(world.get(path, &world.clerk).await.status, 404, "{path}");
        assert_eq!(world.get(path, &world.stranger).await.status, 200, "{path}");
        assert_eq!(world.get(path, &world.admin).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_full_page_names_the_next() {
    let world = World::open().await;
    for id in ["a", "b", "c"] {
        world.host.append("demo", "ap.bill.paid", id, json!({}));
    }
    let page = world.get("/api/events?limit=2&topic=ap.**", &world.clerk).await;
    assert_eq!(page.header("link"), Some("</api/events?limit=2&topic=ap.**&after=2>; rel=\"next\""));
    assert_eq!(world.get("/api/events?limit=2&after=2", &world.clerk).await.header("link"), None);
}
