//! Folders and disks that a store cannot be written to or read from, and what a restore puts aside: each is named with
//! the way out, and nothing is half there afterwards.

use serde_json::{Value, json};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::daemon::{Ran, run};
use tests::report::say;
use tests::small_disk::SmallDisk;
use tests::{Client, Daemon, Start, Suite, binary};

const MANIFEST: &str = "
schema: schema.json
roles: [{name: shed.user, billable: false, grants: [shed.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "shed_tools", "fields": [{"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/shed/tools", (e) => $app.dao().saveRecord("shed_tools", { text: e.body.text }).id);
$app.routerAdd("GET", "/api/shed/tools", () => $app.dao().countRecords("shed_tools", {}));
"#;
const TOOLS: usize = 8;
const TOOL_BYTES: usize = 40_000;
/// Too little for the tools.
const KIB: u64 = 160;
/// A user of most systems who owns nothing.
const NOBODY: u32 = 65_534;

fn shed() -> Suite {
    Suite::new().plugin("shed", MANIFEST, CODE).file("shed/schema.json", SCHEMA)
}

fn add(client: &Client) {
    client.post("/api/shed/tools", &json!({ "text": "x".repeat(TOOL_BYTES) })).expect_status(200);
}

fn tools(client: &Client) -> Value {
    client.get("/api/shed/tools").expect_status(200).data().clone()
}

fn trunkline(args: &[&str]) -> Ran {
    run(Command::new(binary::trunkline()).args(args))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

/// A daemon with tools, and a backup of them.
fn backed_up(folder: &Path) -> (Daemon, PathBuf) {
    let daemon = Start::suite(shed()).data(&folder.join("data")).run();
    (0..TOOLS).for_each(|_| add(&daemon.client()));
    let backup = folder.join("tools.backup");
    let taken = daemon.command(&["store", "backup", "--to", text(&backup)]);
    assert_eq!(taken.exit, Some(0), "{}", taken.err);
    (daemon, backup)
}

#[test]
fn what_finds_no_room_keeps_nothing_and_says_where() {
    let Some(disk) = SmallDisk::new(KIB) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut daemon, backup) = backed_up(folder.path());
    let to = text(disk.path());
    let (file, data) = (disk.path().join("file"), text(&folder.path().join("data")).to_owned());
    let ways: [&[&str]; 5] = [
        &["backup", "--to", to],
        &["backup", "--to", text(&file), "--data", &data],
        &["export", "--tenant", "demo", "--to", text(&file)],
        &["export", "--tenant", "demo", "--to", to],
        &["export", "--tenant", "demo", "--to", to, "--data", &data],
    ];
    for way in ways {
        let ran = daemon.command(&[&["store"], way].concat());
        assert_eq!((ran.exit, &*ran.out), (Some(1), ""), "{way:?}: {}", ran.err);
        for part in ["nothing was kept", to, "make room there", "No space left on device"] {
            assert!(ran.err.contains(part), "{way:?}: no {part}: {}", ran.err);
        }
        assert_eq!((ran.err.lines().count(), names(disk.path())), (1, vec![]), "{way:?}: {}", ran.err);
    }
    let restored = trunkline(&["store", "restore", text(&backup), "--data", text(&disk.data())]);
    assert_eq!(restored.exit, Some(1), "{}", restored.err);
    for part in ["nothing was restored", text(&disk.data()), "make room", "run it again"] {
        assert!(restored.err.contains(part), "no {part}: {}", restored.err);
    }
    let early = trunkline(&["dev", text(daemon.suite()), "--listen", "127.0.0.1:0", "--data", text(&disk.data())]);
    assert!(early.exit == Some(2) && early.err.contains("a restore into"), "{}", early.err);

    disk.make_room();
    let restored = trunkline(&["store", "restore", text(&backup), "--data", text(&disk.data())]);
    assert_eq!(restored.exit, Some(0), "{}", restored.err);
    for way in ways {
        let ran = daemon.command(&[&["store"], way].concat());
        let is_there = ran.err.contains("there is such a");
        assert!(ran.exit == Some(0) || is_there, "{way:?}: {}", ran.err);
    }
    assert!(daemon.stop().expect("it stops").success());
}

#[test]
fn a_restore_puts_the_store_that_was_there_aside_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut daemon, backup) = backed_up(folder.path());
    let data = daemon.data().to_owned();
    add(&daemon.client());
    let restore =
        |more: &[&str]| trunkline(&[&["store", "restore", text(&backup), "--data", text(&data)], more].concat());
    let running = restore(&["--replace"]);
    assert!(running.exit == Some(2) && running.err.contains("is in use by process"), "{}", running.err);
    assert!(daemon.stop().expect("it stops").success());
    let occupied = restore(&[]);
    assert!(
        occupied.exit == Some(2) && occupied.err.contains("say `--replace` to put its store aside"),
        "{}",
        occupied.err
    );
    // What is no backup is refused before anything is put aside.
    let cut = folder.path().join("cut");
    let whole = std::fs::read(&backup).expect("the backup");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("written");
    let refused = trunkline(&["store", "restore", text(&cut), "--data", text(&data), "--replace"]);
    assert!(refused.exit == Some(2) && refused.err.contains("ends too early"), "{}", refused.err);
    assert!(!names(&data).iter().any(|name| name.starts_with("replaced")), "{:?}", names(&data));

    let aside = data.join("replaced-1");
    let replaced = restore(&["--replace"]);
    assert_eq!(replaced.exit, Some(0), "{}", replaced.err);
    assert!(replaced.out.contains(&format!("what was there lies in {}", aside.display())), "{}", replaced.out);
    let again = restore(&["--replace", "--json"]);
    let told: Value = serde_json::from_str(&again.out).expect("JSON");
    assert_eq!(told["replaced"], json!(text(&data.join("replaced-2"))), "{told}");
    for (store, count) in [(&data, TOOLS), (&aside, TOOLS + 1), (&data.join("replaced-2"), TOOLS)] {
        let daemon = Start::suite(shed()).data(store).run();
        // Tokens lie beside the store, so a folder that was put aside gets new ones.
        assert_eq!(tools(&daemon.client()), json!(count), "{}", store.display());
    }
    let file = trunkline(&["store", "restore", text(&backup), "--data", text(&cut), "--replace"]);
    assert!(file.exit == Some(2) && file.err.contains("is a file, and no folder to restore into"), "{}", file.err);
}

/// Runs it as somebody who owns nothing, as far as this user may.
fn as_nobody(args: &[&str]) -> Ran {
    let mut command = Command::new(binary::trunkline());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    run(command.args(args).current_dir("/"))
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("the mode is set");
}

#[test]
fn what_may_not_be_written_or_read_is_named() {
    if as_nobody(&["--version"]).exit != Some(0) {
        return say("skipped: another user may not start the binary where it lies");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    set_mode(folder.path(), 0o755);
    let (mut daemon, backup) = backed_up(folder.path());
    let (data, suite) = (daemon.data().to_owned(), daemon.suite().to_owned());
    assert!(daemon.stop().expect("it stops").success());
    for path in [&backup, &data] {
        set_mode(path, 0o755);
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap_or_else(|error| say(&format!("it stays one's own: {error}")));
    }
    for name in names(&data).iter().map(|name| data.join(name)).filter(|path| path.is_file()) {
        drop(chown(name, Some(NOBODY), Some(NOBODY)));
    }
    let nobodys = folder.path().join("nobodys");
    std::fs::create_dir(&nobodys).expect("a folder");
    set_mode(&nobodys, 0o555);
    if !rustix::process::geteuid().is_root() {
        set_mode(folder.path(), 0o555);
    }
    let dev =
        |data: &Path| as_nobody(&["dev", text(&suite), "--listen", "127.0.0.1:0", "--data", text(data), "--no-watch"]);
    let restore = |data: &Path| as_nobody(&["store", "restore", text(&backup), "--data", text(data), "--replace"]);
    let verify = || as_nobody(&["store", "verify", "--data", text(&data)]);
    let refused = |ran: Ran, exit: i32, parts: &[&str]| {
        assert_eq!((ran.exit, ran.err.lines().count()), (Some(exit), 1), "{}{}", ran.out, ran.err);
        for part in parts.iter().chain(&["ermission denied"]) {
            assert!(ran.err.contains(part), "no {part}: {}", ran.err);
        }
        assert!(!ran.err.contains("damaged"), "{}", ran.err);
    };
    refused(dev(&nobodys), 2, &[text(&nobodys), "`--data DIR` names another folder"]);
    refused(dev(&nobodys.join("data")), 2, &[text(&nobodys), "name another with --data"]);
    refused(restore(&nobodys), 2, &[text(&nobodys), "name a folder with --data"]);
    let taken = as_nobody(&["store", "backup", "--data", text(&data), "--to", text(&nobodys)]);
    refused(taken, 1, &[text(&nobodys), "name another place"]);
    assert_eq!(names(&nobodys), Vec::<String>::new());

    let file = data.join("data.mdb");
    set_mode(&file, 0o400);
    refused(dev(&data), 2, &[text(&file), "`--data DIR` names another folder"]);
    assert_eq!(verify().exit, Some(0), "reading is enough to look it over: {}", verify().err);
    set_mode(&file, 0o000);
    refused(dev(&data), 2, &[text(&file)]);
    refused(verify(), 2, &[text(&file), "as a user who may read it"]);
    set_mode(&file, 0o600);
    set_mode(&data, 0o500);
    refused(dev(&data), 2, &[text(&data), "`--data DIR` names another folder"]);
    refused(restore(&data), 2, &[text(&data), "name a folder with --data"]);
    set_mode(&data, 0o700);
    set_mode(folder.path(), 0o755);
    assert_eq!(verify().exit, Some(0), "nothing was changed: {}", verify().err);
    assert_eq!(names(&data).iter().filter(|name| name.starts_with("re")).count(), 0, "{:?}", names(&data));
}
