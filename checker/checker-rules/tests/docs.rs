//! The pages of the book about rules say what the rules say. `UPDATE_DOCS=1 cargo test -p checker-rules` rewrites them.

use checker_rules::{REGISTRY, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/rules")
}

fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> =
        REGISTRY.iter().map(|rule| (format!("{}.md", rule.id), page(rule))).collect();
    pages.insert("README.md".to_owned(), index());
    pages
}

fn page(rule: &Rule) -> String {
    let severity = severity(rule);
    let mut out = format!("# {} {}\n\nSeverity: {severity}. Since {}.\n\n", rule.id, rule.name, rule.since);
    for line in rule.text.lines() {
        // The path of an example's file stands in its fence's info string, which a reader does not see.
        match line.strip_prefix("```").and_then(|info| info.split_once(' ')) {
            Some((language, path)) => {
                let (path, state) = path.strip_prefix("base:").map_or((path, ""), |path| (path, ", as it was"));
                let _ = writeln!(out, "`{path}`{state}\n\n```{language}");
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

fn severity(rule: &Rule) -> String {
    let severity = rule.severity;
    if rule.is_off_by_default() { format!("off, {severity} where a suite asks for it") } else { severity.to_string() }
}

fn index() -> String {
    let mut out = "# Rules\n\n\
        What `trunkline check` reports. Ids and names are stable: suppressions and pipelines rely on them.\n\
        Severities are the defaults; suite.yaml changes them under `rules:`, and so do `profile: strict` and\n\
        `profile: legacy`. `trunkline explain TL201` prints a page at the terminal.\n\n\
        | rule | name | severity | what it reports |\n|---|---|---|---|\n"
        .to_owned();
    for rule in REGISTRY {
        let Rule { id, name, .. } = rule;
        let severity = severity(rule);
        let _ =
            writeln!(out, "| [{id}]({id}.md) | {name} | {severity} | {} |", rule.doc().summary().replace('\n', " "));
    }
    out
}

#[test]
fn the_book_has_one_page_a_rule_and_they_are_up_to_date() {
    let (folder, pages) = (folder(), pages());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(&folder).expect("create folder");
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).expect("write page");
        }
    }
    for (name, text) in &pages {
        let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(written == *text, "docs/src/rules/{name} is out of date; run with UPDATE_DOCS=1");
    }
    let entries = std::fs::read_dir(&folder).expect("read folder");
    let names: BTreeSet<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names, pages.keys().cloned().collect());
}

#[test]
fn the_manual_names_every_field_of_expressions() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/suite.md");
    let page = std::fs::read_to_string(page).expect("the page on suite.yaml");
    for variable in checker_rules::variables() {
        let name = variable.name;
        let section = page.split(&format!("### {name}\n")).nth(1).expect(name);
        let section = section.split("\n### ").next().unwrap_or_default();
        for field in &variable.fields {
            let row = format!("| `{}` |", field.name);
            assert!(section.contains(&row) && section.contains(field.says), "{name}.{}", field.name);
        }
    }
}
