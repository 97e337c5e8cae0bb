//! What cannot be read is named, and never taken for clean.

use crate::common::{Ended, MANIFEST, check, plugin, write};
use std::path::Path;

const QUIET: &str = "$app.log('info', 'ready');";

#[track_caller]
fn assert_ends(ended: &Ended, code: u8, says: &str) {
    let all = format!("{}{}", ended.out, ended.err);
    assert_eq!(ended.code, code, "{all}");
    assert!(all.contains(says), "{all}");
}

#[test]
fn a_suite_that_is_no_folder_is_named() {
    let one = plugin(MANIFEST, QUIET);
    assert_ends(&check(&one.path().join("gl/plugin.yaml"), &[]), 2, "is not a folder");
    assert_ends(&check(&one.path().join("none"), &[]), 2, "is not a folder");
}

#[test]
fn suites_without_plugins_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    assert_ends(&check(folder.path(), &[]), 2, "holds no plugin");
    write(folder.path(), "suite.yaml", b"name: Nothing\nplugins: []\n");
    assert_ends(&check(folder.path(), &[]), 2, "names no plugin under `plugins`");
    write(folder.path(), "suite.yaml", b"plugins: [gone]\n");
    assert_ends(&check(folder.path(), &[]), 1, "`gone`, which has no plugin.yaml");
}

#[test]
fn plugins_outside_of_the_suite_are_refused() {
    let outside = plugin(MANIFEST, QUIET);
    let suite = plugin(MANIFEST, QUIET);
    let up = format!("plugins: [gl, ../{}/gl]\n", outside.path().file_name().expect("name").to_string_lossy());
    write(suite.path(), "suite.yaml", up.as_bytes());
    assert_ends(&check(suite.path(), &[]), 1, "leaves the suite");
    write(suite.path(), "suite.yaml", format!("plugins: [gl, {}/gl]\n", outside.path().display()).as_bytes());
    assert_ends(&check(suite.path(), &[]), 1, "leaves the suite");
}

#[test]
fn texts_that_are_too_large_or_no_text_are_named() {
    let huge = plugin(MANIFEST, QUIET);
    write(huge.path(), "gl/src/data.js", &vec![b' '; 8 * 1024 * 1024 + 1]);
    assert_ends(&check(huge.path(), &[]), 3, "gl/src/data.js` is larger than 8 MiB");
    let bytes = plugin(MANIFEST, QUIET);
    write(bytes.path(), "gl/src/data.js", b"const x = '\xff';");
    assert_ends(&check(bytes.path(), &[]), 3, "gl/src/data.js` is not UTF-8: byte 11");
    let manifest = plugin(MANIFEST, QUIET);
    write(manifest.path(), "suite.yaml", b"name: \xff\n");
    assert_ends(&check(manifest.path(), &[]), 1, "TL101");
}

/// Nobody can let a suite pass that was not looked at: not by a floor, not by a level, not by a baseline.
#[test]
fn what_was_not_read_never_passes() {
    let off = b"rules: {TL101: off, TL501: off, TL704: off}\n";
    let schema = format!("{MANIFEST}topics:\n  gl.a.b: {{kind: event, schema: a.json, visibility: public}}\n");
    let of = |path: &str, text: &[u8]| {
        let one = plugin(&schema, QUIET);
        write(one.path(), "gl/a.json", b"{}");
        write(one.path(), path, text);
        one
    };
    for one in [
        of("gl/plugin.yaml", b"manifest: ["),
        of("gl/a.json", b"{"),
        of("gl/src/main.js", b"let = ;"),
        of("gl/src/main.js", b"let x = '\xff';"),
    ] {
        assert_ends(&check(one.path(), &["--fail-on", "never"]), 3, "findings");
        write(one.path(), "suite.yaml", off);
        assert_ends(&check(one.path(), &[]), 3, "suppressed");
    }
}

/// A file that was not read is no empty file.
#[test]
fn nothing_is_concluded_from_what_was_not_read() {
    let one = plugin(MANIFEST, "import { a } from './data.js'; $app.log('info', a);");
    write(one.path(), "gl/src/data.js", &vec![b' '; 8 * 1024 * 1024 + 1]);
    let ended = check(one.path(), &[]);
    assert_ends(&ended, 3, "findings 1/0/0");
    let two = plugin(MANIFEST, "const x = '\u{fffd}';");
    write(two.path(), "gl/src/main.js", b"const x = '\xff';");
    assert_ends(&check(two.path(), &[]), 3, "findings 1/0/0");
}

