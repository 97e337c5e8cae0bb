//! Writes small suites into a temporary folder.

use std::path::Path;

/// A contract for tests that are not about payloads.
const ANY: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#;

/// A suite on disk, removed when dropped.
pub struct Suite {
    folder: tempfile::TempDir,
    slugs: Vec<String>,
    settings: String,
}

impl Default for Suite {
    fn default() -> Self {
        Self::new()
    }
}

impl Suite {
    /// A suite without plugins.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("suite-").tempdir().expect("a temporary folder");
        let suite = Self { folder, slugs: Vec::new(), settings: String::new() };
        suite.write_manifest();
        suite
    }

    /// Adds a plugin. `more` is YAML after the usual head of plugin.yaml, `code` is `src/main.js`. Beside them lies
    /// `any.json`, a contract that takes every object.
    #[must_use]
    pub fn plugin(mut self, slug: &str, more: &str, code: &str) -> Self {
        let head = format!(
            "manifest: 1\nslug: {slug}\nname: Test plugin {slug}\nversion: 1.0.0\nmin_core: 0.1.0\n\
             entry: src/main.js\n"
        );
        let usual = "permissions: [events:publish, events:subscribe, records:own]\n";
        let head = if more.contains("permissions:") { head } else { head + usual };
        self.slugs.push(slug.to_owned());
        self.write_manifest();
        let suite = self.file(&format!("{slug}/plugin.yaml"), &format!("{head}{more}"));
        suite.file(&format!("{slug}/src/main.js"), code).file(&format!("{slug}/any.json"), ANY)
    }

    /// Adds lines to suite.yaml.
    #[must_use]
    pub fn settings(mut self, yaml: &str) -> Self {
        yaml.clone_into(&mut self.settings);
        self.write_manifest();
        self
    }

    /// Writes or replaces one file, its path relative to the suite.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        let parent = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(parent).expect("the suite's folder is writable");
        std::fs::write(path, text).expect("the suite's folder is writable");
        self
    }

    /// Where the suite lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write_manifest(&self) {
        let text = format!("name: probe\nplugins: [{}]\n{}", self.slugs.join(", "), self.settings);
        std::fs::write(self.folder.path().join("suite.yaml"), text).expect("the suite's folder is writable");
    }
}
