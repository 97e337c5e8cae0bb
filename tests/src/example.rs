//! The plugins that pages of the book show.

use crate::binary::{self, workspace};
use crate::daemon::run;
use std::process::Command;
use tempfile::TempDir;

/// The suite that a page of the book shows, in a folder of its own. It must be sound, warnings and all.
#[must_use]
#[track_caller]
pub fn example_of(page: &str) -> TempDir {
    let text = std::fs::read_to_string(workspace().join("docs/src").join(page)).expect("the page");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = files_of(&text);
    assert!(files.len() > 2, "{page} shows {files:?}");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is writable");
        std::fs::write(path, text).expect("the folder is writable");
    }
    let checked = run(Command::new(binary::trunkline()).arg("check").arg(folder.path()).arg("--deny-warnings"));
    assert_eq!(checked.exit, Some(0), "{page}: {}{}", checked.out, checked.err);
    folder
}

/// The blocks of a page that begin with a file's name, in a comment, as name and text.
fn files_of(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let named = blocks.filter_map(|(_, block)| block.split_once('\n'));
    named
        .filter_map(|(first, text)| {
            let name = first.strip_prefix("# ").or_else(|| first.strip_prefix("// "))?;
            name.contains('/').then_some((name, text))
        })
        .collect()
}