/// What might be answered in code that cannot be read is not known to be unanswered.
#[test]
fn a_responder_that_cannot_be_read_leaves_a_request_open() {
    let topics =
        "topics:\n  gl.a.request: {kind: request, replies: {ok: gl.a.done}, timeout: 5s}\n  gl.a.done: {kind: reply}\n";
    let one = plugin(&format!("{MANIFEST}{topics}consumes: [gl.a.request]\npublishes: [gl.a.done]\n"), "let = ;");
    let asks = "manifest: 1\nslug: ap\nname: A\nversion: 1.0.0\nentry: main.js\nrequires: {gl: '*'}\npublishes: [gl.a.request]\nconsumes: [gl.a.done]\n";
    write(one.path(), "ap/plugin.yaml", asks.as_bytes());
    let code = b"$app.onAttach(() => $app.request('gl.a.request', {}, {timeout: '5s'}));\n$app.onEvent('gl.a.done', (e) => $app.log('info', e.topic));\n";
    write(one.path(), "ap/main.js", code);
    let ended = check(one.path(), &[]);
    assert_ends(&ended, 3, "warning[TL401]: whether anybody answers `gl.a.request`, which `ap` requests, is not known");
    assert_ends(&check(one.path(), &["--strict"]), 3, "error[TL401]");
    write(one.path(), "gl/src/main.js", b"$app.log('info', 'nothing');");
    assert_ends(&check(one.path(), &[]), 1, "error[TL401]: `ap` requests `gl.a.request`, and no plugin answers it");
}

/// Nested so deep that a parser which follows would end the process.
#[test]
fn deep_nesting_ends_no_process() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("(()=>", ")"), ("`${", "}`"), ("!", "")] {
        let module = format!("const x = {}1{};", open.repeat(20_000), close.repeat(20_000));
        let ended = check(plugin(MANIFEST, &module).path(), &[]);
        assert!([0, 3].contains(&ended.code), "{open}: {}{}", ended.out, ended.err);
        if ended.code == 0 {
            assert!(ended.out.ends_with("files\n"), "{open}");
        }
    }
    let chains = [
        ("const x = a", "(b, c)"),
        ("const x = a", "?.b({}, c)"),
        ("const x = ", "a ? {} : "),
        ("let x = a", " ** {}"),
    ];
    for (before, piece) in chains.into_iter().chain([("", "if (a) {} else "), ("", "if (a) b, c\nelse ")]) {
        let module = format!("{before}{};", piece.repeat(20_000));
        assert_ends(&check(plugin(MANIFEST, &module).path(), &[]), 3, "nested too deep");
    }
    let yaml = format!("{MANIFEST}x-deep: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    assert_ends(&check(plugin(&yaml, QUIET).path(), &[]), 1, "TL101");
}

