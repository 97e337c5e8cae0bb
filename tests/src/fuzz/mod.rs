//! Mutates suites at random and holds the checker to what must be true of every input.
//!
//! A case is known by a seed and a number alone, so that one that fails can be made again. It is a real suite with a
//! few changes to its texts: cut, repeated, nested, spliced with lines of other suites, or made unreadable on purpose.
//!
//! Reading order: `change` makes a case, `hold` says what must be true of it, `run` does as many as time allows.

pub mod change;
pub mod hold;
pub mod run;

pub use change::Case;
pub use run::{Fault, Outcome, Plan};

use crate::binary::workspace;
use crate::mutation::texts::Texts;

/// The suites that cases are made of.
#[derive(Debug)]
pub struct Corpus {
    /// Each with the folder it was read from, relative to the workspace.
    pub suites: Vec<(String, Texts)>,
    /// Lines of all of them by the ending of their file, for splicing.
    lines: Vec<(String, Vec<String>)>,
}

impl Corpus {
    /// Every suite of the repository: the ledger, the two of the mutation corpus, the ported bugs in both forms, and
    /// those of the checker's own tests.
    #[must_use]
    pub fn read() -> Self {
        let mut folders = vec!["ledger-example".to_owned()];
        for (parent, forms) in [
            ("tests/suites", &[""][..]),
            ("tests/bugs", &["/broken", "/fixed"]),
            ("checker/checker-cli/tests/suites", &[""]),
        ] {
            let entries = std::fs::read_dir(workspace().join(parent)).expect("a folder of suites").flatten();
            let below = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
            let mut names: Vec<String> = below.map(|name| name.to_string_lossy().into_owned()).collect();
            names.sort();
            folders
                .extend(names.iter().flat_map(|name| forms.iter().map(move |form| format!("{parent}/{name}{form}"))));
        }
        let suites: Vec<_> =
            folders.into_iter().map(|folder| (folder.clone(), Texts::read(&workspace().join(folder)))).collect();
        let lines = ["js", "yaml", "json"].map(|ending| (ending.to_owned(), lines(&suites, ending)));
        Self { suites, lines: lines.into() }
    }

    /// Lines of files with this ending; those of JavaScript for an ending without any.
    fn lines(&self, ending: &str) -> &[String] {
        let found = self.lines.iter().find(|(known, _)| known == ending).or(self.lines.first());
        found.map_or(&[], |(_, lines)| lines)
    }
}

fn lines(suites: &[(String, Texts)], ending: &str) -> Vec<String> {
    let files = suites.iter().flat_map(|(_, texts)| &texts.0).filter(|(path, _)| path.ends_with(ending));
    let mut lines: Vec<String> = files.flat_map(|(_, text)| text.lines()).map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}
