//! `trunkline new`: what it makes is sound and runs; what it cannot make leaves nothing behind.

use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::binary;
use tests::daemon::run;
use tests::{Client, Start, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_new_suite_with_one_plugin_more_is_sound_and_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = folder.path().join("shop");
    new(folder.path(), &["suite", "shop"], 0);
    let manifest = suite.join("suite.yaml");
    let commented =
        std::fs::read_to_string(&manifest).expect("suite.yaml").replace("[shop]", "[\n  shop, # the first\n]");
    std::fs::write(&manifest, commented).expect("writes");
    new(folder.path(), &["plugin", "price-lists", "--suite", "shop", "--ts"], 0);

    let said = std::fs::read_to_string(&manifest).expect("suite.yaml");
    assert!(
        said.contains("# the first") && said.contains("# One folder a plugin") && said.contains("price-lists"),
        "{said}"
    );
    for file in [
        ".gitignore",
        ".github/workflows/suite.yml",
        "README.md",
        "shop/README.md",
        "shop/jsconfig.json",
        "shop/contracts/shop.item.added.json",
        "price-lists/tsconfig.json",
        "price-lists/src/main.ts",
        "price-lists/tests/items.test.ts",
    ] {
        let text = std::fs::read_to_string(suite.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(!text.contains("{{"), "{file}: {text}");
    }
    assert!(!suite.join("price-lists/src/main.js").exists() && !suite.join("shop/src/main.ts").exists());
    let checked = run(Command::new(binary::trunkline()).args(["check", "--strict", "--deny-warnings"]).arg(&suite));
    assert_eq!(checked.exit, Some(0), "{}{}", checked.out, checked.err);

    let tested = run(Command::new(binary::trunkline()).arg("test").arg(&suite));
    assert_eq!(tested.exit, Some(0), "{}{}", tested.out, tested.err);
    assert!(tested.out.contains("10 passed, 0 failed"), "{}", tested.out);
    for all in ["shop reached: verbs 3/3, handlers 1/1, topics published 1/1", "price-lists reached: verbs 3/3"] {
        assert!(tested.out.contains(all), "{}", tested.out);
    }

    let daemon = Start::dev(&suite).run();
    for plugin in ["shop", "price-lists"] {
        adds_to_stock(&daemon.client(), plugin);
    }
}

#[test]
fn the_page_on_tests_shows_what_the_tests_of_a_new_suite_print() {
    let page = include_str!("../../docs/src/testing.md");
    let (_, shown) = page.split_once("$ trunkline test shop\n").expect("the command");
    let (shown, _) = shown.split_once("```").expect("an end");
    let folder = tempfile::tempdir().expect("a temporary folder");
    new(folder.path(), &["suite", "shop"], 0);
    let tested = run(Command::new(binary::trunkline()).args(["test", "shop"]).current_dir(folder.path()));
    assert_eq!(tested.out, shown, "{}", tested.err);
}

/// An item is answered at once, and is in stock when its event was handled.
fn adds_to_stock(client: &Client, plugin: &str) {
    for (quantity, status) in [(json!(2), 201), (json!(3), 201), (json!(0), 422), (json!("many"), 422)] {
        let answer = client.post(&format!("/api/{plugin}/items"), &json!({"name": "nails", "quantity": quantity}));
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let stock = format!("/api/{plugin}/stock/nails");
    wait_until(PATIENCE, || (client.get(&stock).data()["quantity"] == 5).then_some(()));
    assert_eq!(client.get(&format!("/api/{plugin}/items")).data()["items"].as_array().map(Vec::len), Some(2));
    client.get(&format!("/api/{plugin}/stock/screws")).expect_error(404, "NOT_IN_STOCK");
}

/// The way that the README and the job for continuous integration show, in both languages, with one plugin more.
#[test]
fn what_is_made_passes_the_type_check_and_the_commands_of_its_readme_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (suite, language) in [("shop", &[][..]), ("store", &["--ts"][..])] {
        new(folder.path(), &[&["suite", suite], language].concat(), 0);
        let home = folder.path().join(suite);
        let readme = std::fs::read_to_string(home.join("README.md")).expect("the README");
        let lines = readme.lines().filter_map(|line| line.strip_prefix("    trunkline "));
        let commands: Vec<&str> = lines.filter_map(|line| line.split('#').next()).collect();
        assert_eq!(commands.len(), 5, "{readme}");
        for (at, command) in commands.into_iter().enumerate() {
            if command.starts_with("dev") {
                let daemon = Start::dev(&home).run();
                daemon.client().get(&format!("/api/{suite}/items")).expect_status(200);
                continue;
            }
            let words = command.replace("NAME", "price-lists");
            let more = if words.starts_with("new") { language } else { &[] };
            let ran =
                run(Command::new(binary::trunkline()).args(words.split_whitespace()).args(more).current_dir(&home));
            assert_eq!(ran.exit, Some(0), "{at}: {command}: {}{}", ran.out, ran.err);
        }
        for again in [&["check", ".", "--strict", "--deny-warnings"][..], &["test", "."], &["types", ".", "--write"]] {
            let ran = run(Command::new(binary::trunkline()).args(again).current_dir(&home));
            assert_eq!(ran.exit, Some(0), "{again:?}: {}{}", ran.out, ran.err);
        }
        let Some(tsc) = binary::tsc() else { return };
        let project = if language.is_empty() { "jsconfig.json" } else { "tsconfig.json" };
        for plugin in [suite, "price-lists"] {
            let project = home.join(plugin).join(project);
            let ran = run(Command::new(&tsc).arg("-p").arg(&project));
            assert_eq!((ran.exit, ran.out.as_str()), (Some(0), ""), "{}", project.display());
            let main = home.join(plugin).join(if language.is_empty() { "src/main.js" } else { "src/main.ts" });
            let text = std::fs::read_to_string(&main).expect("the module");
            std::fs::write(&main, format!("{text}\n$app.nwo();\n")).expect("writes");
            let ran = run(Command::new(&tsc).arg("-p").arg(&project));
            assert!(ran.out.contains("nwo"), "the check looks at {}: {}", main.display(), ran.out);
        }
    }
}

/// What npx does: the package's own command takes all that follows, unless `-p` names the package before a command.
const NPX: &str = r#"#!/bin/sh
[ "$1" = --yes ] && shift
if [ "$1" = -p ]; then shift 2; exec "$@"; fi
shift
exec tsc "$@"
"#;

/// The step of the job for continuous integration that checks types, as its runner would do it.
#[test]
fn the_step_that_checks_types_runs_and_fails_where_they_do_not_fit() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let Some(tsc) = binary::tsc() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    new(folder.path(), &["suite", "shop"], 0);
    let home = folder.path().join("shop");
    let job = std::fs::read_to_string(home.join(".github/workflows/suite.yml")).expect("the job");
    let (_, step) = job.split_once("run: |\n").expect("the step");
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("makes a folder");
    std::fs::write(bin.join("npx"), NPX).expect("writes");
    std::fs::set_permissions(bin.join("npx"), std::fs::Permissions::from_mode(0o755)).expect("may be run");
    symlink(binary::trunkline(), bin.join("trunkline")).expect("links");
    symlink(tsc, bin.join("tsc")).expect("links");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let runs = || run(Command::new("bash").args(["-e", "-c", step]).current_dir(&home).env("PATH", &path));
    let ran = runs();
    assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
    let main = home.join("shop/src/main.js");
    let text = std::fs::read_to_string(&main).expect("the module");
    std::fs::write(&main, format!("{text}\n$app.nwo();\n")).expect("writes");
    let ran = runs();
    assert!(ran.exit != Some(0) && ran.out.contains("nwo"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_cannot_be_made_says_why_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    new(folder.path(), &["suite", "shop"], 0);
    let manifest = folder.path().join("shop/suite.yaml");
    let before = std::fs::read_to_string(&manifest).expect("suite.yaml");
    std::fs::create_dir(folder.path().join("shop/taken")).expect("makes a folder");
    std::fs::create_dir(folder.path().join("none")).expect("makes a folder");
    for (args, says) in [
        (vec!["suite", "shop"], "`shop` is there already"),
        (vec!["suite", "Shop"], "`Shop` is not a valid plugin slug"),
        (vec!["suite", "events"], "it is the daemon's own"),
        (vec!["plugin", "taken", "--suite", "shop"], "is there already"),
        (vec!["plugin", "shop", "--suite", "shop"], "has a plugin `shop` already: shop/plugin.yaml"),
        (vec!["plugin", "jobs", "--suite", "shop"], "it is the daemon's own"),
        (vec!["plugin", "a--b", "--suite", "shop"], "cannot begin a topic"),
        (vec!["plugin", "x", "--suite", "shop"], "use 2 to 32"),
        (vec!["plugin", "more", "--suite", "gone"], "`gone` is not a folder"),
    ] {
        let said = new(folder.path(), &args, 2);
        assert!(said.contains(says), "{args:?}: {said}");
    }
    assert_eq!(std::fs::read_to_string(&manifest).expect("suite.yaml"), before);
    std::fs::write(&manifest, "plugins: {a: b}\n").expect("writes");
    let said = new(folder.path(), &["plugin", "more", "--suite", "shop"], 2);
    assert!(said.contains("suite.yaml:1 must be repaired first"), "{said}");
    assert!(!folder.path().join("shop/more").exists());
}

#[test]
fn where_folders_speak_for_themselves_no_list_is_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    new(folder.path(), &["plugin", "alone"], 0);
    assert!(!folder.path().join("suite.yaml").exists());
    std::fs::write(folder.path().join("suite.yaml"), "name: Found\n").expect("writes");
    new(folder.path(), &["plugin", "second"], 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("suite.yaml")).expect("suite.yaml"), "name: Found\n");
    let checked = run(Command::new(binary::trunkline()).arg("check").current_dir(folder.path()));
    assert_eq!(checked.exit, Some(0), "{}", checked.out);
    assert!(checked.out.contains("2 plugins"), "{}", checked.out);
}

/// Runs `trunkline new` in a folder, which must end with this code, and gives what it says.
#[track_caller]
fn new(folder: &Path, args: &[&str], code: i32) -> String {
    let ran = run(Command::new(binary::trunkline()).arg("new").args(args).current_dir(folder));
    assert_eq!(ran.exit, Some(code), "{args:?}: {}{}", ran.out, ran.err);
    format!("{}{}", ran.out, ran.err)
}
