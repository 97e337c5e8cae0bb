//! From a folder to a suite.

use contract_graph::Suite;
use contract_model::span::{Location, Span};
use contract_model::suite::SuiteManifest;
use contract_parse::{
    ParsedPlugin, PluginSource, Problem, ProblemKind, SourceFile, parse_plugin, parse_suite_manifest,
};
use ignore::{DirEntry, WalkBuilder};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The largest text that is read, in bytes.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Endings of the texts that belong to a plugin.
const ENDINGS: &[&str] = &["yaml", "yml", "json", "js", "mjs", "ts"];

/// Why a folder is no suite.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder.
    #[error("`{}` is not a folder; name the folder that holds suite.yaml or the plugins", .0.display())]
    NotAFolder(PathBuf),
    /// The folder or a file of it cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder holds no plugin.
    #[error("`{}` holds no plugin: neither it nor a folder below it has a plugin.yaml", .0.display())]
    Empty(PathBuf),
    /// The threads to read with cannot be started.
    #[error("cannot start {threads} threads: {why}; give --threads a smaller number")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why not.
        why: String,
    },
}

/// Reads the suite in a folder: the plugins that suite.yaml names, else every folder below that holds a plugin.yaml.
/// A folder that is itself a plugin is a suite of one. What is wrong inside becomes problems, not an error.
pub fn load_suite(path: &Path) -> Result<Suite, LoadError> {
    if !path.is_dir() {
        return Err(LoadError::NotAFolder(path.to_owned()));
    }
    let (mut manifest_problems, manifest, manifest_text) = read_manifest(path)?;
    let folders = match &manifest.plugins {
        Some(folders) => listed(path, folders, manifest_text.as_deref().unwrap_or_default(), &mut manifest_problems),
        None => discovered(path)?,
    };
    if folders.is_empty() && manifest_problems.is_empty() {
        return Err(LoadError::Empty(path.to_owned()));
    }
    let plugins: Vec<ParsedPlugin> =
        folders.par_iter().map(|folder| read_plugin(path, folder)).collect::<Result<_, _>>()?;
    Ok(Suite { manifest, manifest_text, problems: manifest_problems, ..Suite::of(plugins) })
}

/// The same with this many threads; none for as many as there are cores.
pub fn load_suite_with(path: &Path, threads: Option<usize>) -> Result<Suite, LoadError> {
    let Some(threads) = threads else { return load_suite(path) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| LoadError::Threads { threads, why: error.to_string() })?;
    pool.install(|| load_suite(path))
}

/// Reads and parses one plugin of a suite. `folder` is relative to the suite, with forward slashes; empty for the
/// suite's own folder.
pub fn read_plugin(suite: &Path, folder: &str) -> Result<ParsedPlugin, LoadError> {
    let root = suite.join(folder);
    let mut source = PluginSource { folder: folder.to_owned(), files: Vec::new() };
    let mut problems = Vec::new();
    for path in texts(&root)? {
        let at = if folder.is_empty() { path.clone() } else { format!("{folder}/{path}") };
        let text = match read_text(&root.join(&path)) {
            Ok(text) => text,
            Err((message, text)) => {
                let message = format!("`{at}` {message}");
                problems.push(Problem { kind: kind_of(&path), message, location: Location::start_of(&at), help: None });
                text
            }
        };
        source.files.push(SourceFile { path, text });
    }
    let mut plugin = parse_plugin(&source);
    plugin.problems.extend(problems);
    Ok(plugin)
}

fn read_manifest(suite: &Path) -> Result<(Vec<Problem>, SuiteManifest, Option<String>), LoadError> {
    let path = suite.join("suite.yaml");
    if !path.is_file() {
        return Ok((Vec::new(), SuiteManifest::default(), None));
    }
    let bytes = std::fs::read(&path).map_err(|source| LoadError::Unreadable { path, source })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (manifest, problems) = parse_suite_manifest("suite.yaml", &text);
    Ok((problems, manifest, Some(text)))
}

