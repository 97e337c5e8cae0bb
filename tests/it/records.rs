//! Records over REST: making, reading, changing, listing and deleting them, each change one unit of work.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "schema: schema.json\nroles: [{name: shop.user, billable: false, grants: [shop.use]}, {name: shop.boss, billable: false, grants: [shop.use]}]\n";
const SCHEMA: &str = r#"{"collections": [
  {"name": "shop_items", "fields": [
    {"name": "title", "type": "string", "required": true, "maxLength": 20},
    {"name": "price", "type": "money", "min": 0},
    {"name": "state", "type": "select", "values": ["draft", "sold"], "default": "draft"},
    {"name": "maker", "type": "reference", "ref": {"collection": "shop_makers"}}],
    "unique": [["title"]], "indexes": [["state", "price"]]},
  {"name": "shop_makers", "fields": [
    {"name": "name", "type": "string", "required": true},
    {"name": "town", "type": "reference", "ref": {"collection": "shop_towns", "onDelete": "set-null"}}]},
  {"name": "shop_towns", "fields": [{"name": "name", "type": "string"}]},
  {"name": "shop_log", "appendOnly": true, "fields": [{"name": "text", "type": "string"}]}
]}"#;
const CODE: &str = r#"
$app.routerAdd("GET", "/api/shop/count", () => $app.dao().countRecords("shop_items", {}));
$app.routerAdd("GET", "/api/shop/items/{id}", (e) => $app.dao().findRecordById("shop_items", e.params.id));
"#;
const ITEMS: &str = "/api/collections/shop_items/records";
const BATCH: &str = "/api/collections/shop_items/records/batch";

fn shop() -> (Daemon, Client) {
    let suite = Suite::new().plugin("shop", MANIFEST, CODE).file("shop/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

fn path(collection: &str, id: &str) -> String {
    format!("/api/collections/{collection}/records/{id}")
}

fn make(client: &Client, collection: &str, record: &Value) -> Value {
    client.post(&format!("/api/collections/{collection}/records"), record).expect_status(201).body
}

fn count(client: &Client) -> u64 {
    client.get("/api/shop/count").expect_status(200).data().as_u64().expect("a number")
}

#[test]
fn a_record_is_made_read_changed_and_deleted() {
    let (_daemon, client) = shop();
    let made = client.post(ITEMS, &json!({"title": "chair", "price": 9_007_199_254_740_993_i64})).expect_status(201);
    let id = made.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), path("shop_items", &id));
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!((&made.body["state"], &made.body["revision"]), (&json!("draft"), &json!(1)));

    let read = client.get(&path("shop_items", &id)).expect_status(200);
    assert_eq!(read.body, made.body, "what was answered is what is stored");
    assert_eq!(client.get(&format!("/api/shop/items/{id}")).expect_status(200).data(), &made.body, "a handler sees it");
    let again = client.send("GET", &path("shop_items", &id), &[("if-none-match", "\"1\"")], None).expect("an answer");
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", "\"1\""));

    // A fetched record may be changed and sent as it is.
    let mut whole = read.body.clone();
    whole["state"] = json!("sold");
    let changed = client.patch(&path("shop_items", &id), &whole).expect_status(200);
    assert_eq!((&changed.body["state"], &changed.body["revision"]), (&json!("sold"), &json!(2)));
    assert_eq!(changed.body["created"], made.body["created"]);
    let partly = client.patch(&path("shop_items", &id), &json!({"price": null})).expect_status(200);
    assert_eq!((&partly.body["title"], &partly.body["price"]), (&json!("chair"), &Value::Null));
    assert_eq!(client.get(&path("shop_items", &id)).body, partly.body);

    let gone = client.delete(&path("shop_items", &id)).expect_status(204);
    assert_eq!(gone.text, "");
    for answer in [client.get(&path("shop_items", &id)), client.delete(&path("shop_items", &id))] {
        answer.expect_error(404, "RECORD_NOT_FOUND");
        assert_eq!(answer.content_type, "application/problem+json");
    }
    client.patch(&path("shop_items", &id), &json!({"price": 1})).expect_error(404, "RECORD_NOT_FOUND");
}

