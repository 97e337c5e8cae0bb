//! Bugs that happened elsewhere, ported: each is found by the rule that it is about, and its repaired form is clean.

use checker_cli::{Report, Severity};
use std::path::{Path, PathBuf};
use tests::binary::workspace;
use tests::mutation::texts::{Texts, judge};
use tests::report::say;

/// 19 topic bugs of robots, 6 incidents of a bank, 5 stories of business software and blogs.
const STORIES: usize = 30;

struct Bug {
    folder: PathBuf,
    name: String,
    expects: Vec<String>,
}

#[test]
fn real_bugs_are_found_and_their_repairs_are_clean() {
    let bugs = bugs();
    assert_eq!(bugs.len(), STORIES);
    let due: Vec<&Bug> = bugs.iter().filter(|bug| bug.is_due()).collect();
    say(&format!("{} of {STORIES} stories judged", due.len()));
    let wrong: Vec<String> = due.into_iter().filter_map(Bug::wrong).collect();
    assert!(wrong.is_empty(), "{} of {STORIES}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_story_says_where_it_comes_from() {
    for bug in bugs() {
        let story = std::fs::read_to_string(bug.folder.join("story.md")).expect("the story");
        assert!(story.contains("\nSource: https://") && story.contains("\nKind: "), "{}", bug.name);
        assert!(story.lines().count() > 6, "{} tells nothing", bug.name);
    }
}

fn bugs() -> Vec<Bug> {
    let folders = std::fs::read_dir(workspace().join("tests/bugs")).expect("tests/bugs").flatten();
    let mut bugs: Vec<Bug> = folders.map(|folder| Bug::read(&folder.path())).collect();
    bugs.sort_by(|a, b| a.name.cmp(&b.name));
    bugs
}

impl Bug {
    fn read(folder: &Path) -> Self {
        let story = std::fs::read_to_string(folder.join("story.md")).expect("the story");
        let expects = story.lines().find_map(|line| line.strip_prefix("Expects: ")).expect("the rules it expects");
        Self {
            folder: folder.to_owned(),
            name: folder.file_name().expect("a name").to_string_lossy().into_owned(),
            expects: expects.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Whether the checker has a rule for it.
    fn is_due(&self) -> bool {
        self.expects.iter().any(|rule| checker_cli::find(rule).is_some())
    }

    /// What is not as it should be.
    fn wrong(&self) -> Option<String> {
        let broken = spoken(&self.judge("broken"));
        if !broken.iter().any(|rule| self.expects.iter().any(|expected| expected == rule)) {
            return Some(format!("{}: {:?} should speak, {broken:?} does", self.name, self.expects));
        }
        let fixed = spoken(&self.judge("fixed"));
        (!fixed.is_empty()).then(|| format!("{}: {fixed:?} speaks although it is repaired", self.name))
    }

    fn judge(&self, form: &str) -> Report {
        judge(&Texts::read(&self.folder.join(form)).suite(|_| None))
    }
}

/// The rules of errors and warnings that nothing suppresses.
fn spoken(report: &Report) -> Vec<&'static str> {
    let open = report.found().filter(|one| one.suppressed.is_none() && one.severity > Severity::Info);
    open.map(|finding| finding.rule).collect()
}
