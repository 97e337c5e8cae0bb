//! Filters, sorting and paging of `$app.dao()`: what each form means, and what is refused by name.

use serde_json::{Value, json};
use tests::{Client, Daemon, Start, Suite};

const SCHEMA: &str = r#"{"collections": [{"name": "shelf_books", "indexes": [["price"]], "fields": [
  {"name": "title", "type": "string"}, {"name": "price", "type": "integer"}, {"name": "sold", "type": "boolean"},
  {"name": "tags", "type": "list"}]}]}"#;
const CODE: &str = r#"
const told = (error) => ({ code: error.code ?? error.name, message: error.message, status: error.status ?? null });
const tried = (work) => { try { return work($app.dao()); } catch (error) { return told(error); } };
$app.routerAdd("POST", "/api/shelf/fill", (e) => $app.dao().saveRecords("shelf_books", e.body));
$app.routerAdd("POST", "/api/shelf/find", (e) => tried((dao) => {
  const found = dao.findRecordsByFilter("shelf_books", e.body.filter, e.body.options, e.body.bindings);
  return { ids: found.map((one) => one.id), cursor: found.cursor ?? null };
}));
$app.routerAdd("POST", "/api/shelf/same", (e) => tried((dao) => [
  dao.countRecords("shelf_books", e.body.filter, e.body.bindings),
  dao.findFirstRecordByFilter("shelf_books", e.body.filter, e.body.bindings)?.id ?? null,
]));
const undefinedOnes = [
  { price: undefined }, { price: { gt: undefined } }, { price: { gt: undefined, lt: 50 } }, { title: { in: ["a", undefined] } },
  { or: [{ title: "a" }, undefined] }, { not: { title: undefined } },
];
$app.routerAdd("POST", "/api/shelf/undefined", () => undefinedOnes.flatMap((filter) => [
  tried((dao) => dao.findFirstRecordByFilter("shelf_books", filter)),
  tried((dao) => dao.findRecordsByFilter("shelf_books", filter)),
  tried((dao) => dao.countRecords("shelf_books", filter)),
]));
$app.routerAdd("POST", "/api/shelf/changed", (e) => {
  const dao = $app.dao();
  dao.saveRecord("shelf_books", { id: "z", price: 35 });
  const pages = [];
  let cursor;
  do {
    const page = dao.findRecordsByFilter("shelf_books", { price: { gt: 10 } }, { sort: "price", limit: 2, cursor });
    pages.push(page.map((one) => one.id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { pages, foreign: tried((dao) => dao.findRecordsByFilter("shelf_books", { price: { gt: 10 } }, { sort: "price", limit: 2, cursor: e.body.cursor })) };
});
$app.routerAdd("POST", "/api/shelf/across", (e) => tried((dao) => dao.findAcross(e.body)));
"#;

fn shelf() -> Daemon {
    let roles = "schema: schema.json\nroles: [{name: shelf.user, billable: false, grants: [shelf.use]}]\n";
    let daemon = Start::suite(Suite::new().plugin("shelf", roles, CODE).file("shelf/schema.json", SCHEMA)).run();
    let books = json!([
        {"id": "a", "title": "Rent in May", "price": 10, "sold": true, "tags": ["old", "red"]},
        {"id": "b", "title": "rent a boat", "price": 20, "sold": false, "tags": []},
        {"id": "c", "title": "Maybe", "price": 30},
        {"id": "d", "title": null, "price": 30, "sold": true, "tags": ["red"]},
        {"id": "e", "price": 40, "sold": false},
    ]);
    daemon.client().post("/api/shelf/fill", &books).expect_status(200);
    daemon
}

fn find(client: &Client, asked: &Value) -> Value {
    client.post("/api/shelf/find", asked).expect_status(200).data().clone()
}

#[test]
fn both_forms_of_a_filter_mean_what_the_page_says() {
    let daemon = shelf();
    let client = daemon.client();
    let cases = [
        (json!(null), "", "abcde"),
        (json!({}), "  ", "abcde"),
        (json!({"price": 30}), "price = 30", "cd"),
        (json!({"price": {"ne": 30}}), "price != 30", "abe"),
        (json!({"price": {"lt": 30}}), "price < 30", "ab"),
        (json!({"price": {"le": 30}}), "price <= 30", "abcd"),
        (json!({"price": {"lte": 20}}), "price <= {:most}", "ab"),
        (json!({"price": {"gt": 10, "lt": 40}}), "price > 10 && price < 40", "bcd"),
        (json!({"price": {"ge": 40}}), "price >= 40", "e"),
        (json!({"price": {"gte": 40}}), "!(price < 40)", "e"),
        (json!({"price": {"in": [10, 40]}}), "price in [10, 40]", "ae"),
        (json!({"title": {"in": []}}), "title ?= []", ""),
        (json!({"title": {"contains": "May"}}), "title ~ 'May'", "ac"),
        (json!({"tags": {"contains": "red"}}), "tags ~ \"red\"", "ad"),
        (json!({"title": {"matches": "MAY rent"}}), "title matches 'MAY rent'", "a"),
        (json!({"title": null}), "title = null", "de"),
        (json!({"title": {"ne": null}}), "title != null", "abc"),
        (json!({"sold": {"ne": true}}), "sold != true", "bce"),
        (json!({"price": "30"}), "price = '30'", ""),
        (json!({"price": {"gt": 20}, "sold": true}), "price > 20 && sold = true", "d"),
        (json!({"or": [{"price": 10}, {"sold": false}]}), "price = 10 || sold = false", "abe"),
        (json!({"and": [{"price": 30}, {"not": {"sold": true}}]}), "price = 30 && !sold = true", "c"),
        (json!({"or": []}), "title in []", ""),
        (json!({"id": {"in": ["e", "a"]}}), "id in ['e', 'a']", "ae"),
    ];
    for (structured, expression, ids) in cases {
        for filter in [structured, json!(expression)] {
            let bindings = json!({"most": 20});
            let found = find(&client, &json!({"filter": filter, "options": {"bindings": bindings}}));
            let found = found["ids"].as_array().map(|ids| ids.iter().filter_map(Value::as_str).collect::<String>());
            assert_eq!(found.as_deref(), Some(ids), "{filter}");
            let same = client.post("/api/shelf/same", &json!({"filter": filter, "bindings": bindings})).data().clone();
            assert_eq!(same, json!([ids.len(), ids.get(..1)]), "{filter}");
        }
    }
}

#[test]
fn records_come_in_the_order_asked_for_and_page_by_page() {
    let daemon = shelf();
    let client = daemon.client();
    for (sort, order) in [
        (json!(null), "abcde"),
        (json!("-price"), "ecdba"),
        (json!("+price"), "abcde"),
        (json!(["-price", "-id"]), "edcba"),
        (json!("sold, -price"), "cebda"),
        (json!("title,-price"), "edcab"),
    ] {
        let mut cursor = Value::Null;
        let mut seen = String::new();
        for _ in 0..3 {
            let page = find(&client, &json!({"options": {"sort": sort, "limit": 2, "cursor": cursor}}));
            seen.extend(page["ids"].as_array().into_iter().flatten().filter_map(Value::as_str));
            cursor = page["cursor"].clone();
        }
        assert_eq!((seen.as_str(), &cursor), (order, &Value::Null), "{sort}");
    }
    assert_eq!(find(&client, &json!({"options": {"limit": 0}})), json!({"ids": [], "cursor": null}));
    assert_eq!(find(&client, &json!({"options": {"limit": 5}}))["cursor"], Value::Null);
    let named = find(&client, &json!({"filter": "price > {:min}", "options": {"min": 30, "sort": "id"}}));
    assert_eq!(named["ids"], json!(["e"]), "other keys of the options are bound values");
    let fourth = find(&client, &json!({"filter": "price > {:limit}", "options": null, "bindings": {"limit": 30}}));
    assert_eq!(fourth["ids"], json!(["e"]));
}

#[test]
fn what_a_call_has_changed_itself_is_paged_too_and_only_by_its_own_cursors() {
    let daemon = shelf();
    let client = daemon.client();
    let first = find(&client, &json!({"filter": {"price": {"gt": 10}}, "options": {"sort": "price", "limit": 2}}));
    let changed = client.post("/api/shelf/changed", &json!({"cursor": first["cursor"]})).expect_status(200);
    let changed = changed.data();
    assert_eq!(changed["pages"], json!([["b", "c"], ["d", "z"], ["e"]]));
    assert_eq!(changed["foreign"]["code"], "FILTER_INVALID", "{changed}");
    assert!(changed["foreign"]["message"].as_str().is_some_and(|text| text.contains("page first")), "{changed}");
}

#[test]
fn a_query_that_is_none_is_refused_by_name() {
    let daemon = shelf();
    let client = daemon.client();
    let other = find(&client, &json!({"options": {"sort": "price", "limit": 1}}))["cursor"].clone();
    let filters = [
        (json!({"prise": 1}), "prise"),
        (json!("prise = 1"), "prise"),
        (json!({"price": {"above": 1}}), "one of eq, ne, lt, le, lte, gt, ge, gte, in, contains, matches"),
        (json!({"price": {"in": 1}}), "a list of values"),
        (json!({"title": {"matches": 1}}), "a text of words"),
        (json!({"price": {}}), "a comparison such as {gt: 100}"),
        (json!({"or": {"price": 1}}), "a list of conditions"),
        (json!([1]), "an object of fields and conditions"),
        (json!("price > {:min}"), "a binding that has a value"),
        (json!("price >"), "character 8"),
        (json!(format!("{}price = 1", "!".repeat(40))), "FILTER_DEPTH_MAX"),
    ];
    for (filter, says) in filters {
        let refused = find(&client, &json!({"filter": filter}));
        assert_eq!(
            (&refused["code"], &refused["status"]),
            (&json!("FILTER_INVALID"), &json!(400)),
            "{filter}: {refused}"
        );
        assert!(refused["message"].as_str().is_some_and(|text| text.contains(says)), "{filter}: {refused}");
    }
    for (options, code, says) in [
        (json!({"sort": "prise"}), "FILTER_INVALID", "prise"),
        (json!({"sort": "price,"}), "FILTER_INVALID", "sort is field names"),
        (json!({"sort": [1]}), "FILTER_INVALID", "sort is field names"),
        (json!({"sort": "-price", "cursor": other}), "FILTER_INVALID", "cursor"),
        (json!({"cursor": "x"}), "FILTER_INVALID", "cursor"),
        (json!({"cursor": 1}), "TypeError", "cursor must be a text"),
        (json!({"limit": -1}), "TypeError", "limit must be a whole number"),
        (json!({"limit": 1.5}), "TypeError", "limit must be a whole number"),
        (json!({"offset": 1}), "TypeError", "no `offset`; known are sort, limit, cursor, bindings"),
        (json!({"bindings": 1}), "TypeError", "bindings must be an object"),
        (json!("price"), "TypeError", "query options must be an object"),
    ] {
        let refused = find(&client, &json!({"filter": {}, "options": options}));
        assert_eq!(refused["code"], code, "{options}: {refused}");
        assert!(refused["message"].as_str().is_some_and(|text| text.contains(says)), "{options}: {refused}");
    }
    let across = client.post("/api/shelf/across", &json!({"shelf_books": {"ids": ["a"], "feilds": ["id"]}}));
    assert!(across.text.contains("no `feilds`; known are ids, fields"), "{}", across.text);
}

/// A filter that lost a condition would find more than was asked for: the first record of all instead of one.
#[test]
fn a_condition_that_is_undefined_is_refused_and_not_left_out() {
    let daemon = shelf();
    let client = daemon.client();
    let all = client.post("/api/shelf/undefined", &json!({})).expect_status(200).data().clone();
    let all = all.as_array().expect("answers");
    assert_eq!(all.len(), 18);
    for (at, one) in all.iter().enumerate() {
        assert_eq!(one["code"], "VALUE_UNSUPPORTED", "{at}: {one}");
        assert!(one["message"].as_str().is_some_and(|text| text.contains("is undefined; write null")), "{at}: {one}");
    }
    assert!(all[0]["message"].as_str().is_some_and(|text| text.contains("filter.price")), "{}", all[0]);
}
