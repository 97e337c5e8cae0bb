//! Writes a suite of plugins and remembers what is true of it.

use super::style::{STYLES, Written};
use super::{Deed, Truth};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Modules of each plugin that hold calls, beside topics.js and main.js.
const MODULES: usize = 2;
/// Calls of each such module whose topic can be known.
const CALLS: usize = 6;
/// Bytes that a plugin's code has about.
const PLUGIN_BYTES: usize = 9_400;

/// How large the written suite is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sized {
    /// Modules of code.
    pub files: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Their lines.
    pub lines: usize,
}

/// A plugin as it is written.
#[derive(Default)]
struct Draft {
    topics: String,
    modules: Vec<String>,
    published: BTreeSet<String>,
    consumed: BTreeSet<String>,
}

/// Writes `plugins` plugins below `folder`, and returns how large they are and what is true of them.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(folder: &Path, plugins: usize) -> io::Result<(Sized, Truth)> {
    let (mut sized, mut truth) = (Sized::default(), Truth::default());
    for at in 0..plugins {
        let slug = format!("p{at}");
        let draft = draft(at, &slug, &mut truth);
        let files = [("topics.js", &draft.topics), ("main.js", &main_module(&draft))];
        let names: Vec<String> = (0..MODULES).map(|one| format!("part{one}.js")).collect();
        let parts = names.iter().map(String::as_str).zip(&draft.modules);
        let root = folder.join(&slug);
        std::fs::create_dir_all(&root)?;
        std::fs::write(root.join("plugin.yaml"), manifest(&slug, &draft))?;
        for (name, text) in files.into_iter().chain(parts) {
            std::fs::write(root.join(name), text)?;
            sized.files += 1;
            sized.bytes += text.len();
            sized.lines += text.lines().count();
        }
    }
    Ok((sized, truth))
}

fn draft(at: usize, slug: &str, truth: &mut Truth) -> Draft {
    let mut draft = Draft { topics: format!("export const NS = \"{slug}\";\n"), ..Draft::default() };
    for part in 0..MODULES {
        let mut calls = Vec::new();
        for call in 0..CALLS {
            let style = STYLES[(at + part * CALLS + call) % STYLES.len()];
            let verb = if call % 2 == 0 { "publish" } else { "subscribe" };
            let (name, id) = (format!("item{part}x{call}.done"), format!("{part}_{call}"));
            let written = style.write(slug, &name, &id, verb);
            for name in std::iter::once(&name).chain(&written.more) {
                let topic = format!("{slug}.{name}");
                let listed = if verb == "publish" { &mut draft.published } else { &mut draft.consumed };
                listed.insert(topic.clone());
                let deed: Deed = (slug.to_owned(), if verb == "publish" { "publish" } else { "subscribe" }, topic);
                truth.deeds.insert(deed);
            }
            let _ = writeln!(draft.topics, "{}", written.topics);
            calls.push((verb, written));
        }
        // One call of each plugin has a topic that nobody can know.
        truth.open += usize::from(part == 0);
        draft.modules.push(module(slug, part, &calls));
    }
    draft
}

fn module(slug: &str, part: usize, calls: &[(&str, Written)]) -> String {
    let imports: BTreeSet<&str> = calls.iter().flat_map(|(_, one)| &one.imports).map(String::as_str).collect();
    let mut out = String::new();
    if !imports.is_empty() {
        let _ =
            writeln!(out, "import {{ {} }} from \"./topics.js\";", imports.into_iter().collect::<Vec<_>>().join(", "));
    }
    let _ = writeln!(
        out,
        "\n/** What came in, for the report. */\nconst log = [];\nfunction seen(e) {{ log.push(e.id); }}\n"
    );
    for (at, (verb, one)) in calls.iter().enumerate() {
        let _ = writeln!(out, "{}\n", one.setup);
        let _ = writeln!(out, "{}", decoys(slug, part, at));
        if *verb == "publish" {
            let _ = writeln!(
                out,
                "$app.routerAdd(\"POST\", \"/api/{slug}/run{part}x{at}\", (e) => {{\n  {}\n  return {{ ok: true }};\n}});",
                one.call
            );
        } else {
            let _ = writeln!(out, "{}", one.call);
        }
    }
    if part == 0 {
        let _ = writeln!(
            out,
            "$app.routerAdd(\"POST\", \"/api/{slug}/any\", (e) => {{ $app.realtime().publish(e.body.topic, {{}}); return {{}}; }});"
        );
    }
    let mut row = 0;
    while out.len() < PLUGIN_BYTES / MODULES - 700 {
        let _ = writeln!(out, "{}", filler(row));
        row += 1;
    }
    out
}

/// Comments and texts that only look like calls, and calls of something else.
fn decoys(slug: &str, part: usize, at: usize) -> String {
    format!(
        "// $app.realtime().publish(\"{slug}.decoy{part}x{at}\", {{}});\nconst hint_{part}_{at} = \"$app.onEvent('{slug}.hint{part}x{at}', f)\";\nconst other_{part}_{at} = {{ publish(topic) {{ return topic; }} }};\nother_{part}_{at}.publish(\"{slug}.other{part}x{at}\");"
    )
}

/// Ordinary code that wires nothing.
fn filler(row: usize) -> String {
    format!(
        "export function total{row}(rows, rate = {row}) {{\n  let sum = 0;\n  for (const {{ amount, tax }} of rows) {{\n    if (amount > rate) sum += Math.round(amount * (tax ?? 1));\n  }}\n  return {{ sum, count: rows.length, label: `total-${{rate}}` }};\n}}\n"
    )
}

fn main_module(draft: &Draft) -> String {
    let mut out = String::from("// The entry loads the parts.\n");
    for at in 0..draft.modules.len() {
        let _ = writeln!(out, "import \"./part{at}.js\";");
    }
    out + "$app.routerAdd(\"GET\", \"/api/status\", () => ({ up: true }));\n"
}

fn manifest(slug: &str, draft: &Draft) -> String {
    let list = |topics: &BTreeSet<String>| topics.iter().flat_map(|topic| ["  - ", topic, "\n"]).collect::<String>();
    let owned =
        draft.published.iter().map(|topic| format!("  {topic}: {{kind: event, version: 1.0.0, visibility: public}}\n"));
    format!(
        "manifest: 1\nslug: {slug}\nname: Plugin {slug}\nversion: 1.0.0\nentry: main.js\ntopics:\n{}publishes:\n{}consumes:\n{}",
        owned.collect::<String>(),
        list(&draft.published),
        list(&draft.consumed),
    )
}
