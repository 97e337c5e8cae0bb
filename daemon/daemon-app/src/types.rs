//! `trunkline types`: what an editor and `tsc` need to know of the surface and of a suite.

use crate::exit::Failure;
use anyhow::{Context, anyhow};
use checker_cli::Suite;
use contract_graph::PluginView;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of a suite in which `--write` keeps what it makes.
const FOLDER: &str = ".trunkline/types";

const AFTER_HELP: &str = "\
Examples:
  trunkline types ledger-example > ledger.d.ts
  trunkline types ledger-example --plugin ap --out ap.d.ts
  trunkline types ledger-example --write && tsc -p ledger-example/ar

With --write each plugin gets .trunkline/types/SLUG.d.ts in the suite's folder, which holds what that plugin may \
publish, subscribe to and store, and nothing else; and a tsconfig.json, or a jsconfig.json where its entry is \
JavaScript, unless it has one of the two. The declarations are made again whenever a contract has changed; leave them \
out of version control.";

/// Arguments of `types`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct TypesArgs {
    /// Folder with suite.yaml, or with one folder a plugin.
    #[arg(default_value = ".")]
    suite: PathBuf,
    /// Only what this plugin may use.
    #[arg(long, value_name = "SLUG")]
    plugin: Option<String>,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    out: Option<PathBuf>,
    /// Write the declarations of each plugin where its tsconfig.json or jsconfig.json looks for them.
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &TypesArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let suite = checker_cli::load_suite(&args.suite).map_err(Failure::usage)?;
    for view in suite.views().filter(|view| view.manifest().is_none()) {
        let place = view.path("plugin.yaml");
        writeln!(err, "warning: {place} cannot be read, so its topics are left out; `trunkline check` says why")?;
    }
    if args.write {
        return write_all(&args.suite, args.plugin.as_deref(), &suite, out);
    }
    let text = declarations(&suite, args.plugin.as_deref())?;
    match &args.out {
        Some(file) => save(file, &text),
        None => Ok(out.write_all(text.as_bytes())?),
    }
}

/// The surface together with what is known of the suite.
fn declarations(suite: &Suite, plugin: Option<&str>) -> Result<String, Failure> {
    let known = contract_types::declarations(suite, plugin).ok_or_else(|| {
        let slugs: Vec<&str> = suite.views().map(PluginView::slug).collect();
        let asked = plugin.unwrap_or_default();
        Failure::usage(anyhow!("the suite has no plugin `{asked}`; there are {}", slugs.join(", ")))
    })?;
    Ok(format!("{known}\n{}\n{}", daemon_worker::SURFACE, daemon_worker::KIT))
}

/// Writes the declarations and the project file of one plugin, as `types --write` does.
pub(crate) fn write_for(folder: &Path, slug: &str) -> Result<(), Failure> {
    write_all(folder, Some(slug), &checker_cli::load_suite(folder)?, &mut std::io::sink())
}

fn write_all(folder: &Path, plugin: Option<&str>, suite: &Suite, out: &mut dyn Write) -> Result<(), Failure> {
    let wanted = |view: &PluginView<'_>| plugin.is_none_or(|slug| slug == view.slug());
    if !suite.views().any(|view| wanted(&view)) {
        return declarations(suite, plugin).map(|_| ());
    }
    for view in suite.views().filter(wanted).filter(|view| view.manifest().is_some()) {
        let file = folder.join(FOLDER).join(format!("{}.d.ts", view.slug()));
        save(&file, &declarations(suite, Some(view.slug()))?)?;
        writeln!(out, "{}", file.display())?;
        if let Some((name, text)) = project(view) {
            let file = folder.join(&view.parsed.folder).join(name);
            save(&file, &text)?;
            writeln!(out, "{}", file.display())?;
        }
    }
    Ok(())
}

/// What makes a plugin's folder a project for editors and `tsc`, unless it is one already.
fn project(view: PluginView<'_>) -> Option<(&'static str, String)> {
    let has = |name: &str| view.parsed.texts.contains_key(name);
    if has("tsconfig.json") || has("jsconfig.json") {
        return None;
    }
    let entry = view.manifest()?.entry.as_ref().map_or("src/main.js", |entry| entry.value.as_str());
    let is_script = Path::new(entry).extension().is_some_and(|ending| ending == "ts");
    let folder = &view.parsed.folder;
    let up = "../".repeat(if folder.is_empty() || folder == "." { 0 } else { folder.split('/').count() });
    Some(project_of(is_script, &format!("{up}{FOLDER}/{}.d.ts", view.slug())))
}

/// The project file of a plugin that finds its declarations at `types`: its name and its text.
fn project_of(is_script: bool, types: &str) -> (&'static str, String) {
    let (name, strictness) = if is_script {
        ("tsconfig.json", "\"strict\": true")
    } else {
        (
            "jsconfig.json",
            "\"checkJs\": true,\n    \"strict\": true,\n    \"noImplicitAny\": false,\n    \"useUnknownInCatchVariables\": false",
        )
    };
    let text = format!(
        r#"{{
  "compilerOptions": {{
    {strictness},
    "noEmit": true,
    "target": "ESNext",
    "lib": ["ESNext"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "moduleDetection": "force",
    "allowImportingTsExtensions": true,
    "resolveJsonModule": true,
    "types": []
  }},
  "include": ["src", "tests", "{types}"]
}}
"#
    );
    (name, text)
}

/// Writes a file and the folders above it, and leaves one alone that is the same already: editors watch them.
fn save(file: &Path, text: &str) -> Result<(), Failure> {
    if std::fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text));
    written.with_context(|| format!("`{}` cannot be written", file.display())).map_err(Failure::usage)
}
