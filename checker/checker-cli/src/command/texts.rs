//! A suite in memory whose texts can be replaced.

use contract_graph::Suite;
use contract_parse::{PluginSource, SourceFile, parse_plugin, parse_suite_manifest};
use std::collections::BTreeMap;

/// A suite and what its texts were at first.
pub(super) struct Texts {
    suite: Suite,
    originals: BTreeMap<String, String>,
}

impl Texts {
    pub(super) fn of(suite: Suite) -> Self {
        Self { suite, originals: BTreeMap::new() }
    }

    pub(super) fn suite(&self) -> &Suite {
        &self.suite
    }

    /// Puts other texts in the place of files and reads again what holds them.
    pub(super) fn replace(&mut self, texts: Vec<(String, String)>) {
        for (file, text) in texts {
            if let Some(old) = self.suite.text(&file) {
                let old = old.to_owned();
                self.originals.entry(file.clone()).or_insert(old);
            }
            let holder = self.suite.views().find(|view| view.text(&file).is_some()).map(|view| view.index);
            if file == "suite.yaml" {
                (self.suite.manifest, self.suite.problems) = parse_suite_manifest(&file, &text);
                self.suite.manifest_text = Some(text);
            } else if let Some(index) = holder {
                self.replace_in(index, &file, text);
            }
        }
    }

    fn replace_in(&mut self, index: usize, file: &str, text: String) {
        let plugin = &mut self.suite.plugins[index];
        let within = file.strip_prefix(plugin.folder.as_str()).unwrap_or(file).trim_start_matches('/');
        plugin.texts.insert(within.to_owned(), text);
        let texts = std::mem::take(&mut plugin.texts);
        let files = texts.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
        *plugin = parse_plugin(&PluginSource { folder: plugin.folder.clone(), files });
    }

    /// Every file whose text is another now: its path, the text it had, and the one it has.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.originals.iter().filter_map(|(file, old)| {
            let new = self.suite.text(file)?;
            (new != old).then_some((file.as_str(), old.as_str(), new))
        })
    }
}
