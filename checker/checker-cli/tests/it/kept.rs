//! What the last start found in the code of plugins is taken for what this one would find, or not at all.

use crate::common::{MANIFEST, suite, write};
use checker_cli::{KeptAnalyses, LiveSuite, load_suite};
use contract_parse::{Analyses, Analysis, PluginSource};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tempfile::TempDir;

/// Counts what is recalled and what has to be found.
struct Counted {
    kept: KeptAnalyses,
    recalled: AtomicUsize,
    found: AtomicUsize,
}

impl Analyses for Counted {
    fn recall(&self, source: &PluginSource) -> Option<Analysis> {
        let recalled = self.kept.recall(source)?;
        self.recalled.fetch_add(1, Relaxed);
        Some(recalled)
    }

    fn keep(&self, source: &PluginSource, analysis: &Analysis) {
        self.found.fetch_add(1, Relaxed);
        self.kept.keep(source, analysis);
    }
}

/// Reads a suite as a start does, holds it against one that is read afresh, and gives how many of its plugins were
/// recalled and how many found.
#[track_caller]
fn start(folder: &Path, kept: &Path) -> (usize, usize) {
    let analyses =
        Counted { kept: KeptAnalyses::at(kept.to_owned()), recalled: AtomicUsize::new(0), found: AtomicUsize::new(0) };
    let live = LiveSuite::load_recalling(folder, &analyses).expect("read");
    let fresh = load_suite(folder).expect("read");
    assert_eq!(format!("{:#?}", live.suite().plugins), format!("{:#?}", fresh.plugins), "{}", folder.display());
    analyses.kept.save().expect("saved");
    (analyses.recalled.into_inner(), analyses.found.into_inner())
}

/// A suite of two plugins whose code has some of all that is found in code.
fn two() -> TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let code = "import names from './names.json' with { type: 'json' };\n\
        $app.onEvent(names.a, { name: 'h' }, e => {\n  if (e.payload.id) $app.realtime().publish(`gl.${e.payload.x}`, { n: [1, 'a', null, 0.5], t: e.id });\n});\n\
        $app.routerAdd('GET', '/api/x', e => e.json(200, e.body)); // tl-allow TL311: it is small\n\
        export function go() { nowhere(); }\n";
    for slug in ["gl", "ap"] {
        let manifest = MANIFEST.replace("slug: gl", &format!("slug: {slug}"));
        write(folder.path(), &format!("{slug}/plugin.yaml"), manifest.as_bytes());
        write(folder.path(), &format!("{slug}/src/main.js"), code.as_bytes());
        write(folder.path(), &format!("{slug}/src/names.json"), br#"{"a": "gl.item.made"}"#);
        write(folder.path(), &format!("{slug}/tests/a.test.js"), b"$app.onEvent('gl.item.made', () => {});\n");
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(folder).expect("list").map(|entry| entry.expect("entry").path()).collect();
    all.sort();
    all
}

#[test]
fn what_is_recalled_is_what_would_be_found() {
    let root = format!("{}/../..", env!("CARGO_MANIFEST_DIR"));
    let suites = [format!("{root}/ledger-example"), format!("{root}/tests/suites/clinic")];
    for folder in suites.into_iter().chain([format!("{root}/tests/suites/shopfloor"), suite("clean"), suite("broken")])
    {
        let kept = tempfile::tempdir().expect("folder");
        let (none, all) = start(Path::new(&folder), kept.path());
        assert!(none == 0 && all > 0, "{folder}: {none} recalled, {all} found");
        assert_eq!(start(Path::new(&folder), kept.path()), (all, 0), "{folder}");
    }
}

#[test]
fn a_plugin_of_which_any_text_has_changed_is_analysed_again() {
    let (folder, kept) = (two(), tempfile::tempdir().expect("folder"));
    assert_eq!(start(folder.path(), kept.path()), (0, 2));
    for path in ["gl/plugin.yaml", "gl/src/main.js", "gl/src/names.json", "gl/tests/a.test.js"] {
        let text = std::fs::read_to_string(folder.path().join(path)).expect("read");
        write(folder.path(), path, format!("{text}\n").as_bytes());
        assert_eq!(start(folder.path(), kept.path()), (1, 1), "{path}");
        assert_eq!(start(folder.path(), kept.path()), (2, 0), "{path}");
    }
    // A file more, one less, and one that is called otherwise.
    write(folder.path(), "gl/src/more.js", b"");
    assert_eq!(start(folder.path(), kept.path()), (1, 1));
    std::fs::rename(folder.path().join("gl/src/more.js"), folder.path().join("gl/src/other.js")).expect("renamed");
    assert_eq!(start(folder.path(), kept.path()), (1, 1));
    std::fs::remove_file(folder.path().join("gl/src/other.js")).expect("removed");
    assert_eq!(start(folder.path(), kept.path()), (1, 1));
}

#[test]
fn what_is_damaged_or_anothers_is_not_believed() {
    let (folder, kept) = (two(), tempfile::tempdir().expect("folder"));
    assert_eq!(start(folder.path(), kept.path()), (0, 2));
    let [first, second] = files(kept.path()).try_into().expect("one file for each plugin");
    let whole = std::fs::read(&first).expect("read");
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&first, bytes).expect("write");
        assert_eq!(start(folder.path(), kept.path()), (1, 1), "byte {at}");
    }
    for length in [0, 1, 70, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&first, &whole[..length]).expect("write");
        assert_eq!(start(folder.path(), kept.path()), (1, 1), "{length} bytes");
    }
    assert_eq!(std::fs::read(&first).expect("read"), whole, "what is not believed is written anew");
    std::fs::copy(&second, &first).expect("copied");
    assert_eq!(start(folder.path(), kept.path()), (1, 1), "that of another plugin");
}

#[test]
fn what_was_found_in_a_plugin_that_is_gone_goes_too() {
    let (folder, kept) = (two(), tempfile::tempdir().expect("folder"));
    start(folder.path(), kept.path());
    std::fs::write(kept.path().join("notes.txt"), "mine").expect("write");
    std::fs::remove_dir_all(folder.path().join("ap")).expect("removed");
    assert_eq!(start(folder.path(), kept.path()), (1, 0));
    let left = files(kept.path());
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains(&kept.path().join("notes.txt")), "{left:?}");
}

#[test]
fn where_nothing_can_be_kept_a_suite_is_read_all_the_same() {
    let folder = two();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file").expect("write");
    let kept = KeptAnalyses::at(taken);
    let live = LiveSuite::load_recalling(folder.path(), &kept).expect("read");
    assert_eq!(live.suite().plugins.len(), 2);
    kept.save().expect_err("a file stands in its place");
}
