//! Backups of a running daemon and of a folder, and what a restored folder serves.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tests::daemon::{Ran, run};
use tests::report::say;
use tests::{Client, Daemon, Start, binary};

const ENTITY: &str = "SAFE";
const KILLS: u64 = 24;

fn prepare(client: &Client) {
    let currencies = json!([{"code": "EUR", "scale": 2}]);
    let entity = json!({"entity": ENTITY, "name": ENTITY, "functionalCurrency": "EUR", "currencies": currencies});
    client.post("/api/gl/entities", &entity).expect_status(201);
    let account = |code: &str, kind: &str, side: &str| json!({"code": code, "name": code, "type": kind, "normalSide": side, "postable": true});
    let accounts = [account("Assets:Cash", "asset", "debit"), account("Income:Sales", "income", "credit")];
    client.post("/api/gl/accounts/import", &json!({"entity": ENTITY, "accounts": accounts}));
    client.post("/api/gl/periods/open", &json!({"entity": ENTITY, "from": "2026-01", "to": "2026-01"}));
}

fn journal(number: u64) -> Value {
    let key = format!("{ENTITY}/gl/manual/{number}/post");
    let amount = 100 + number;
    json!({
        "idempotencyKey": key, "entity": ENTITY, "postingDate": "2026-01-15", "memo": key,
        "source": {"plugin": "gl", "docType": "manual", "docId": key},
        "lines": [
            {"line": 1, "account": "Assets:Cash", "currency": "EUR", "scale": 2, "debit": amount, "credit": 0},
            {"line": 2, "account": "Income:Sales", "currency": "EUR", "scale": 2, "debit": 0, "credit": amount},
        ],
    })
}

fn post(client: &Client, number: u64) -> u16 {
    client.post("/api/gl/journals", &journal(number)).status
}

fn balance(client: &Client) -> Value {
    client.get(&format!("/api/gl/trial-balance?entity={ENTITY}")).expect_status(200).data().clone()
}

/// The log from its beginning, as far as it goes or up to a sequence.
fn log(daemon: &Daemon, through: u64) -> Vec<Value> {
    let ran = daemon.command(&["events", "list", "--json", "--limit", "1000"]);
    let events: Vec<Value> = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    let sequence = |event: &Value| event["sequence"].as_u64().or_else(|| event["sequence"].as_str()?.parse().ok());
    events.into_iter().filter(|event| sequence(event).expect("a sequence") <= through).collect()
}

fn told(ran: &Ran) -> Value {
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.out))
}

fn restore(file: &Path, data: &Path, more: &[&str]) -> Ran {
    run(Command::new(binary::trunkline()).args(["store", "restore"]).arg(file).arg("--data").arg(data).args(more))
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().into_string().expect("a name"))
        .collect()
}

#[test]
fn a_restored_folder_has_the_balance_and_the_log_of_the_backup() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(&binary::ledger_example()).run();
    prepare(&daemon.client());
    (1..=30).for_each(|number| assert_eq!(post(&daemon.client(), number), 201));
    let right = balance(&daemon.client());
    let file = folder.path().join("first.backup");
    let taken = told(&daemon.command(&["store", "backup", "--json", "--to", file.to_str().expect("a path")]));
    let through = taken["sequence"].as_u64().expect("a sequence");
    assert_eq!((&taken["format"], taken["file"].as_str()), (&json!(4), file.to_str()), "{taken}");
    // Acknowledged, and not in the backup.
    (31..=40).for_each(|number| assert_eq!(post(&daemon.client(), number), 201));
    let whole = balance(&daemon.client());
    let right_log = log(&daemon, through);
    let other = folder.path().join("other.backup");
    let line = daemon.command(&["store", "backup", "--to", other.to_str().expect("a path")]).out;
    assert!(line.starts_with(&format!("{}: ", other.display())) && line.lines().count() == 1, "{line}");
    assert!(line.contains(" entries up to unit ") && line.contains(", SHA-256 "), "{line}");
    let again = daemon.command(&["store", "backup", "--to", file.to_str().expect("a path")]);
    assert_eq!((again.exit, again.err.contains("is not written over")), (Some(2), true), "{}", again.err);
    assert!(daemon.stop().expect("it stops").success());

    let data = folder.path().join("data");
    let restored = told(&restore(&file, &data, &["--json"]));
    assert_eq!((restored["events"].as_u64(), &restored["tenants"]), (Some(through), &json!(["demo"])), "{restored}");
    let restored = Start::dev(&binary::ledger_example()).data(&data).run();
    assert_eq!(balance(&restored.client()), right);
    assert_eq!(log(&restored, through), right_log);
    // A client that knows nothing of a backup sends again what it is not sure of: known keys are known, others are new.
    assert_eq!((1..=30).map(|n| post(&restored.client(), n)).filter(|status| *status == 200).count(), 30);
    assert_eq!((31..=40).map(|n| post(&restored.client(), n)).filter(|status| *status == 201).count(), 10);
    assert_eq!(balance(&restored.client()), whole);
    let chain = restored.client().get(&format!("/api/gl/chain/verify?entity={ENTITY}")).expect_status(200);
    assert_eq!(chain.data()["ok"], json!(true), "{}", chain.text);

    let line = restore(&other, &folder.path().join("line"), &[]).out;
    assert!(line.lines().count() == 1 && line.contains(" events of 1 tenant, up to unit "), "{line}");
    let other = restore(&file, &data, &[]);
    assert!(other.exit == Some(2) && other.err.contains("in use"), "{}", other.err);
}

