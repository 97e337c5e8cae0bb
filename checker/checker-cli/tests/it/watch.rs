//! `watch` checks again when a file is saved.

use crate::common::{MANIFEST, plugin, write};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Ended however the test ends.
struct Watching(Child, Receiver<String>);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Watching {
    fn start(folder: &std::path::Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline-check"));
        let mut child =
            command.arg("watch").arg(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs");
        let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let (send, receive) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line).ok()));
        Self(child, receive)
    }

    /// The counts of the next check.
    fn next(&self) -> String {
        loop {
            let line = self.1.recv_timeout(Duration::from_mins(1)).expect("a check");
            if line.starts_with("findings ") {
                return line;
            }
            assert!(!line.contains('\u{1b}'), "no terminal, no escapes");
        }
    }
}

#[test]
fn a_save_is_checked_and_so_is_a_new_plugin() {
    let suite = plugin(MANIFEST, "$app.log('info', 'ready');");
    let watching = Watching::start(suite.path());
    assert!(watching.next().starts_with("findings 0/"));
    write(suite.path(), "gl/src/main.js", b"$app.onEvent('ar.bill.paid', e => $app.log('info', e.topic));");
    assert!(!watching.next().starts_with("findings 0/"));
    write(suite.path(), "gl/src/main.js", b"$app.log('info', 'ready');");
    assert!(watching.next().starts_with("findings 0/"));
    write(suite.path(), "ar/src/main.js", b"");
    write(suite.path(), "ar/plugin.yaml", MANIFEST.replace("gl", "ar").as_bytes());
    while !watching.next().contains("2 plugins") {}
}
