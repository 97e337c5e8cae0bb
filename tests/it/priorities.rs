//! Of several handlers of one event the one with the highest priority is served first, whatever they are called.

use serde_json::json;
use std::time::Duration;
use tests::{Client, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  choir.note.struck: {kind: event, version: 1.0.0, schema: any.json, key: /note}
publishes: [choir.note.struck]
consumes: [choir.note.struck]
roles: [{name: choir.user, billable: false, grants: [choir.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "choir_sung", "indexes": [["note"]], "fields": [{"name": "note", "type": "string"},
  {"name": "voice", "type": "string"}, {"name": "turn", "type": "integer"}]}]}"#;
/// Each handler notes after how many others of the same event it had its turn. PRIORITIES are those of bass, tenor and alto.
const CODE: &str = r#"
const sing = (voice) => (e) => {
  const turn = $app.dao().countRecords("choir_sung", { note: e.payload.note });
  $app.dao().saveRecord("choir_sung", { note: e.payload.note, voice, turn });
};
for (const [at, voice] of ["bass", "tenor", "alto"].entries()) {
  $app.onEvent("choir.note.struck", { name: voice, priority: PRIORITIES[at] }, sing(voice));
}
$app.routerAdd("POST", "/api/choir/strike", () => {
  for (let n = 0; n < NOTES; n += 1) $app.realtime().publish("choir.note.struck", { note: `n${n}` });
});
$app.routerAdd("GET", "/api/choir/sung", () =>
  $app.dao().findRecordsByFilter("choir_sung", {}, { limit: 500 }).map((sung) => `${sung.turn} ${sung.voice}`));
"#;
const NOTES: usize = 40;
const PATIENCE: Duration = Duration::from_mins(1);

fn sung(client: &Client) -> Vec<String> {
    let all = client.get("/api/choir/sung").expect_status(200).data().as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

#[test]
fn handlers_of_one_event_are_served_by_priority() {
    for (priorities, order) in [
        ("[-1, 7, 3]", ["tenor", "alto", "bass"]),
        ("[3, -1, 7]", ["alto", "bass", "tenor"]),
        ("[7, 3, -1]", ["bass", "tenor", "alto"]),
    ] {
        let code = CODE.replace("PRIORITIES", priorities).replace("NOTES", &NOTES.to_string());
        let suite = Suite::new().plugin("choir", MANIFEST, &code).file("choir/schema.json", SCHEMA);
        let daemon = Start::suite(suite).run();
        daemon.client().post("/api/choir/strike", &json!({})).expect_status(200);
        let mut sung = wait_until(PATIENCE, || Some(sung(&daemon.client())).filter(|sung| sung.len() == 3 * NOTES));
        sung.sort();
        let expected: Vec<String> =
            (0..3).flat_map(|turn| std::iter::repeat_n(format!("{turn} {}", order[turn]), NOTES)).collect();
        assert_eq!(sung, expected, "{priorities}");
    }
}