/// The folders that suite.yaml names. One that is not there is a problem at its line.
fn listed(
    suite: &Path,
    folders: &[contract_model::Spanned<String>],
    text: &str,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut found = BTreeSet::new();
    for folder in folders {
        if suite.join(&folder.value).join("plugin.yaml").is_file() {
            found.insert(folder.value.clone());
        } else {
            problems.push(missing_folder(&folder.value, text, folder.span));
        }
    }
    found.into_iter().collect()
}

fn missing_folder(folder: &str, text: &str, span: Span) -> Problem {
    Problem {
        kind: ProblemKind::EntryMissing,
        message: format!("suite.yaml names the plugin folder `{folder}`, which has no plugin.yaml"),
        location: Location::of("suite.yaml", text, span),
        help: Some(("correct the path, or take the line out".to_owned(), None)),
    }
}

/// Every folder that holds a plugin.yaml, sorted. The folders inside of a plugin are that plugin's.
fn discovered(suite: &Path) -> Result<Vec<String>, LoadError> {
    if suite.join("plugin.yaml").is_file() {
        return Ok(vec![String::new()]);
    }
    let mut found: Vec<String> = Vec::new();
    for entry in walk(suite) {
        let entry = entry.map_err(|error| unreadable(suite, error))?;
        if entry.file_name() == "plugin.yaml"
            && let Some(folder) = entry.path().parent().and_then(|folder| relative(suite, folder))
        {
            found.push(folder);
        }
    }
    found.sort();
    let outermost = |folder: &String| !found.iter().any(|other| folder.starts_with(&format!("{other}/")));
    Ok(found.iter().filter(|folder| outermost(folder)).cloned().collect())
}

/// The paths of a plugin's texts, relative to its folder, sorted. Links are not followed: they may lead out of it.
fn texts(root: &Path) -> Result<Vec<String>, LoadError> {
    let mut found = Vec::new();
    for entry in walk(root) {
        let entry = entry.map_err(|error| unreadable(root, error))?;
        let is_text = entry.path().extension().and_then(|ending| ending.to_str()).is_some_and(|e| ENDINGS.contains(&e));
        if is_text && entry.file_type().is_some_and(|kind| kind.is_file()) {
            found.extend(relative(root, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Everything below a folder, except for hidden and installed things.
fn walk(root: &Path) -> ignore::Walk {
    let mut walk = WalkBuilder::new(root);
    walk.standard_filters(false).hidden(true).follow_links(false).filter_entry(is_source);
    walk.build()
}

fn is_source(entry: &DirEntry) -> bool {
    entry.depth() == 0 || entry.file_name() != "node_modules"
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

fn unreadable(path: &Path, error: ignore::Error) -> LoadError {
    let message = error.to_string();
    let source = error.into_io_error().unwrap_or_else(|| io::Error::other(message));
    LoadError::Unreadable { path: path.to_owned(), source }
}

/// A text, or what is wrong with it and as much of it as can be used.
fn read_text(path: &Path) -> Result<String, (String, String)> {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size > FILE_BYTES_MAX {
        return Err((format!("is larger than {FILE_BYTES_MAX} bytes and was not read"), String::new()));
    }
    let bytes = std::fs::read(path).map_err(|error| (format!("cannot be read: {error}"), String::new()))?;
    String::from_utf8(bytes).map_err(|error| {
        let message = format!("is not UTF-8: byte {} is wrong", error.utf8_error().valid_up_to());
        (message, String::from_utf8_lossy(error.as_bytes()).into_owned())
    })
}

fn kind_of(path: &str) -> ProblemKind {
    match path.rsplit('.').next() {
        Some("yaml" | "yml") => ProblemKind::ManifestUnreadable,
        Some("json") => ProblemKind::SchemaUnreadable,
        _ => ProblemKind::SourceUnparsable,
    }
}