#[test]
fn ten_thousand_findings_are_all_told() {
    let calls: String =
        (0..10_000).fold(String::new(), |all, at| all + &format!("$app.onEvent('gl.x.a{at}', () => 1);\n"));
    let many = plugin(MANIFEST, &calls);
    let ended = check(many.path(), &["--out", "json"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.matches("\"TL302\"").count() == 10_000);
}

/// What shows one finding after the other shows the last one, too.
#[test]
fn a_thousand_findings_fit_into_every_format() {
    let calls = |count: usize| {
        (0..count).fold(String::new(), |all, at| all + &format!("$app.onEvent('gl.x.a{at}', () => 1);\n"))
    };
    let many = plugin(MANIFEST, &calls(1000));
    for format in ["text", "json", "sarif", "junit", "github", "gitlab", "html"] {
        let ended = check(many.path(), &["--out", format]);
        assert!(ended.code == 1 && ended.out.contains("gl.x.a999"), "{format}");
    }
}

#[test]
fn modules_that_import_each_other_are_read_once() {
    let suite = plugin(
        &format!(
            "{MANIFEST}topics:\n  gl.a.made: {{kind: event, visibility: public}}\npublishes: [gl.a.made]\nconsumes: [gl.a.made]\n"
        ),
        "import './one.js';\nexport const NAME = 'gl.a.made';\n",
    );
    write(
        suite.path(),
        "gl/src/one.js",
        b"import { TOPIC } from './two.js';\nimport './one.js';\n$app.onEvent(TOPIC, (e) => e.id);\n",
    );
    let two = b"import './one.js';\nimport { NAME } from './main.js';\nexport const TOPIC = NAME;\n$app.routerAdd('POST', '/api/gl/x', () => $app.realtime().publish(TOPIC, {}));\n";
    write(suite.path(), "gl/src/two.js", two);
    let ended = check(suite.path(), &[]);
    assert_ends(&ended, 0, "resolved sites 2/2 (100%)");
    write(
        suite.path(),
        "gl/src/two.js",
        b"import { TOPIC as NAME } from './one.js';\nexport const TOPIC = NAME;\nexport * from './one.js';\n",
    );
    write(
        suite.path(),
        "gl/src/one.js",
        b"export { TOPIC } from './two.js';\nimport { TOPIC } from './two.js';\n$app.onEvent(TOPIC, (e) => e.id);\n",
    );
    let circle = check(suite.path(), &["--fail-on", "never"]);
    assert!(circle.out.contains("resolved sites 0/1"), "a name that only names itself is not known: {}", circle.out);
    assert!(circle.out.contains("TL701"), "{}", circle.out);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::common::run;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn links_are_named_and_not_followed() {
        let outside = plugin(MANIFEST, QUIET);
        write(outside.path(), "secret.js", b"export const x = 1;");
        let file = plugin(MANIFEST, "import { x } from './secret.js';\n$app.log('info', String(x));");
        symlink(outside.path().join("secret.js"), file.path().join("gl/src/secret.js")).expect("link");
        let ended = check(file.path(), &[]);
        assert_ends(&ended, 3, "`gl/src/secret.js` is a link");
        assert_ends(&ended, 3, "TL705");
        let folder = plugin(MANIFEST, QUIET);
        symlink(outside.path(), folder.path().join("gl/src/lib")).expect("link");
        assert_ends(&check(folder.path(), &[]), 3, "`gl/src/lib` is a link");
    }

    #[test]
    fn linked_plugins_are_named_and_not_followed() {
        let outside = plugin(MANIFEST, QUIET);
        let suite = plugin(MANIFEST, QUIET);
        symlink(outside.path().join("gl"), suite.path().join("linked")).expect("link");
        assert_ends(&check(suite.path(), &[]), 3, "`linked` is a link");
        write(suite.path(), "suite.yaml", b"plugins: [gl, linked]\n");
        assert_ends(&check(suite.path(), &[]), 1, "reached over the link `linked`");
    }

    #[test]
    fn links_in_a_circle_end() {
        let one = plugin(MANIFEST, QUIET);
        symlink(one.path(), one.path().join("gl/src/again")).expect("link");
        symlink(one.path().join("b.js"), one.path().join("gl/a.js")).expect("link");
        symlink(one.path().join("gl/a.js"), one.path().join("b.js")).expect("link");
        assert_ends(&check(one.path(), &[]), 3, "`gl/a.js` is a link");
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let one = plugin(MANIFEST, QUIET);
        let pipe = |path: &Path| {
            let made = Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
            assert!(made.success());
        };
        pipe(&one.path().join("gl/src/pipe.js"));
        assert_ends(&check(one.path(), &[]), 3, "`gl/src/pipe.js` is not a regular file");
        pipe(&one.path().join("suite.yaml"));
        assert_ends(&check(one.path(), &[]), 3, "it is not a regular file");
    }

    #[test]
    fn names_that_are_no_text_are_told() {
        let one = plugin(MANIFEST, QUIET);
        std::fs::write(one.path().join("gl/src").join(OsStr::from_bytes(b"x\xff.js")), "").expect("write");
        assert_ends(&check(one.path(), &[]), 3, "has a name that is not UTF-8");
        let one = plugin(MANIFEST, QUIET);
        let other = one.path().join(OsStr::from_bytes(b"ap\xff"));
        std::fs::create_dir(&other).expect("folder");
        std::fs::write(other.join("plugin.yaml"), MANIFEST).expect("write");
        assert_ends(&check(one.path(), &[]), 3, "is a plugin whose path is not UTF-8");
    }

    #[test]
    fn what_lies_in_a_plugin_belongs_to_it() {
        let one = plugin(MANIFEST, QUIET);
        write(one.path(), "gl/vendored/ap/plugin.yaml", MANIFEST.as_bytes());
        write(one.path(), "glossary/notes/plugin.txt", b"");
        write(one.path(), "gl-tools/deep/er/plugin.yaml", MANIFEST.replace("gl", "er").as_bytes());
        write(one.path(), ".hidden/plugin.yaml", MANIFEST.as_bytes());
        write(one.path(), "node_modules/gl/plugin.yaml", MANIFEST.as_bytes());
        write(one.path(), "gl-tools/deep/er/src/main.js", QUIET.as_bytes());
        let facts = run(&["facts", one.path().to_str().expect("UTF-8")]);
        let facts: serde_json::Value = serde_json::from_str(&facts.out).expect("JSON");
        let mut slugs: Vec<_> = facts["plugins"].as_array().expect("plugins").iter().map(|one| &one["slug"]).collect();
        slugs.sort_by_key(|slug| slug.as_str());
        assert_eq!(slugs, ["er", "gl"], "{facts:#}");
    }

    /// Whoever may read everything, as root may, runs the check as somebody else.
    #[test]
    #[expect(clippy::print_stdout, reason = "a skipped test says why")]
    fn an_unreadable_folder_is_never_clean() {
        let one = plugin(MANIFEST, QUIET);
        write(one.path(), "gl/src/closed/x.js", b"");
        let closed = one.path().join("gl/src/closed");
        std::fs::set_permissions(one.path(), PermissionsExt::from_mode(0o755)).expect("open");
        std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).expect("close");
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline-check"));
        command.args(["check", one.path().to_str().expect("UTF-8")]).stdout(Stdio::piped());
        let may_read_all = std::fs::read_dir(&closed).is_ok();
        let ended = if may_read_all { command.uid(65_534).output() } else { command.output() };
        std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o755)).expect("open again");
        let Ok(ended) = ended else {
            println!("skipped: nobody else can run {} here", env!("CARGO_BIN_EXE_trunkline-check"));
            return;
        };
        let out = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.code(), Some(3), "{out}");
        assert!(out.contains("`gl/src/closed` cannot be read"), "{out}");
    }
}
