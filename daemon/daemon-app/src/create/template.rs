//! The files that a new suite and a new plugin begin with. They lie in `templates`, as they are.

use contract_model::PluginSlug;

/// One file: where it goes, and its text. In both, `{{…}}` is filled in.
pub(super) struct Template {
    pub(super) path: &'static str,
    pub(super) text: &'static str,
}

macro_rules! templates {
    ($($path:literal <- $file:literal),* $(,)?) => {
        &[$(Template { path: $path, text: include_str!(concat!("../../templates/", $file)) }),*]
    };
}

pub(super) const SUITE: &[Template] = templates![
    "suite.yaml" <- "suite/suite.yaml",
    "README.md" <- "suite/README.md",
    ".gitignore" <- "suite/gitignore",
    ".github/workflows/suite.yml" <- "suite/check.yml",
];

pub(super) const PLUGIN: &[Template] = templates![
    "plugin.yaml" <- "plugin/plugin.yaml",
    "README.md" <- "plugin/README.md",
    "schema.json" <- "plugin/schema.json",
    "contracts/item.json" <- "plugin/contracts/item.json",
    "contracts/{{slug}}.item.added.json" <- "plugin/contracts/item.added.json",
    "src/main.js" <- "plugin/src/main.js",
    "src/items.js" <- "plugin/src/items.js",
    "src/stock.js" <- "plugin/src/stock.js",
    "tests/items.test.js" <- "plugin/tests/items.test.js",
    "tests/items.test.ts" <- "plugin/tests/items.test.ts",
    "src/main.ts" <- "plugin/src/main.ts",
    "src/items.ts" <- "plugin/src/items.ts",
    "src/stock.ts" <- "plugin/src/stock.ts",
];

/// What is filled in.
pub(super) struct Names {
    /// Placeholder and text.
    filled: [(&'static str, String); 5],
    /// The ending of modules that are not wanted.
    other: &'static str,
}

impl Names {
    pub(super) fn of(slug: &PluginSlug, ts: bool) -> Self {
        let slug = slug.as_str();
        let (ending, other) = if ts { ("ts", ".js") } else { ("js", ".ts") };
        let filled = [
            ("{{slug}}", slug.to_owned()),
            ("{{table}}", slug.replace('-', "_")),
            ("{{Name}}", display(slug)),
            ("{{js}}", ending.to_owned()),
            ("{{core}}", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        Self { filled, other }
    }

    /// Whether a file is wanted in the language that was asked for.
    pub(super) fn takes(&self, path: &str) -> bool {
        !path.ends_with(self.other)
    }

    pub(super) fn fill(&self, text: &str) -> String {
        self.filled.iter().fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
    }
}

/// `price-lists` as `Price lists`.
fn display(slug: &str) -> String {
    let words = slug.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
