//! References between records, as a plugin's handlers meet them.

use serde_json::json;
use tests::{Client, Daemon, Start, Suite};

const SCHEMA: &str = r#"{"collections": [
  {"name": "shop_customers", "fields": [{"name": "name", "type": "string", "required": true}]},
  {"name": "shop_orders", "fields": [{"name": "customer", "type": "reference", "required": true, "ref": {"collection": "shop_customers"}}]},
  {"name": "shop_lines", "fields": [
    {"name": "order", "type": "reference", "ref": {"collection": "shop_orders", "onDelete": "cascade"}}]},
  {"name": "shop_visits", "fields": [
    {"name": "customer", "type": "reference", "ref": {"collection": "shop_customers", "onDelete": "set-null"}}]}
]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/shop/{coll}", (e) => $app.dao().saveRecord("shop_" + e.params.coll, e.body));
$app.routerAdd("GET", "/api/shop/{coll}/{id}", (e) => $app.dao().findRecordById("shop_" + e.params.coll, e.params.id));
$app.routerAdd("DELETE", "/api/shop/{coll}/{id}", (e) => { $app.dao().deleteRecord("shop_" + e.params.coll, e.params.id); });
$app.routerAdd("POST", "/api/shop/orders/with-lines", (e) => {
  const dao = $app.dao();
  dao.saveRecord("shop_lines", { id: e.body.id + "-1", order: e.body.id });
  return dao.saveRecord("shop_orders", e.body);
});
"#;

fn shop() -> (Daemon, Client) {
    let manifest = "schema: schema.json\nroles: [{name: shop.user, billable: false, grants: [shop.use]}]\n";
    let suite = Suite::new().plugin("shop", manifest, CODE).file("shop/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

#[test]
fn a_handlers_references_hold_and_its_deletions_do_what_was_declared() {
    let (mut daemon, client) = shop();
    let lost = client.post("/api/shop/orders", &json!({"id": "o1", "customer": "ann"}));
    lost.expect_error(422, "REFERENCE_NOT_FOUND");
    assert_eq!(lost.body["error"]["details"]["target"], json!({"collection": "shop_customers", "id": "ann"}));
    client.post("/api/shop/customers", &json!({"id": "ann", "name": "Ann"})).expect_status(200);
    client.post("/api/shop/orders/with-lines", &json!({"id": "o1", "customer": "ann"})).expect_status(200);
    client.post("/api/shop/visits", &json!({"id": "v1", "customer": "ann"})).expect_status(200);

    let held = client.delete("/api/shop/customers/ann");
    held.expect_error(409, "RECORD_REFERENCED");
    let by = json!({"collection": "shop_orders", "id": "o1", "field": "customer"});
    assert_eq!(held.body["error"]["details"]["by"], by);

    client.delete("/api/shop/orders/o1").expect_status(200);
    client.get("/api/shop/lines/o1-1").expect_error(404, "RECORD_NOT_FOUND");
    client.delete("/api/shop/customers/ann").expect_status(200);
    daemon.restart().expect("the daemon starts again");
    let visit = daemon.client().get("/api/shop/visits/v1").expect_status(200);
    assert_eq!((&visit.data()["customer"], &visit.data()["revision"]), (&json!(null), &json!(2)));
    assert_eq!(daemon.command(&["store", "verify"]).exit, Some(0));
}

#[test]
fn a_deletion_and_a_save_at_once_never_leave_a_reference_to_nothing() {
    let (daemon, client) = shop();
    for round in 0..12 {
        let customer = format!("c{round}");
        client.post("/api/shop/customers", &json!({"id": customer, "name": "x"})).expect_status(200);
        let order = json!({"id": format!("o{round}"), "customer": customer});
        let (saved, deleted) = std::thread::scope(|scope| {
            let save = scope.spawn(|| client.post("/api/shop/orders", &order));
            let gone = scope.spawn(|| client.delete(&format!("/api/shop/customers/{customer}")));
            (save.join().expect("save"), gone.join().expect("delete"))
        });
        match (saved.status, deleted.status) {
            (200, 409) => deleted.expect_error(409, "RECORD_REFERENCED"),
            (422, 200) => saved.expect_error(422, "REFERENCE_NOT_FOUND"),
            both => panic!("{both:?}: {} {}", saved.text, deleted.text),
        }
    }
    assert_eq!(daemon.command(&["store", "verify"]).exit, Some(0));
}

#[test]
fn a_reference_out_of_the_plugin_is_refused_by_the_check() {
    let schema = r#"{"collections": [{"name": "shop_orders", "fields": [
      {"name": "account", "type": "reference", "ref": {"collection": "gl_accounts"}}]}]}"#;
    let suite = Suite::new().plugin("shop", "schema: schema.json\n", "").file("shop/schema.json", schema);
    let mut command = std::process::Command::new(tests::binary::trunkline());
    let checked = tests::daemon::run(command.arg("check").arg(suite.path()));
    assert_eq!(checked.exit, Some(1), "{}", checked.out);
    assert!(
        checked.out.contains("refers to `gl_accounts`, which this schema.json does not declare"),
        "{}",
        checked.out
    );
}
