//! `trunkline dev` from start to end, with real workers and a real store.

use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MANIFEST: &str = "manifest: 1\nslug: notes\nname: Notes\nversion: 1.0.0\nentry: src/main.js\nschema: schema.json\n\
    permissions: [records:own]\nroles:\n  - {name: notes.writer, billable: false, grants: [notes.write]}\n";
const SCHEMA: &str = r#"{"collections": [{"name": "notes_pages", "fields": [{"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/notes/pages", {roles: ["notes.writer"]}, (e) => {
  e.setStatus(201);
  return $app.dao().saveRecord("notes_pages", {text: e.body.text});
});
$app.routerAdd("GET", "/api/notes/count", {grants: ["notes.write"], readOnly: true}, () => $app.dao().countRecords("notes_pages", {}));
"#;
const SEED: &str = r#"[{"method": "POST", "path": "/api/notes/pages", "body": {"text": "from the seed"}}]"#;

struct Daemon {
    child: Child,
    facts: Value,
}

impl Daemon {
    fn start(suite: &Path, arguments: &[&str]) -> Self {
        let ready = suite.join("ready.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .args(["dev", suite.to_str().expect("a path"), "--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let start = Instant::now();
        while !ready.exists() {
            assert!(child.try_wait().expect("a child").is_none(), "the daemon ended before it was ready");
            assert!(start.elapsed() < Duration::from_secs(30), "the daemon is not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        let facts = serde_json::from_slice(&std::fs::read(&ready).expect("the ready-file")).expect("JSON");
        Self { child, facts }
    }

    fn text(&self, pointer: &str) -> &str {
        self.facts.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {}", self.facts))
    }

    fn token(&self) -> &str {
        self.text("/tenants/demo/token")
    }

    fn count(&self) -> u64 {
        let url = format!("{}/api/notes/count", self.text("/url"));
        let request = ureq::get(&url).header("authorization", format!("Bearer {}", self.token()));
        let answer: Value = request.call().expect("an answer").body_mut().read_json().expect("JSON");
        answer["data"].as_u64().unwrap_or_else(|| panic!("a number in {answer}"))
    }

    /// Ends it as an operator does, and gives what it said.
    fn stop(self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let output = self.child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

fn suite() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in [("plugin.yaml", MANIFEST), ("schema.json", SCHEMA), ("src/main.js", CODE)] {
        let path = folder.path().join("notes").join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    std::fs::write(folder.path().join("seed.json"), SEED).expect("a file");
    std::fs::write(folder.path().join("welcome.txt"), "Own words.").expect("a file");
    folder
}

#[test]
fn data_and_tokens_outlive_a_restart_and_the_seed_is_sent_once() {
    let suite = suite();
    let data = suite.path().join("data");
    let arguments = ["--data", data.to_str().expect("a path")];
    let first = Daemon::start(suite.path(), &arguments);
    assert_eq!(first.count(), 1);
    let tokens = (first.token().to_owned(), first.text("/admin_token").to_owned());
    let said = first.stop();
    assert!(said.contains("Own words.") && said.contains(&tokens.0), "{said}");
    assert!(!suite.path().join("ready.json").exists(), "nobody is ready any more");

    let second = Daemon::start(suite.path(), &arguments);
    assert_eq!((second.token(), second.text("/admin_token")), (tokens.0.as_str(), tokens.1.as_str()));
    assert_eq!(second.count(), 1);
    second.stop();
}

#[test]
fn an_ephemeral_folder_goes_with_the_daemon() {
    let suite = suite();
    let daemon = Daemon::start(suite.path(), &["--ephemeral"]);
    assert_eq!(daemon.count(), 1);
    let said = daemon.stop();
    let folder = said.lines().find_map(|line| line.strip_prefix("Data: ")?.split(' ').next()).expect("the data folder");
    assert!(!Path::new(folder).exists(), "{folder} is still there");
}
