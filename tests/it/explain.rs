//! How a query is answered is told, and one that looks at too much in vain is refused by name.

use serde_json::{Value, json};
use tests::{Start, Suite};

const MANIFEST: &str = "
schema: schema.json
roles: [{name: shop.user, billable: false, grants: [shop.use]}]
";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/shop/fill", () => {
  for (let n = 0; n < 300; n++) $app.dao().saveRecord("shop_items", { sku: `sku-${n}`, shelf: n % 10, price: n });
});
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "shop_items", "unique": [["sku"]], "indexes": [["shelf", "price"]],
  "fields": [{"name": "sku", "type": "string"}, {"name": "shelf", "type": "integer"}, {"name": "price", "type": "integer"}]}]}"#;

#[test]
fn a_query_is_explained_by_what_it_looks_at() {
    let mut daemon = Start::suite(Suite::new().plugin("shop", MANIFEST, CODE).file("shop/schema.json", SCHEMA)).run();
    daemon.client().post("/api/shop/fill", &json!({})).expect_status(200);
    let explain = |filter: &str, sort: &str, limit: u64| {
        let body =
            json!({"tenant": "demo", "collection": "shop_items", "filter": filter, "sort": sort, "limit": limit});
        daemon.admin().post("/api/_admin/store/explain", &body).expect_status(200).body
    };
    let told = |by: &str, fields: Value, fixed: u64, bounded: bool, gives_order: bool, scanned: u64, given: u64| json!({"by": by, "fields": fields, "fixed": fixed, "bounded": bounded, "gives_order": gives_order, "scanned": scanned, "given": given});
    let index = || json!(["shelf", "price"]);
    assert_eq!(explain("sku = 'sku-7'", "", 100), told("unique", json!(["sku"]), 1, false, false, 1, 1));
    assert_eq!(explain("shelf = 3", "", 100), told("index", index(), 1, false, false, 30, 30));
    assert_eq!(explain("shelf = 3 && price > 200", "price", 100), told("index", index(), 1, true, true, 10, 10));
    assert_eq!(explain("shelf = 3", "-price", 5), told("index", index(), 1, false, true, 6, 5));
    assert_eq!(explain("price = 7", "", 100), told("collection", json!([]), 0, false, true, 300, 1));
    assert_eq!(explain("price < 100", "-price", 7), told("collection", json!([]), 0, false, false, 300, 7));

    let ran =
        daemon.command(&["store", "explain", "shop_items", "--tenant", "demo", "--filter", "shelf = 3", "--json"]);
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    assert_eq!((&said["by"], &said["scanned"]), (&json!("index"), &json!(30)), "{said}");
    let wrong = json!({"tenant": "demo", "collection": "shop_items", "filter": "colour = 1"});
    daemon.admin().post("/api/_admin/store/explain", &wrong).expect_error(400, "FILTER_INVALID");
    let nobody = json!({"tenant": "nobody", "collection": "shop_items"});
    daemon.admin().post("/api/_admin/store/explain", &nobody).expect_error(404, "NOT_FOUND");
    daemon.client().post("/api/_admin/store/explain", &wrong).expect_error(403, "FORBIDDEN");
    assert!(daemon.stop().expect("it stops").success());
}

const NOTES: &str = r#"{"collections": [{"name": "memo_notes", "fullText": ["text"],
  "fields": [{"name": "text", "type": "string"}, {"name": "n", "type": "integer"}]}]}"#;
const NOTES_CODE: &str = r#"
$app.routerAdd("POST", "/api/memo/fill", () => {
  for (let n = 0; n < 50; n++) $app.dao().saveRecord("memo_notes", { text: `Invoice ${n} of the office in Köln, ${n % 7 ? "paid" : "open"}`, n });
});
$app.routerAdd("GET", "/api/memo/found", (e) => {
  const found = $app.dao().findRecordsByFilter("memo_notes", { text: { matches: "OPEN köln" }, n: { gt: 10 } }, { sort: "n" });
  return found.map((note) => note.n);
});
"#;

