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
    assert_eq!(explain("shelf = 3", "-price", 5), told("index", index(), 1, false, true, 7, 5));
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