#[test]
fn a_backup_under_load_is_one_moment_of_the_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let daemon = Start::dev(&binary::ledger_example()).run();
    prepare(&daemon.client());
    let (stop, posted) = (AtomicBool::new(false), AtomicU64::new(0));
    let files: Vec<_> = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(post(&daemon.client(), posted.load(Ordering::Relaxed) + 1), 201);
                posted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let take = |_| {
            let taken =
                told(&daemon.command(&["store", "backup", "--json", "--to", folder.path().to_str().expect("a path")]));
            // So that the next one has more to hold, however slow the machine is.
            let before = posted.load(Ordering::Relaxed);
            tests::wait_until(Duration::from_mins(1), || (posted.load(Ordering::Relaxed) > before + 1).then_some(()));
            taken["file"].as_str().expect("a file").to_owned()
        };
        let files = (0..3).map(take).collect();
        stop.store(true, Ordering::Relaxed);
        load.join().expect("all were posted");
        files
    });
    let metrics = daemon.admin().get("/metrics").text;
    assert!(metrics.contains("trunkline_store_backups_total 3"), "{metrics}");
    let mut journals = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let data = folder.path().join(format!("data-{n}"));
        assert_eq!(restore(Path::new(file), &data, &[]).exit, Some(0));
        let restored = Start::dev(&binary::ledger_example()).data(&data).run();
        let chain = restored.client().get(&format!("/api/gl/chain/verify?entity={ENTITY}")).expect_status(200);
        assert_eq!(chain.data()["ok"], json!(true), "{}", chain.text);
        journals.push(chain.data()["length"].as_u64().expect("a length"));
        let rows = balance(&restored.client())["rows"].as_array().expect("rows").clone();
        let sum: i64 = rows.iter().map(|row| row["balance"].as_i64().expect("a balance")).sum();
        assert_eq!(sum, 0, "{rows:?}");
    }
    say(&format!("{} journals posted, {journals:?} in the backups", posted.load(Ordering::Relaxed)));
    assert!(journals.is_sorted() && journals[2] > journals[0], "nothing was posted meanwhile: {journals:?}");
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_or_a_whole_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let mut daemon = Start::dev(&binary::ledger_example()).data(&data).run();
    prepare(&daemon.client());
    (1..=20).for_each(|number| assert_eq!(post(&daemon.client(), number), 201));
    assert!(daemon.stop().expect("it stops").success());
    let (mut none, mut whole) = (0, 0);
    for kill in 0..KILLS {
        let to = folder.path().join(format!("to-{kill}"));
        std::fs::create_dir(&to).expect("a folder");
        let mut command = Command::new(binary::trunkline());
        command.args(["store", "backup", "--data"]).arg(&data).arg("--to").arg(to.join("b"));
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("the binary starts");
        std::thread::sleep(Duration::from_millis(kill * kill));
        drop(child.kill());
        child.wait().expect("it ended");
        match names(&to).as_slice() {
            [] => none += 1,
            [name] if name == "b" => {
                let checked = restore(&to.join("b"), &to.join("data"), &[]);
                assert_eq!(checked.exit, Some(0), "{}", checked.err);
                whole += 1;
            }
            other => panic!("killed after {} ms it left {other:?}", kill * kill),
        }
    }
    say(&format!("{KILLS} kills: {none} left nothing, {whole} a whole backup"));
    assert!(none > 2 && whole > 0, "{none} killed before the end, {whole} after it");
}

