//! What the book says is so: its lists agree with the catalogue (`UPDATE_DOCS=1` writes them), its example runs.

use contract_model::code::{ErrorCode, Fault};
use contract_model::{limits, plugin_limit};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tests::Start;
use tests::binary::workspace;
use tests::client::cloud_event;
use tests::example::example_of;

#[test]
fn the_index_of_errors_is_the_catalogue() {
    let mut page = String::from(
        "# Errors\n\nEvery error that a program can meet has a code. The code is stable; the text beside it is not.\n\n\
         | code | whose fault | meaning |\n|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let row = format!("| [`{code}`]({code}.md) | {} | {} |", whose(code.fault()), code.meaning());
        writeln!(page, "{row}").expect("text takes text");
    }
    check("errors/index.md", &page);
}

#[test]
fn the_page_of_limits_is_the_table() {
    let mut page = String::from(
        "# Limits\n\nNothing is unbounded and nothing is dropped in silence: who meets a limit is told its code. \
         The last column names the [metric](../operate/metrics.md) that tells how often that happens, or how near it is.\n\n\
         | limit | value | unit | code | what it bounds | metric |\n|---|---:|---|---|---|---|\n",
    );
    for limit in limits::ALL {
        let code = format!("[`{}`](../errors/{}.md)", limit.code, limit.code);
        let metric = if limit.metric.is_empty() { String::new() } else { format!("`{}`", limit.metric) };
        let (name, value, unit, what) = (limit.name, limit.value, limit.unit, limit.what);
        let row = format!("| `{name}` | {value} | {unit} | {code} | {what} | {metric} |");
        writeln!(page, "{row}").expect("text takes text");
    }
    page.push_str(
        "\n## Of a plugin's calls {#of-a-plugins-calls}\n\nWhat one call of a plugin may use. A suite sets other values \
         under `limits` in its [suite.yaml](suite.md), and over them an operator with `trunkline plugin limits SLUG NAME=VALUE` \
         or `PATCH /api/_admin/plugins/{slug}/limits`, up to the ceiling; \
         without a value the command shows what is in force and what the calls of each handler used at most. \
         `/metrics` counts what was used by plugin and tenant, and how often a limit was met.\n\n\
         | limit | default | ceiling | unit | code | what it bounds |\n|---|---:|---:|---|---|---|\n",
    );
    for limit in plugin_limit::ALL {
        let code = format!("[`{}`](../errors/{}.md)", limit.code, limit.code);
        let (name, usual, ceiling, unit, what) = (limit.name, limit.usual, limit.ceiling, limit.unit, limit.what);
        writeln!(page, "| `{name}` | {usual} | {ceiling} | {unit} | {code} | {what} |").expect("text takes text");
    }
    check("reference/limits.md", &page);
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let codes: BTreeSet<String> = ErrorCode::ALL.iter().map(ToString::to_string).collect();
    let pages = std::fs::read_dir(source("errors")).expect("docs/src/errors").flatten();
    let pages = pages.filter_map(|page| page.file_name().to_str()?.strip_suffix(".md").map(str::to_owned));
    let pages: BTreeSet<String> = pages.filter(|page| page != "index").collect();
    assert_eq!(pages, codes);
}

#[test]
fn a_page_of_an_error_says_what_it_means_and_what_to_do() {
    for code in ErrorCode::ALL {
        let page = std::fs::read_to_string(source(&format!("errors/{code}.md"))).expect("the page");
        for part in [code.meaning(), "## Likely cause", "## What to do"] {
            assert!(page.contains(part), "errors/{code}.md lacks {part:?}");
        }
    }
}

#[test]
fn every_link_of_the_summary_leads_somewhere() {
    let summary = std::fs::read_to_string(source("SUMMARY.md")).expect("the summary");
    let mut linked = 0;
    for target in summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(source(target).is_file(), "SUMMARY.md links {target}, which is not there");
        linked += 1;
    }
    assert!(linked > 20, "only {linked} links looked at");
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = std::fs::read_to_string(source("SUMMARY.md")).expect("the summary");
    let pages = pages(&source(""));
    for page in &pages {
        assert!(page == "SUMMARY.md" || summary.contains(&format!("]({page})")), "SUMMARY.md does not list {page}");
    }
    assert!(pages.len() > 80, "only {} pages looked at", pages.len());
}

#[test]
fn the_plugin_of_the_guide_is_sound_and_runs() {
    let folder = example_of("plugin-guide.md");
    let daemon = Start::dev(folder.path()).run();
    let made = daemon.client().post("/api/notes/notes", &json!({"text": "hello"})).expect_status(200);
    assert_eq!(made.data()["text"], "hello");
    let event = cloud_event("order-7", "notes.note.made", &json!({"noteId": "7", "text": "hello"}));
    daemon.client().publish(&event).expect_status(202);
}

/// All pages below a folder, by their path in the book.
fn pages(folder: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the book").flatten() {
        let path = entry.path();
        if path.is_dir() {
            out.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let within = path.strip_prefix(source("")).expect("a page of the book");
            out.push(within.display().to_string());
        }
    }
    out
}

fn whose(fault: Fault) -> &'static str {
    match fault {
        Fault::Caller => "the caller's",
        Fault::Temporary => "nobody's; try again",
        Fault::Plugin => "the plugin's",
        Fault::Daemon => "the daemon's",
    }
}

fn check(page: &str, wanted: &str) {
    let path = source(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).expect("the page is writable");
    }
    let got = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(got == wanted, "docs/src/{page} is out of date; run `UPDATE_DOCS=1 cargo test -p tests --test it docs`");
}

fn source(page: &str) -> PathBuf {
    workspace().join("docs").join("src").join(page)
}
