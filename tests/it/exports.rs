//! Exports of one tenant: whole, of that tenant alone, and nobody else's to ask for.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::process::Command;
use tests::daemon::run;
use tests::{Client, Daemon, Start, Suite, binary};

const MANIFEST: &str = "
schema: schema.json
topics:
  notes.note.kept: {kind: event, version: 1.0.0, schema: any.json}
publishes: [notes.note.kept]
roles: [{name: notes.user, billable: false, grants: [notes.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "notes_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/notes", (e) => {
  const note = $app.dao().saveRecord("notes_notes", { text: e.body.text });
  $app.realtime().publish("notes.note.kept", { text: e.body.text });
  return note.id;
});
"#;

fn notes() -> Daemon {
    let suite = Suite::new().plugin("notes", MANIFEST, CODE);
    Start::suite(suite.file("notes/schema.json", SCHEMA)).run()
}

fn keep(client: &Client, whose: &str) {
    for n in 0..3 {
        client.post("/api/notes", &json!({"text": format!("{whose} {n}")})).expect_status(200);
    }
}

#[test]
fn a_tenant_is_exported_whole_and_alone() {
    let mut daemon = notes();
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    let other = daemon.client().with_token(made.body["token"].as_str().expect("a token"));
    keep(&daemon.client(), "hers");
    keep(&other, "his");
    let to = tempfile::tempdir().expect("a folder");
    let (file, folder) = (to.path().join("demo.ndjson"), to.path().to_str().expect("a path"));
    let ran =
        daemon.command(&["store", "export", "--json", "--tenant", "demo", "--to", file.to_str().expect("a path")]);
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    let text = std::fs::read_to_string(&file).expect("the export");
    assert!(text.matches("hers").count() == 6 && !text.contains("his "), "{text}");

    for (tenant, expected) in [("nobody", "there is no tenant `nobody`"), ("No Body", "invalid value")] {
        let ran = daemon.command(&["store", "export", "--tenant", tenant, "--to", folder]);
        assert!(ran.exit.is_some_and(|exit| exit > 0) && ran.err.contains(expected), "{}", ran.err);
    }
    daemon.client().get("/api/_admin/tenants/demo/export").expect_error(403, "FORBIDDEN");
    daemon.admin().get("/api/_admin/tenants/nobody/export").expect_error(404, "NOT_FOUND");
    let ran = daemon.command(&["store", "export", "--tenant", "other", "--to", folder]);
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    let told = ": 3 records, 3 events, 0 jobs and 0 dead letters of tenant `other`, SHA-256 ";
    assert!(ran.out.lines().count() == 1 && ran.out.contains(told), "{}", ran.out);
    let data = daemon.data().to_owned();
    assert!(daemon.stop().expect("it stops").success());
    judge_folder(&only_folder(to.path()));

    let at_rest = to.path().join("at-rest.ndjson");
    let mut command = Command::new(binary::trunkline());
    command.args(["store", "export", "--tenant", "demo", "--data"]).arg(&data).arg("--to").arg(&at_rest);
    assert_eq!(run(&mut command).exit, Some(0));
    let lines = |text: &str| text.lines().filter(|line| line.contains("hers")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&std::fs::read_to_string(at_rest).expect("the export")), lines(&text));
}

fn only_folder(within: &Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(within).expect("a folder").map(|entry| entry.expect("an entry").path());
    let folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders[0].clone()
}

/// The files are those of the manifest, and hold what it says.
fn judge_folder(folder: &Path) {
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON");
    assert_eq!((&manifest["tenant"], &manifest["counts"]["record"]), (&json!("other"), &json!(3)), "{manifest}");
    let files = manifest["files"].as_array().expect("files");
    let names: Vec<&str> = files.iter().filter_map(|file| file["file"].as_str()).collect();
    assert_eq!(names, ["collections.ndjson", "events.ndjson", "records/notes_notes.ndjson"]);
    for file in files {
        let bytes = std::fs::read(folder.join(file["file"].as_str().expect("a name"))).expect("a file");
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').count();
        assert_eq!((&file["count"], &file["bytes"]), (&json!(lines), &json!(bytes.len())));
        assert_eq!(file["sha256"], json!(hex::encode(Sha256::digest(&bytes))));
        assert!(!String::from_utf8(bytes).expect("text").contains("hers"));
    }
}
