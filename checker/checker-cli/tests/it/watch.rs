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
        self.next_check().pop().expect("counts")
    }

    /// The lines of the next check; the last one has the counts.
    fn next_check(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.1.recv_timeout(Duration::from_mins(1)).expect("a check");
            assert!(!line.contains('\u{1b}'), "no terminal, no escapes");
            lines.push(line);
            if lines[lines.len() - 1].starts_with("findings ") {
                return lines;
            }
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
    // One that is named and goes is one finding, at the line that names it.
    write(suite.path(), "suite.yaml", b"plugins: [gl, ar]\n");
    std::fs::rename(suite.path().join("ar"), suite.path().join("gone")).expect("renamed");
    let last = loop {
        let lines = watching.next_check();
        if lines.iter().any(|line| line.starts_with("error[TL105]")) {
            break lines;
        }
    };
    let errors: Vec<&String> = last.iter().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors, ["error[TL105]: suite.yaml names the plugin folder `ar`, which has no plugin.yaml"]);
}

#[test]
fn after_the_first_check_only_what_changed_is_printed() {
    let listening = "$app.onEvent('ar.bill.paid', e => $app.log('info', e.topic));";
    let suite = plugin(MANIFEST, listening);
    let watching = Watching::start(suite.path());
    let first = watching.next_check();
    assert!(first.iter().any(|line| line.contains("TL201")), "{first:?}");
    // A finding that only moves is no news.
    write(suite.path(), "gl/src/main.js", format!("// one more line\n{listening}").as_bytes());
    assert_eq!(watching.next_check().len(), 1);
    write(suite.path(), "gl/src/main.js", listening.replace("paid", "sent").as_bytes());
    let third = watching.next_check();
    let gone: Vec<&String> = third.iter().filter(|line| line.starts_with("gone: ")).collect();
    assert!(
        gone.iter().any(|line| line.contains("error[TL201] gl/src/main.js:2: ") && line.contains("ar.bill.paid")),
        "{third:?}"
    );
    assert!(third.iter().any(|line| line.contains("`gl` consumes `ar.bill.sent`")), "{third:?}");
}
