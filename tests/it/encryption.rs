//! A data folder with a key: served with it, refused without it, backed up, restored, and given another key.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::daemon::{Ran, run};
use tests::{Daemon, Start, Suite, binary};

const MANIFEST: &str = "
schema: schema.json
topics:
  vault.note.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [vault.note.made]
roles: [{name: vault.user, billable: false, grants: [vault.use]}]
";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/vault/notes", (e) => {
  $app.realtime().publish("vault.note.made", e.body);
  return $app.dao().saveRecord("vault_notes", e.body).id;
});
$app.routerAdd("GET", "/api/vault/notes/{id}", (e) => $app.dao().findRecordById("vault_notes", e.params.id));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "vault_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
const SECRET: &str = "the-combination-is-7-19-42";

fn vault() -> Suite {
    Suite::new().plugin("vault", MANIFEST, CODE).file("vault/schema.json", SCHEMA)
}

fn key_file(folder: &Path, digits: &str) -> PathBuf {
    let path = folder.join(format!("key-{digits}"));
    std::fs::write(&path, format!("{}\n", digits.repeat(32))).expect("written");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn store(args: &[&str], variable: &str) -> Ran {
    run(Command::new(binary::trunkline()).arg("store").args(args).env("TRUNKLINE_STORE_KEY", variable))
}

fn holds_secret(path: &Path) -> bool {
    std::fs::read(path).expect("the file").windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
}

/// The store's files in which the secret stands.
fn leaks(data: &Path) -> Vec<&'static str> {
    let files = ["data.mdb", "store.log.0", "store.log.1", "store.anchor", "store.format"];
    files.into_iter().filter(|name| data.join(name).exists() && holds_secret(&data.join(name))).collect()
}

fn note(daemon: &Daemon) -> Value {
    daemon.client().post("/api/vault/notes", &json!({ "text": SECRET })).expect_status(200).data().clone()
}

#[test]
fn a_folder_with_a_key_is_served_with_it_alone_and_holds_nothing_readable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, plain) = (folder.path().join("data"), folder.path().join("plain"));
    let (key, wrong) = (key_file(folder.path(), "a1"), key_file(folder.path(), "b2"));
    let mut daemon = Start::suite(vault()).data(&data).arg("--key-file").arg(text(&key)).run();
    let id = note(&daemon);
    let stats = daemon.admin().get("/api/_admin/store").expect_status(200).body;
    assert_eq!(stats["key"].as_str().map(str::len), Some(8), "{stats}");
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!(report["ok"], json!(true), "{report}");
    let backup = folder.path().join("backup");
    let taken = daemon.command(&["store", "backup", "--to", text(&backup)]);
    assert_eq!((taken.exit, holds_secret(&backup)), (Some(0), false), "{}", taken.err);
    let export = folder.path().join("export");
    let taken = daemon.command(&["store", "export", "--tenant", "demo", "--to", text(&export)]);
    assert_eq!((taken.exit, holds_secret(&export)), (Some(0), true), "{}", taken.err);
    daemon.kill();
    assert_eq!(leaks(&data), [""; 0]);
    // The negative control.
    let mut open = Start::suite(vault()).data(&plain).run();
    note(&open);
    open.kill();
    assert_eq!(leaks(&plain), ["store.log.0"]);

    let refused = |args: &[&str]| {
        let mut start = Start::suite(vault()).data(&data);
        for arg in args {
            start = start.arg(arg);
        }
        format!("{:#}", start.try_run().err().expect("refused"))
    };
    // Nothing is said of a store that cannot be read without another key.
    let verified = |args: &[&str], key: &str| {
        let ran = store(&[&["verify"], args].concat(), key);
        assert_eq!((ran.exit, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
        ran.err
    };
    for (told, said) in [
        (refused(&[]), "and no key is given"),
        (refused(&["--key-file", text(&wrong)]), "give the right one"),
        (verified(&["--data", text(&data)], ""), "and no key is given"),
        (verified(&["--data", text(&data)], &"b2".repeat(32)), "give the right one"),
        (verified(&["--data", text(&plain), "--key-file", text(&key)], ""), "is not encrypted"),
        (verified(&["--data", text(&data)], "b2"), "64 hexadecimal digits"),
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let restored = folder.path().join("restored");
    let ran = store(&["restore", text(&backup), "--data", text(&restored)], "");
    assert_eq!((ran.exit, ran.err.contains("the backup is encrypted with key")), (Some(2), true), "{}", ran.err);
    let ran = store(&["restore", text(&backup), "--data", text(&restored)], &"a1".repeat(32));
    assert_eq!(ran.exit, Some(0), "{}", ran.err);

    // Another key, then none.
    let ran = store(&["rekey", "--data", text(&data), "--key-file", text(&key), "--to-key-file", text(&wrong)], "");
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    assert!(refused(&["--key-file", text(&key)]).contains("give the right one"));
    for (data, args) in [(&data, ["--key-file", text(&wrong)]), (&restored, ["--key-file", text(&key)])] {
        let mut again = Start::suite(vault()).data(data).arg(args[0]).arg(args[1]).run();
        let path = format!("/api/vault/notes/{}", id.as_str().expect("an id"));
        assert_eq!(again.client().get(&path).expect_status(200).data()["text"], json!(SECRET));
        assert!(again.stop().expect("it stops").success());
        assert_eq!(leaks(data), [""; 0]);
    }
    let ran = store(&["rekey", "--data", text(&data), "--decrypt"], &"b2".repeat(32));
    assert_eq!((ran.exit, leaks(&data)), (Some(0), vec!["data.mdb"]), "{}", ran.err);
}