#[test]
fn records_are_found_by_the_words_of_a_text() {
    let roles = "schema: schema.json\nroles: [{name: memo.user, billable: false, grants: [memo.use]}]\n";
    let suite = Suite::new().plugin("memo", roles, NOTES_CODE).file("memo/schema.json", NOTES);
    let mut daemon = Start::suite(suite).run();
    let client = daemon.client();
    client.post("/api/memo/fill", &json!({})).expect_status(200);
    assert_eq!(client.get("/api/memo/found").expect_status(200).data(), &json!([14, 21, 28, 35, 42, 49]));
    let over_rest = |filter: &str| {
        let body =
            client.get(&format!("/api/collections/memo_notes/records?sort=n&filter={filter}")).expect_status(200).body;
        body["items"].as_array().expect("items").iter().map(|note| note["n"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(over_rest("text%20matches%20%27invoice%20open%27%20%26%26%20n%20%3C%2010"), [0, 7]);
    assert_eq!(over_rest("text%20matches%20%27offic%27"), [0; 0], "a part of a word is none");
    client.get("/api/collections/memo_notes/records?filter=text%20matches%203").expect_error(400, "FILTER_INVALID");
    let asked = json!({"tenant": "demo", "collection": "memo_notes", "filter": "text matches 'the open'"});
    let told = daemon.admin().post("/api/_admin/store/explain", &asked).expect_status(200).body;
    assert_eq!((&told["by"], &told["scanned"], &told["given"]), (&json!("words"), &json!(8), &json!(8)), "{told}");
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!(report["ok"], json!(true), "{report}");
    assert!(daemon.stop().expect("it stops").success());
}

#[test]
fn the_ledger_suite_reads_what_grows_in_the_order_of_an_index() {
    let daemon = Start::dev(&tests::binary::ledger_example()).run();
    let told = |collection: &str, filter: &str, sort: &str, index: &[&str]| {
        let body = json!({"tenant": "demo", "collection": collection, "filter": filter, "sort": sort, "limit": 10});
        let said = daemon.admin().post("/api/_admin/store/explain", &body).expect_status(200).body;
        let way = (&said["by"], &said["fields"], &said["gives_order"]);
        assert_eq!(way, (&json!("index"), &json!(index), &json!(true)), "{body} {said}");
    };
    let by_date = ["entity", "date"];
    let by_status = ["entity", "status", "date"];
    for (documents, party) in [("ap_bills", "supplier"), ("ar_invoices", "customer")] {
        let of_party = format!("entity = 'A' && {party} = 'P'");
        told(documents, "entity = 'A'", "-date", &by_date);
        told(documents, "entity = 'A' && status = 'posted'", "-date", &by_status);
        let by_party = ["entity", party, "date"];
        told(documents, &of_party, "-date", &by_party);
        told(documents, &format!("{of_party} && status = 'posted'"), "-date", &by_party);
    }
    for documents in ["ap_bills", "ap_payments", "ar_invoices", "ar_receipts"] {
        told(documents, "entity = 'A' && status = 'posted' && date <= '2026-12-31'", "date", &by_status);
    }
    let days = "entity = 'A' && postingDate >= '2026-12-01' && postingDate <= '2026-12-15'";
    let days_of_account = "entity = 'A' && accounts ~ '1000' && postingDate >= '2026-12-01'";
    let by_account = ["entity", "accounts", "postingDate", "chainSeq"];
    told("gl_journals", "entity = 'A' && chainSeq > 7", "chainSeq", &["entity", "chainSeq"]);
    told("gl_journals", days, "postingDate", &["entity", "postingDate"]);
    told("gl_journals", days_of_account, "postingDate,chainSeq", &by_account);
    let months_of_account = "entity = 'A' && account = '1000' && period < '2026-12'";
    told("gl_balances", "entity = 'A' && period <= '2026-12'", "period", &["entity", "period"]);
    told("gl_balances", months_of_account, "period", &["entity", "account", "period"]);
    let open = "entity = 'A' && status = 'open' && period > '2026-01'";
    told("gl_periods", open, "period", &["entity", "status", "period"]);
}
