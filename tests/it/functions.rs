//! The page of functions: each that a plugin may call stands there, with an example that is run.

use crate::surface::declared;
use std::collections::BTreeSet;
use std::process::Command;
use tests::binary::{trunkline, workspace};
use tests::daemon::run;
use tests::example::example_of;

const PAGE: &str = "reference/functions.md";
/// Interfaces with functions, and how an example writes the object.
const OBJECTS: [(&str, &str); 14] = [
    ("App", "$app"),
    ("Realtime", "realtime"),
    ("Dao", "dao"),
    ("License", "license"),
    ("Money", "money"),
    ("Capability", "capability"),
    ("Jobs", "$jobs"),
    ("Http", "$http"),
    ("HttpAnswer", "answer"),
    ("VerbCall", "e"),
    ("RequestDelivery", "e"),
    ("Log", "log"),
    ("Console", "console"),
    ("PluginFacts", "plugin"),
];

#[test]
fn each_function_has_a_place_on_the_page_and_an_example_in_its_chapter() {
    let page = std::fs::read_to_string(workspace().join("docs/src").join(PAGE)).expect("the page");
    let declared = declared();
    let mut known = BTreeSet::from(["$app.log".to_owned()]);
    for (interface, object) in OBJECTS {
        for (name, least) in &declared[interface] {
            let function = format!("{object}.{name}");
            if least.is_some() {
                let chapter = chapter_of(&page, &function).unwrap_or_else(|| panic!("{PAGE} has no `{function}(`"));
                let example = code_of(chapter).any(|code| code.contains(&format!(".{name}(")));
                assert!(example, "the chapter of `{function}` in {PAGE} has no plugin code that calls it");
                known.insert(function);
            }
        }
    }
    let callables: usize = OBJECTS.iter().map(|(one, _)| declared[*one].values().flatten().count()).sum();
    assert!(callables > 50, "only {callables} functions were found");
    for function in headings(&page).flat_map(functions) {
        assert!(known.contains(&function), "{PAGE} has `{function}(`, which is no function");
    }
}

#[test]
fn the_examples_of_the_page_pass_their_tests_and_leave_nothing_out() {
    let folder = example_of(PAGE);
    let ran = run(Command::new(trunkline()).arg("test").arg(folder.path()).args(["--out", "json"]));
    assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).expect("the report is JSON");
    let all = report["coverage"].as_array().expect("plugins");
    let coverage = all.iter().find(|one| one["plugin"] == "desk").expect("the plugin with the examples");
    for kind in ["verbs", "handlers", "jobs", "outcomes", "hooks", "publishes"] {
        let all = coverage[kind].as_object().expect("names");
        assert!(!all.is_empty() && all.values().all(|reached| *reached == true), "{kind}: {all:?}");
    }
}

/// The chapter in which a heading names the function.
fn chapter_of<'a>(page: &'a str, function: &str) -> Option<&'a str> {
    page.split("\n## ").find(|chapter| headings(chapter).flat_map(functions).any(|one| one == function))
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("### "))
}

/// The functions that a heading names, each as `` `object.name(` ``.
fn functions(heading: &str) -> Vec<String> {
    let quoted = heading.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|code| code.split_once('(')).map(|(name, _)| name.to_owned());
    named.filter(|name| name.contains('.')).collect()
}

/// The blocks that are code of a plugin, and not of its tests.
fn code_of(chapter: &str) -> impl Iterator<Item = &str> {
    let blocks = chapter.split("```").skip(1).step_by(2);
    blocks.filter(|block| block.lines().nth(1).is_some_and(|first| first.starts_with("// ") && first.contains("/src/")))
}
