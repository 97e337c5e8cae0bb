//! What one request over REST takes in memory is bounded by what its records become there, not by their bytes.

use serde_json::{Value, json};
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
permissions: [records:own]
roles: [{name: hoard.user, billable: false, grants: [hoard.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "hoard_docs", "fields": [{"name": "j", "type": "json"}]},
  {"name": "hoard_refs", "fields": [
    {"name": "a", "type": "reference", "ref": {"collection": "hoard_docs"}},
    {"name": "b", "type": "reference", "ref": {"collection": "hoard_docs"}}]}
]}"#;
const CODE: &str = r#"
$app.routerAdd("GET", "/api/hoard/docs", () => {
  try { return $app.dao().findRecordsByFilter("hoard_docs", {}).items.length; }
  catch (error) { return { code: error.code, message: error.message }; }
});
"#;
const DOCS: &str = "/api/collections/hoard_docs/records";
const REFS: &str = "/api/collections/hoard_refs/records";
const LIMIT: &str = "QUERY_MEMORY_BYTES_MAX";
/// As a gauge of what is held.
const HELD: &str = "trunkline_http_answers_bytes";

fn hoard() -> (Daemon, Client) {
    let suite = Suite::new().plugin("hoard", MANIFEST, CODE).file("hoard/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

fn given_up(daemon: &Daemon) -> u64 {
    daemon.metric(&format!("trunkline_store_queries_given_up_total{{limit=\"{LIMIT}\"}}"))
}

#[test]
fn records_of_many_small_values_are_counted_by_what_they_become() {
    // Half a megabyte on disk, forty in memory.
    const DOCUMENTS: usize = 8;
    let (daemon, client) = hoard();
    let values = vec![json!({"a": 0}); 59_000];
    for n in 0..DOCUMENTS {
        client.post(DOCS, &json!({"id": format!("d{n}"), "j": values})).expect_status(201);
    }
    let refused = client.get(DOCS);
    refused.expect_error(400, "QUERY_TOO_LARGE");
    assert!(refused.text.contains(LIMIT) && refused.text.contains("`limit`"), "{}", refused.text);
    assert_eq!(given_up(&daemon), 1);
    // A plugin is told the same, and may go on.
    let told = client.get("/api/hoard/docs").expect_status(200);
    assert_eq!(told.data()["code"], "QUERY_TOO_LARGE", "{}", told.text);

    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{DOCS}?limit=3{cursor}")).expect_status(200).body;
        ids.extend(page["items"].as_array().expect("items").iter().map(|item| item["id"].clone()));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(ids, (0..DOCUMENTS).map(|n| json!(format!("d{n}"))).collect::<Vec<Value>>());
    assert_eq!(daemon.metric(HELD), 0, "all was given back");
}

#[test]
fn a_record_that_many_refer_to_is_counted_for_each_of_them() {
    let (daemon, client) = hoard();
    client.post(DOCS, &json!({"id": "t", "j": "y".repeat(1_000_000)})).expect_status(201);
    let create = json!({"op": "create", "record": {"a": "t", "b": "t"}});
    client.post(&format!("{REFS}/batch"), &json!({"operations": vec![create; 300]})).expect_status(200);
    let refused = client.get(&format!("{REFS}?limit=300&expand=a,b"));
    refused.expect_error(400, "QUERY_TOO_LARGE");
    assert!(refused.text.contains(LIMIT) && refused.text.contains("references"), "{}", refused.text);
    // The copies have room, and their text beside them has none.
    let refused = client.get(&format!("{REFS}?limit=180&expand=a"));
    refused.expect_error(400, "QUERY_TOO_LARGE");
    assert!(refused.text.contains(LIMIT) && refused.text.contains("`expand`"), "{}", refused.text);
    let page = client.get(&format!("{REFS}?limit=20&expand=a,b")).expect_status(200).body;
    let items = page["items"].as_array().expect("items");
    assert_eq!(items.len(), 20);
    assert!(items.iter().all(|item| item["expand"]["a"]["id"] == "t" && item["expand"]["b"]["id"] == "t"));
    assert_eq!(client.get(&format!("{REFS}?limit=300")).expect_status(200).body["items"][299]["a"], "t");
    assert_eq!(daemon.metric(HELD), 0, "all was given back");
}