#[test]
fn what_is_wrong_is_named_and_changes_nothing() {
    let (_daemon, client) = shop();
    let id = make(&client, "shop_items", &json!({"id": "one", "title": "chair"}))["id"].clone();
    assert_eq!(id, "one");
    let wrong = client.post(ITEMS, &json!({"title": "far too long a title for it", "colour": "red", "price": 1.5}));
    wrong.expect_error(422, "RECORD_INVALID");
    let fields: Vec<&str> = wrong.body["details"]["fields"]
        .as_array()
        .map(|fields| fields.iter().filter_map(|field| field["field"].as_str()).collect())
        .unwrap_or_default();
    assert_eq!(fields, ["title", "price", "colour"]);
    let cases = [
        (ITEMS, json!({"id": "one", "title": "other"}), 409, "RECORD_NOT_UNIQUE"),
        (ITEMS, json!({"title": "chair"}), 409, "RECORD_NOT_UNIQUE"),
        (ITEMS, json!({"title": "sofa", "maker": "nobody"}), 422, "REFERENCE_NOT_FOUND"),
        (ITEMS, json!({"title": "sofa", "id": "a\u{7}b"}), 422, "RECORD_INVALID"),
        (ITEMS, json!({"title": "sofa", "id": 7}), 422, "BODY_INVALID"),
        (ITEMS, json!(["title"]), 422, "BODY_INVALID"),
        ("/api/collections/shop_ghosts/records", json!({}), 404, "COLLECTION_UNKNOWN"),
        (BATCH, json!({"operations": []}), 422, "BODY_INVALID"),
        (BATCH, json!({"operations": [{"op": "upsert"}]}), 422, "BODY_INVALID"),
    ];
    for (path, body, status, code) in cases {
        client.post(path, &body).expect_error(status, code);
    }
    client.send("POST", ITEMS, &[], Some("{\"title\":")).expect("an answer").expect_error(400, "BODY_NOT_JSON");
    client.patch(&path("shop_items", "one"), &json!({"id": "two"})).expect_error(422, "BODY_INVALID");
    client.patch(&path("shop_items", "one"), &json!({"title": null})).expect_error(422, "RECORD_INVALID");
    let put = client.json("PUT", &path("shop_items", "one"), &[], &json!({}));
    put.expect_error(405, "METHOD_NOT_ALLOWED");
    client.post(&path("shop_items", "one"), &json!({})).expect_error(405, "METHOD_NOT_ALLOWED");
    for query in [
        "filter=title%20%3D",
        "filter=colour%3D1",
        "sort=colour",
        "limit=1001",
        "limit=x",
        "cursor=zz",
        "page=2",
        "expand=title",
        "expand=maker.town.x",
        "count=maybe",
    ] {
        let answer = client.get(&format!("{ITEMS}?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert!(["FILTER_INVALID", "QUERY_INVALID"].contains(&answer.code()), "{query}: {}", answer.text);
    }
    assert_eq!(count(&client), 1);
    assert_eq!(client.get(&path("shop_items", "one")).body["revision"], 1);
}

#[test]
fn a_list_filters_sorts_counts_and_goes_on_where_it_ended() {
    let (daemon, client) = shop();
    let operations: Vec<Value> = (0..60_u64)
        .map(|n| {
            let state = if n % 3 == 0 { "sold" } else { "draft" };
            json!({"op": "create", "record": {"id": format!("i{n:02}"), "title": format!("item {n}"), "price": n % 7, "state": state}})
        })
        .collect();
    client.post(BATCH, &json!({ "operations": operations })).expect_status(200);
    let list = |query: &str| client.get(&format!("{ITEMS}?{query}")).expect_status(200).body;
    let sold = list("filter=state%3D'sold'%26%26price%3E2&sort=-price&limit=5&count=true");
    let items = sold["items"].as_array().expect("items");
    assert!(items.iter().all(|item| item["state"] == "sold" && item["price"].as_i64() > Some(2)), "{sold}");
    assert_eq!((items.len(), &sold["count"]), (5, &json!(11)));
    for query in
        ["sort=-price&", "sort=price&", "", "sort=-id&", "filter=state%3D'draft'&sort=price&", "sort=state,-price&"]
    {
        let all = list(&format!("{query}limit=1000"));
        assert_eq!(all["cursor"], Value::Null);
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("{query}limit=7&cursor={cursor}"));
            paged.extend(page["items"].as_array().expect("items").clone());
            match page["cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(json!(paged), all["items"], "{query}");
    }
    assert_eq!(list("limit=0&count=true"), json!({"items": [], "cursor": null, "count": 60}));

    let cursor = list("sort=price&limit=7")["cursor"].as_str().expect("a cursor").to_owned();
    let elsewhere = |client: &Client, path: &str| client.get(&format!("{path}?sort={}&cursor={cursor}", "price"));
    elsewhere(&client, "/api/collections/shop_makers/records").expect_error(400, "FILTER_INVALID");
    client.get(&format!("{ITEMS}?sort=-price&cursor={cursor}")).expect_error(400, "FILTER_INVALID");
    let other = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    let other = client.with_token(other.body["token"].as_str().expect("a token"));
    elsewhere(&other, ITEMS).expect_error(400, "FILTER_INVALID");
}

#[test]
fn another_tenants_records_are_not_there() {
    let (daemon, client) = shop();
    make(&client, "shop_items", &json!({"id": "mine", "title": "chair"}));
    let other = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    let other = client.with_token(other.body["token"].as_str().expect("a token"));
    other.get(&path("shop_items", "mine")).expect_error(404, "RECORD_NOT_FOUND");
    other.patch(&path("shop_items", "mine"), &json!({"price": 1})).expect_error(404, "RECORD_NOT_FOUND");
    other.delete(&path("shop_items", "mine")).expect_error(404, "RECORD_NOT_FOUND");
    assert_eq!(other.get(&format!("{ITEMS}?count=true")).body, json!({"items": [], "cursor": null, "count": 0}));
    make(&other, "shop_items", &json!({"id": "mine", "title": "chair"}));
    assert_eq!(client.get(&path("shop_items", "mine")).body["revision"], 1);
    daemon.admin().get(ITEMS).expect_error(403, "FORBIDDEN");
    client.with_token("").get(ITEMS).expect_error(401, "UNAUTHENTICATED");
}

#[test]
fn a_change_meant_for_another_revision_is_refused() {
    let (_daemon, client) = shop();
    make(&client, "shop_items", &json!({"id": "a", "title": "chair", "price": 0}));
    let at = |method: &str, tag: &str, body: &Value| {
        client.json(method, &path("shop_items", "a"), &[("if-match", tag)], body)
    };
    assert_eq!(at("PATCH", "\"1\"", &json!({"price": 1})).expect_status(200).header("etag"), "\"2\"");
    let late = at("PATCH", "\"1\"", &json!({"price": 2}));
    late.expect_error(412, "REVISION_MISMATCH");
    assert_eq!(late.body["details"]["revision"], 2);
    at("DELETE", "\"1\"", &json!({})).expect_error(412, "REVISION_MISMATCH");
    at("PATCH", "W/\"2\"", &json!({"price": 2})).expect_error(412, "REVISION_MISMATCH");
    at("PATCH", "*", &json!({"price": 3})).expect_status(200);
    let stale = json!({"operations": [{"op": "update", "id": "a", "revision": 1, "record": {"price": 9}}]});
    client.post(BATCH, &stale).expect_error(412, "REVISION_MISMATCH");

    // Sixteen who each add one, and try again when they met another, add sixteen.
    let add = || loop {
        let read = client.get(&path("shop_items", "a"));
        let price = json!({"price": read.body["price"].as_i64().expect("a price") + 1});
        match at("PATCH", read.header("etag"), &price).status {
            200 => return,
            status => assert_eq!(status, 412),
        }
    };
    std::thread::scope(|scope| (0..16).for_each(|_| drop(scope.spawn(add))));
    assert_eq!(client.get(&path("shop_items", "a")).body["price"], 19);
}

#[test]
fn a_batch_is_all_or_nothing() {
    let (_daemon, client) = shop();
    let makers = "/api/collections/shop_makers/records/batch";
    client
        .post(makers, &json!({"operations": [{"op": "create", "record": {"id": "m", "name": "Ann"}}]}))
        .expect_status(200);
    let good = json!({"operations": [
        {"op": "create", "id": "a", "record": {"title": "a", "maker": "m"}},
        {"op": "create", "record": {"title": "b"}},
    ]});
    let done = client.post(BATCH, &good).expect_status(200);
    assert_eq!(done.body["items"][0]["id"], "a");
    assert_eq!(done.body["items"].as_array().map(Vec::len), Some(2));
    let mixed = |last: Value| {
        json!({"operations": [
            {"op": "update", "id": "a", "record": {"price": 5}}, {"op": "create", "record": {"title": "c"}}, last,
        ]})
    };
    let cases = [
        (json!({"op": "create", "record": {"title": "b"}}), 409, "RECORD_NOT_UNIQUE"),
        (json!({"op": "create", "record": {"titel": "d"}}), 422, "RECORD_INVALID"),
        (json!({"op": "create", "record": {"title": "d", "maker": "nobody"}}), 422, "REFERENCE_NOT_FOUND"),
        (json!({"op": "update", "id": "ghost", "record": {}}), 404, "RECORD_NOT_FOUND"),
        (json!({"op": "delete", "id": "a"}), 422, "BODY_INVALID"),
        (json!({"op": "delete"}), 422, "BODY_INVALID"),
    ];
    for (last, status, code) in cases {
        let refused = client.post(BATCH, &mixed(last));
        assert_eq!(refused.body["details"]["operation"], 2, "{}", refused.text);
        refused.expect_error(status, code);
    }
    let refused = client.post(BATCH, &mixed(json!({"op": "delete", "id": "ghost"})));
    assert_eq!(refused.body["details"]["operation"], 2, "{}", refused.text);
    assert_eq!(count(&client), 2, "nothing of a refused batch remains");
    assert_eq!(client.get(&path("shop_items", "a")).body["revision"], 1);
    let many: Vec<Value> = (0..1001).map(|n| json!({"op": "create", "record": {"title": format!("{n}")}})).collect();
    let many = client.post(BATCH, &json!({ "operations": many }));
    many.expect_error(422, "BODY_INVALID");
    assert!(many.text.contains("RECORDS_BATCH_MAX"), "{}", many.text);
    let last = json!({"operations": [{"op": "delete", "id": "a"}, {"op": "create", "record": {"title": "a"}}]});
    let done = client.post(BATCH, &last).expect_status(200);
    assert_eq!((&done.body["items"][0], &done.body["items"][1]["title"]), (&Value::Null, &json!("a")));
}

#[test]
fn a_repeated_key_makes_one_record() {
    let (mut daemon, client) = shop();
    let create = |client: &Client, title: &str| {
        client.json("POST", ITEMS, &[("idempotency-key", "order 7")], &json!({ "title": title }))
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8).map(|_| scope.spawn(|| create(&client, "chair").expect_status(201))).collect();
        handles.into_iter().map(|handle| handle.join().expect("an answer")).collect()
    });
    let ids: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.body["id"].as_str()).collect();
    assert_eq!((ids.len(), answers.iter().filter(|answer| !answer.replayed).count()), (1, 1));
    create(&client, "sofa").expect_error(409, "idempotency_conflict");
    daemon.restart().expect("the daemon starts again");
    let again = create(&daemon.client(), "chair").expect_status(201);
    assert!(again.replayed);
    assert_eq!(again.body, answers[0].body);
    assert_eq!(count(&daemon.client()), 1);
}

