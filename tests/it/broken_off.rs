//! Backups and exports that the daemon ends: whoever takes one learns why, and there is no half file.

use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tests::client::cloud_event;
use tests::report::say;
use tests::{Daemon, Start, Suite, binary, process};

const MANIFEST: &str = "
topics:
  cellar.crate.kept: {kind: event, version: 1.0.0, visibility: public, schema: any.json}
roles: [{name: cellar.user, billable: false, grants: [cellar.use]}]
";
/// More than the buffers hold between the reader of the store and a client that does not read.
const CRATES: usize = 40;
const CRATE_BYTES: usize = 900_000;
/// What a slow client takes at once.
const SIP_BYTES: usize = 256 * 1024;

fn cellar() -> Daemon {
    let daemon = Start::suite(Suite::new().plugin("cellar", MANIFEST, "")).run();
    let text = "x".repeat(CRATE_BYTES);
    for n in 0..CRATES {
        let event = cloud_event(&format!("crate-{n}"), "cellar.crate.kept", &json!({ "text": text }));
        daemon.client().publish(&event).expect_status(202);
    }
    daemon
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("a folder").next().is_none()
}

#[test]
fn one_that_takes_too_long_is_refused_by_code_and_counted() {
    let daemon = cellar();
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("late");
    let to = to.to_str().expect("a path");
    let (mut failed, mut through) = ([0, 0], 0);
    for within in ["1ms", "60ms", "120ms", "240ms", "480ms", "960ms"] {
        for (n, what) in [&["backup"][..], &["export", "--tenant", "demo"]].into_iter().enumerate() {
            let ran = daemon.command(&[&["store"], what, &["--to", to, "--within", within]].concat());
            if ran.exit == Some(0) {
                std::fs::remove_file(to).expect("there is a file");
                through += 1;
                continue;
            }
            failed[n] += 1;
            let why = format!("it read the store for longer than {within} (STORE_READ_MS)");
            assert_eq!(ran.exit, Some(1), "{}", ran.err);
            assert!(ran.err.contains("STORE_READ_TOO_LONG") && ran.err.contains(&why), "{what:?}: {}", ran.err);
            assert!(is_empty(folder.path()), "{what:?} within {within} left a file");
        }
    }
    let refused = daemon.admin().get("/api/_admin/store/backup?within=1ms");
    refused.expect_error(503, "STORE_READ_TOO_LONG");
    failed[0] += 1;
    for (n, what) in ["backup", "export"].into_iter().enumerate() {
        let late = format!("trunkline_store_read_too_long_total{{what=\"{what}\"}}");
        assert_eq!(daemon.metric(&late), failed[n]);
        assert_eq!(daemon.metric(&format!("trunkline_store_{what}s_failed_total")), failed[n]);
    }
    say(&format!("{failed:?} backups and exports were ended for their time, {through} were through"));
}

#[test]
fn one_that_is_under_way_when_the_daemon_stops_says_so_at_its_end() {
    let mut daemon = cellar();
    let folder = tempfile::tempdir().expect("a folder");
    let (url, token) = (daemon.client().url().to_owned(), daemon.admin().token().to_owned());
    let paths = ["/api/_admin/store/backup", "/api/_admin/tenants/demo/export"];
    let slow: Vec<_> = paths.into_iter().map(|path| open(&url, &token, path)).collect();
    let mut command = Command::new(binary::trunkline());
    command.args(["store", "backup", "--url", &url, "--token", &token, "--to"]).arg(folder.path().join("b"));
    let client = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    tests::wait_until(Duration::from_secs(30), || {
        (process::children(daemon.pid(), "copy-store").len() == 2).then_some(())
    });
    let readers: Vec<_> = slow.into_iter().map(|stream| std::thread::spawn(move || drained(stream))).collect();
    let stopped = daemon.stop().expect("it stops");
    assert!(stopped.success(), "{stopped}");
    for reader in readers {
        let text = reader.join().expect("read");
        let end = String::from_utf8_lossy(&text[text.len().saturating_sub(400)..]).into_owned();
        assert!(text.len() < CRATES * CRATE_BYTES, "it came to its end: {} bytes", text.len());
        assert!(end.contains("SHUTTING_DOWN: the daemon is stopping"), "{end}");
    }
    let ended = client.wait_with_output().expect("it ended");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.success(), !is_empty(folder.path()), "{told}");
    assert!(
        ended.status.success() || told.contains("SHUTTING_DOWN") && told.contains("the daemon is stopping"),
        "{told}"
    );
    say(&format!("the client of a stopping daemon ended with {}: {told}", ended.status));
}

/// Asks, and takes the first bytes of the answer.
fn open(url: &str, token: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    stream.read_exact(&mut [0; 4_096]).expect("an answer");
    stream
}

/// Takes the rest, with pauses; nothing is at fault where the connection is then broken off.
fn drained(mut stream: TcpStream) -> Vec<u8> {
    let (mut all, mut sip) = (Vec::new(), vec![0; SIP_BYTES]);
    std::thread::sleep(Duration::from_millis(500));
    while let Ok(length @ 1..) = stream.read(&mut sip) {
        all.extend_from_slice(&sip[..length]);
    }
    all
}