/// Whenever it is killed, the folder holds no store, one that is not served until the restore is run again, or all of it.
#[test]
fn a_restore_that_is_killed_is_run_again_and_restores_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(&binary::ledger_example()).run();
    prepare(&daemon.client());
    (1..=5).for_each(|number| assert_eq!(post(&daemon.client(), number), 201));
    let file = folder.path().join("b");
    told(&daemon.command(&["store", "backup", "--json", "--to", file.to_str().expect("a path")]));
    let content = told(&restore(&file, &folder.path().join("right"), &["--json"]))["content"].clone();
    assert!(daemon.stop().expect("it stops").success());
    let (mut again, mut whole) = (0, 0);
    for kill in 0..KILLS {
        let data = folder.path().join(format!("data-{kill}"));
        let mut command = Command::new(binary::trunkline());
        command.args(["store", "restore"]).arg(&file).arg("--data").arg(&data);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("the binary starts");
        std::thread::sleep(Duration::from_millis(kill * kill));
        drop(child.kill());
        child.wait().expect("it ended");
        if data.join("restoring").exists() {
            let refused = Start::dev(&binary::ledger_example()).data(&data).try_run().err().expect("it is not served");
            assert!(format!("{refused:#}").contains("did not come to its end; run it again"), "{refused:#}");
        }
        let second = restore(&file, &data, &[]);
        match second.exit {
            Some(0) => again += 1,
            Some(2) if second.err.contains("is not empty") => whole += 1,
            _ => panic!("killed after {} ms: {}", kill * kill, second.err),
        }
        let walked = run(Command::new(binary::trunkline()).args(["store", "verify", "--json", "--data"]).arg(&data));
        assert_eq!(told(&walked)["report"]["content"], content, "killed after {} ms", kill * kill);
    }
    say(&format!("{KILLS} kills: {again} restored again, {whole} were through"));
    assert!(again > 2 && whole > 0, "{again} killed before the end, {whole} after it");
}

#[test]
fn a_daemon_killed_in_mid_backup_leaves_no_file_and_a_client_that_goes_is_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(&binary::ledger_example()).run();
    let url = daemon.client().url().trim_start_matches("http://").to_owned();
    let admin = daemon.admin();
    let token = admin.token();
    // A reader that takes the head and goes.
    let mut stream = std::net::TcpStream::connect(&url).expect("connected");
    let request = format!("GET /api/_admin/store/backup HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("sent");
    std::io::Read::read_exact(&mut stream, &mut [0; 64]).expect("an answer");
    drop(stream);
    tests::wait_until(Duration::from_secs(30), || {
        let metrics = daemon.admin().get("/metrics").text;
        let counted = |name: &str| metrics.contains(&format!("{name}_total 1"));
        (counted("trunkline_store_backups_failed") || counted("trunkline_store_backups")).then_some(())
    });
    daemon.client().get("/api/_admin/store/backup").expect_error(403, "FORBIDDEN");
    let to = folder.path().join("b");
    let child = daemon.spawn(&["store", "backup", "--to", to.to_str().expect("a path")]);
    daemon.kill();
    let ended = child.wait_with_output().expect("it ended");
    assert!(ended.status.code().is_some_and(|code| code < 2), "{ended:?}");
    assert_eq!(names(folder.path()).len(), usize::from(ended.status.success()));
}

fn gauge(daemon: &Daemon, name: &str) -> u64 {
    let metrics = daemon.admin().get("/metrics").text;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{name} in {metrics}"))
}

#[test]
fn a_reader_that_was_killed_keeps_no_pages_and_one_that_takes_too_long_is_ended() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let daemon = Start::dev(&binary::ledger_example()).data(&data).run();
    prepare(&daemon.client());
    let posted = AtomicU64::new(0);
    let post_some = |client: &Client, many: u64| {
        (0..many).for_each(|_| assert_eq!(post(client, posted.fetch_add(1, Ordering::Relaxed)), 201));
    };
    post_some(&daemon.client(), 300);
    // It writes into a pipe that nobody reads, so that it stands in the middle of the store.
    let mut command = Command::new(binary::trunkline());
    let mut reader =
        command.arg("copy-store").arg(&data).stdout(std::process::Stdio::piped()).spawn().expect("started");
    let kept = || gauge(&daemon, "trunkline_store_kept_bytes ");
    // What was posted is moved into the map when nothing comes for a second.
    let posted_and_moved = |is_kept: bool| {
        tests::wait_until(Duration::from_mins(3), || {
            post_some(&daemon.client(), 1);
            std::thread::sleep(Duration::from_secs(4));
            ((kept() > 0) == is_kept).then_some(())
        });
    };
    posted_and_moved(true);
    assert!(reader.try_wait().expect("asked").is_none(), "it has more to write than the pipe takes");
    reader.kill().expect("killed");
    reader.wait().expect("it ended");
    posted_and_moved(false);

    let to = folder.path().join("late");
    let to = to.to_str().expect("a path");
    let data = data.to_str().expect("a path");
    for (more, why) in [
        (&["backup"][..], "STORE_READ_TOO_LONG"),
        (&["export", "--tenant", "demo"], "STORE_READ_TOO_LONG"),
        (&["backup", "--data", data], "for longer than 1ms (STORE_READ_MS)"),
        (&["export", "--tenant", "demo", "--data", data], "for longer than 1ms (STORE_READ_MS)"),
    ] {
        let ran = daemon.command(&[&["store"], more, &["--to", to, "--within", "1ms"]].concat());
        assert_eq!((ran.exit, ran.err.contains(why)), (Some(1), true), "{more:?}: {}", ran.err);
    }
    let ran = daemon.command(&["store", "backup", "--to", to, "--within", "2d"]);
    assert!(ran.exit == Some(2) && ran.err.contains("more than 1d (STORE_READ_MS_MAX)"), "{}", ran.err);
    assert!(!folder.path().join("late").exists());
}