#[test]
fn references_are_followed_as_far_as_asked() {
    let (_daemon, client) = shop();
    make(&client, "shop_towns", &json!({"id": "t", "name": "Bern"}));
    make(&client, "shop_makers", &json!({"id": "m", "name": "Ann", "town": "t"}));
    make(&client, "shop_items", &json!({"id": "a", "title": "a", "maker": "m"}));
    make(&client, "shop_items", &json!({"id": "b", "title": "b"}));
    let one = client.get(&format!("{}?expand=maker.town", path("shop_items", "a"))).expect_status(200);
    let maker = &one.body["expand"]["maker"];
    assert_eq!((&maker["name"], &maker["expand"]["town"]["name"]), (&json!("Ann"), &json!("Bern")));
    let all = client.get(&format!("{ITEMS}?expand=maker")).expect_status(200);
    assert_eq!(all.body["items"][0]["expand"]["maker"]["id"], "m");
    assert_eq!(all.body["items"][0]["expand"]["maker"]["expand"], Value::Null, "no further than asked");
    assert_eq!(all.body["items"][1]["expand"], json!({}));
    client.delete(&path("shop_makers", "m")).expect_error(409, "RECORD_REFERENCED");
}

#[test]
fn an_append_only_collection_takes_new_records_only() {
    let (_daemon, client) = shop();
    make(&client, "shop_log", &json!({"id": "l", "text": "x"}));
    client.patch(&path("shop_log", "l"), &json!({"text": "y"})).expect_error(409, "RECORD_APPEND_ONLY");
    client.delete(&path("shop_log", "l")).expect_error(409, "RECORD_APPEND_ONLY");
    assert_eq!(client.get(&path("shop_log", "l")).body["text"], "x");
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let (mut daemon, client) = shop();
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let writer = |w: u64| {
            let client = client.clone();
            move || {
                (0..50)
                    .map(|n| {
                        let made = make(&client, "shop_items", &json!({"title": format!("{w} {n}")}));
                        made["id"].as_str().expect("an id").to_owned()
                    })
                    .collect::<Vec<_>>()
            }
        };
        let handles: Vec<_> = (0..4).map(|w| scope.spawn(writer(w))).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a writer")).collect()
    });
    daemon.restart().expect("the daemon starts again after SIGKILL");
    let client = daemon.client();
    for id in &acknowledged {
        client.get(&path("shop_items", id)).expect_status(200);
    }
    assert_eq!((acknowledged.len() as u64, count(&client)), (200, 200));
    assert_eq!(daemon.command(&["store", "verify"]).exit, Some(0));
}

