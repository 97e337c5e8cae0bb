//! Plugins whose harm lies in several files: what they import, and how. They are saved into a suite that is served, one
//! after another, and whoever is served beside them is answered all the while.

use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use tests::report::say;
use tests::{Daemon, Start, Suite};

const ROLES: &str = "roles: [{name: SLUG.user, billable: false, grants: [SLUG.use]}]\n";
/// A worker of a debug build may load for as long as a load may compute, and its machine be busy.
const PATIENCE: Duration = Duration::from_mins(1);
const NAMES: usize = 10_000;

/// What becomes of a case: the daemon's log says why it was not loaded, or its verb answers.
enum Becomes {
    Refused(&'static str),
    /// Either is fine, for the case is allowed, and what it costs is its own.
    AnswersOr(u64, &'static str),
}
use Becomes::{AnswersOr, Refused};

/// Files below `src` by name; `main.js` gets a verb that answers `answer`.
struct Case {
    name: &'static str,
    main: &'static str,
    files: Vec<(String, String)>,
    becomes: Becomes,
}

fn case(name: &'static str, main: &'static str, files: Vec<(&str, String)>, becomes: Becomes) -> Case {
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    Case { name, main, files, becomes }
}

fn cases() -> Vec<Case> {
    const JSON: &str = "import all from './all.json' with { type: 'json' };\nconst answer = all.length;";
    let list = |text: &str, count: usize| format!("[{}]", vec![text; count].join(","));
    let names: Vec<String> = (0..NAMES).map(|n| format!("n{n}")).collect();
    let own = format!("export const {} = 1;\n", names.join(" = 1;\nexport const "));
    let star = |at: usize| format!("export * from './s{}.js';\nexport * from './s{}.js';\n", at + 1, at + 2);
    let mut stars: Vec<(String, String)> = (0..40).map(|at| (format!("s{at}.js"), star(at))).collect();
    stars.extend([40, 41].map(|at| (format!("s{at}.js"), format!("export const last{at} = 1;\n"))));
    let ring =
        "import { b } from './b.js';\nexport const a = await Promise.resolve(1);\nexport const sum = () => a + b;\n";
    let waits = |other: &str, name: &str| {
        format!("import './{other}.js';\nexport const {name} = await import('./{other}.js');\n")
    };
    let text = "x".repeat(99);
    vec![
        case("json-of-10-mib", JSON, vec![("all.json", list(&format!("\"{text}\""), 100_000))], Refused("TL501")),
        case("json-of-4-mib", JSON, vec![("all.json", list("[[\"x\"]]", 500_000))], AnswersOr(500_000, "PLUGIN_")),
        case(
            "json-of-10000-levels",
            JSON,
            vec![("all.json", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))],
            Refused("TL704"),
        ),
        case(
            "cycle-of-awaits",
            "import { a } from './a.js';\nconst answer = a;",
            vec![
                ("a.js", ring.to_owned()),
                ("b.js", "import { a } from './a.js';\nawait null;\nexport const b = a + 1;\n".to_owned()),
            ],
            Refused("a is not defined"),
        ),
        case(
            "cycle-that-waits-for-itself",
            "import { a } from './a.js';\nconst answer = a;",
            vec![("a.js", waits("b", "a")), ("b.js", waits("a", "b"))],
            Refused("never settled"),
        ),
        case(
            "ten-thousand-names",
            "import * as all from './through.js';\nconst answer = Object.keys(all).length;",
            vec![("through.js", format!("export {{\n{}\n}} from './own.js';\n", names.join(",\n"))), ("own.js", own)],
            AnswersOr(NAMES as u64, "PLUGIN_"),
        ),
        Case {
            name: "doubling-stars",
            main: "import * as all from './s0.js';\nconst answer = Object.keys(all).length;",
            files: stars,
            becomes: AnswersOr(2, "PLUGIN_"),
        },
    ]
}

#[test]
fn what_lies_in_several_files_hurts_nobody_beside_it() {
    let code = "$app.routerAdd('GET', '/api/calm/work', () => 'calm');\n";
    let daemon = Start::suite(Suite::new().plugin("calm", &ROLES.replace("SLUG", "calm"), code)).watching().run();
    let mut calls = 0;
    for case in cases() {
        let slug = case.name;
        let folder = daemon.suite().join(slug);
        for (path, text) in &case.files {
            write(&folder.join("src").join(path), text);
        }
        let logged = daemon.log().len();
        serve(&daemon, slug, case.main);
        calls += ends_as(&daemon, slug, logged, &case.becomes);
        list(&daemon, &["calm"]);
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }
    say(&format!("hostile plugins of several files: {} cases, {calls} calls beside them answered", cases().len()));
}

/// A file outside, and a folder outside, that a link in the plugin's folder leads to.
#[test]
fn a_link_out_of_the_plugins_folder_is_not_followed() {
    let code = "$app.routerAdd('GET', '/api/calm/work', () => 'calm');\n";
    let daemon = Start::suite(Suite::new().plugin("calm", &ROLES.replace("SLUG", "calm"), code)).watching().run();
    let outside = tempfile::tempdir().expect("a temporary folder");
    write(&outside.path().join("secret.js"), "export default 'not yours';\n");
    for (slug, link, to, path) in [
        ("linked-file", "src/secret.js", outside.path().join("secret.js"), "./secret.js"),
        ("linked-folder", "src/far", outside.path().to_owned(), "./far/secret.js"),
    ] {
        let folder = daemon.suite().join(slug);
        std::fs::create_dir_all(folder.join("src")).expect("a folder");
        std::os::unix::fs::symlink(to, folder.join(link)).expect("a link");
        let logged = daemon.log().len();
        serve(&daemon, slug, &format!("import secret from '{path}';\nconst answer = secret;"));
        ends_as(&daemon, slug, logged, &Refused("links are not followed"));
        list(&daemon, &["calm"]);
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }
    assert!(!daemon.log().contains("not yours"));
}

/// Adds the manifest and the entry, last, so that all of it is there when it is looked at, and names it in suite.yaml.
fn serve(daemon: &Daemon, slug: &str, main: &str) {
    let folder = daemon.suite().join(slug);
    write(
        &folder.join("src/main.js"),
        &format!("{main}\n$app.routerAdd('GET', '/api/{slug}/answer', () => answer);\n"),
    );
    let roles = ROLES.replace("SLUG", slug);
    let head =
        format!("manifest: 1\nslug: {slug}\nname: {slug}\nversion: 1.0.0\nmin_core: 0.1.0\nentry: src/main.js\n");
    write(&folder.join("plugin.yaml"), &format!("{head}permissions: [records:own]\n{roles}"));
    list(daemon, &["calm", slug]);
}

fn list(daemon: &Daemon, slugs: &[&str]) {
    write(&daemon.suite().join("suite.yaml"), &format!("name: probe\nplugins: [{}]\n", slugs.join(", ")));
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("is writable");
    std::fs::write(path, text).expect("is writable");
}

/// Waits for the end of a case and has the plugin beside it answer meanwhile; gives how often it did. What the log said
/// before its first `logged` bytes were over is about other cases.
#[track_caller]
fn ends_as(daemon: &Daemon, slug: &str, logged: usize, becomes: &Becomes) -> u64 {
    let (answer, why) = match becomes {
        Refused(why) => (None, why),
        AnswersOr(answer, why) => (Some(json!(answer)), why),
    };
    let (client, began) = (daemon.client(), Instant::now());
    for calls in 1.. {
        assert_eq!(*client.get("/api/calm/work").expect_status(200).data(), json!("calm"), "beside {slug}");
        let log = daemon.log();
        let since = log.get(logged..).unwrap_or_default();
        let refused = since.lines().any(|line| line.contains(why)) && since.contains(slug);
        let found = client.get(&format!("/api/{slug}/answer"));
        let answers = answer.as_ref().is_some_and(|answer| found.status == 200 && found.data() == answer);
        if answers || refused {
            return calls;
        }
        assert!(began.elapsed() < PATIENCE, "{slug}: {} {log}", found.text);
        std::thread::sleep(Duration::from_millis(20));
    }
    unreachable!("the loop ends by itself")
}