#[test]
fn the_description_names_every_collection() {
    let (_daemon, client) = shop();
    let document = client.get("/api/openapi.json").expect_status(200).body;
    for (path, method) in [
        ("/api/collections/shop_items/records", "get"),
        ("/api/collections/shop_items/records", "post"),
        ("/api/collections/shop_items/records/{id}", "patch"),
        ("/api/collections/shop_items/records/batch", "post"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path} is not described");
    }
    assert!(document["paths"]["/api/collections/shop_log/records/{id}"]["patch"].is_null(), "an appendOnly collection");
    let fields = &document["components"]["schemas"]["shop_items"]["properties"];
    assert_eq!(fields["state"]["enum"], json!(["draft", "sold", null]));
    assert_eq!(fields["title"]["maxLength"], 20);
}

/// What a client that was made from the description can send.
#[test]
fn the_description_lets_a_change_name_some_of_the_fields() {
    let (_daemon, client) = shop();
    let id = make(&client, "shop_items", &json!({"title": "chair"}))["id"].clone();
    let document = client.get("/api/openapi.json").expect_status(200).body;
    let shape = |path: &str, method: &str| {
        let schema = &document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"];
        let place = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#')).expect("a reference");
        document.pointer(place).expect("what is referred to").clone()
    };
    let (whole, part) = (shape(ITEMS, "post"), shape(&path("shop_items", "{id}"), "patch"));
    assert_eq!(whole["required"], json!(["title"]));
    assert_eq!(part["required"], Value::Null, "a change names what it changes");
    for same in ["type", "properties", "additionalProperties"] {
        assert_eq!(part[same], whole[same], "{same}");
    }
    let change = json!({"price": 7});
    let changed = client.patch(&path("shop_items", id.as_str().expect("an id")), &change).expect_status(200).body;
    assert_eq!((&changed["title"], &changed["price"]), (&json!("chair"), &json!(7)));
    assert!(document["components"]["schemas"]["shop_log.changes"].is_null(), "nothing of it can be changed");
}
