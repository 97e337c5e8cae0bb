//! From a folder to a suite.

use contract_graph::Suite;
use contract_model::span::{Location, Span};
use contract_model::suite::SuiteManifest;
use contract_parse::{
    Analyses, ParsedPlugin, PluginSource, Problem, ProblemKind, SourceFile, UNREAD, parse_plugin,
    parse_plugin_recalling, parse_suite_manifest,
};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// The largest text that is read, in MiB.
const FILE_MIB_MAX: u64 = 8;
/// The most that is read of one plugin, in MiB.
const PLUGIN_MIB_MAX: u64 = 64;
/// Up to so many plugins it matters which is read first.
const FEW_PLUGINS: usize = 64;
/// Endings of the texts that belong to a plugin.
const ENDINGS: &[&str] = &["yaml", "yml", "json", "js", "mjs", "ts"];

/// Why a folder is no suite.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder.
    #[error("`{}` is not a folder; name the folder that holds suite.yaml or the plugins", .0.display())]
    NotAFolder(PathBuf),
    /// The folder or a file of it cannot be read.
    #[error("`{}` cannot be read: {why}", path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The folder holds no plugin.
    #[error("`{}` holds no plugin: neither it nor a folder below it has a plugin.yaml", .0.display())]
    Empty(PathBuf),
    /// suite.yaml names no plugin.
    #[error("`{}/suite.yaml` names no plugin under `plugins`; name their folders, or take the line out", .0.display())]
    NoneListed(PathBuf),
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
    load_suite_over(path, &Overlays::new())
}

/// The same, without analysing again what is remembered of a plugin.
pub(crate) fn load_suite_recalling(path: &Path, analyses: &dyn Analyses) -> Result<Suite, LoadError> {
    load(path, &Overlays::new(), Some(analyses))
}

/// Texts that stand in the place of files, by path relative to the suite.
pub(crate) type Overlays = BTreeMap<PathBuf, String>;

pub(crate) fn load_suite_over(path: &Path, overlays: &Overlays) -> Result<Suite, LoadError> {
    load(path, overlays, None)
}

fn load(path: &Path, overlays: &Overlays, analyses: Option<&dyn Analyses>) -> Result<Suite, LoadError> {
    if !path.is_dir() {
        return Err(LoadError::NotAFolder(path.to_owned()));
    }
    let (mut manifest_problems, manifest, manifest_text) = read_manifest(path)?;
    let folders = match &manifest.plugins {
        Some(folders) => listed(path, folders, manifest_text.as_deref().unwrap_or_default(), &mut manifest_problems),
        None => discovered(path, &mut manifest_problems),
    };
    if folders.is_empty() && manifest_problems.is_empty() {
        let path = path.to_owned();
        return Err(if manifest.plugins.is_some() { LoadError::NoneListed(path) } else { LoadError::Empty(path) });
    }
    let plugins = read_plugins(path, &folders, overlays, analyses);
    let catalog_text = catalog(path, &manifest, manifest_text.as_deref().unwrap_or_default(), &mut manifest_problems);
    Ok(Suite { manifest, manifest_text, catalog_text, problems: manifest_problems, ..Suite::of(plugins) })
}

/// Reads and parses all plugins, side by side. Of few the largest comes first, so that no core is left with it at the end.
fn read_plugins(
    path: &Path,
    folders: &[String],
    overlays: &Overlays,
    analyses: Option<&dyn Analyses>,
) -> Vec<ParsedPlugin> {
    if folders.len() > FEW_PLUGINS {
        let one = |folder: &String| {
            let (source, problems) = read_source(path, folder, overlays);
            parse(&source, problems, analyses)
        };
        return folders.par_iter().map(one).collect();
    }
    let mut sources: Vec<(usize, (PluginSource, Vec<Problem>))> =
        folders.par_iter().map(|folder| read_source(path, folder, overlays)).enumerate().collect();
    let bytes = |source: &PluginSource| source.files.iter().map(|file| file.text.len()).sum::<usize>();
    sources.sort_by_cached_key(|(at, (source, _))| (Reverse(bytes(source)), *at));
    let mut plugins: Vec<(usize, ParsedPlugin)> = sources
        .into_par_iter()
        .with_max_len(1)
        .map(|(at, (source, problems))| (at, parse(&source, problems, analyses)))
        .collect();
    plugins.sort_by_key(|(at, _)| *at);
    plugins.into_iter().map(|(_, plugin)| plugin).collect()
}

/// The text of the catalogue that suite.yaml names. One that cannot be read is a problem at its line.
fn catalog(suite: &Path, manifest: &SuiteManifest, text: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let file = manifest.catalog.as_ref()?;
    let inside = Path::new(&file.value).components().all(|part| matches!(part, Component::Normal(_)));
    let read = if inside {
        read_text(&suite.join(&file.value), &mut (FILE_MIB_MAX << 20)).map_err(|(why, _)| why)
    } else {
        Err("leaves the suite; name a file inside it".to_owned())
    };
    let because = |why| Problem {
        kind: ProblemKind::EntryMissing,
        message: format!("the catalogue `{}` {why}", file.value),
        location: Location::of("suite.yaml", text, file.span),
        help: None,
    };
    read.map_err(|why| problems.push(because(why))).ok()
}

/// The same with this many threads; none for as many as there are cores.
pub fn load_suite_with(path: &Path, threads: Option<usize>) -> Result<Suite, LoadError> {
    with_threads(threads, || load_suite(path))?
}

/// Does work with this many threads; none for as many as there are cores.
pub(crate) fn with_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, LoadError> {
    let Some(threads) = threads else { return Ok(work()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| LoadError::Threads { threads, why: error.to_string() })?;
    Ok(pool.install(work))
}

/// Reads and parses one plugin of a suite. `folder` is relative to the suite, with forward slashes; empty for the
/// suite's own folder.
pub fn read_plugin(suite: &Path, folder: &str) -> ParsedPlugin {
    read_plugin_over(suite, folder, &Overlays::new())
}

pub(crate) fn read_plugin_over(suite: &Path, folder: &str, overlays: &Overlays) -> ParsedPlugin {
    let (source, problems) = read_source(suite, folder, overlays);
    parse(&source, problems, None)
}

fn parse(source: &PluginSource, problems: Vec<Problem>, analyses: Option<&dyn Analyses>) -> ParsedPlugin {
    let mut plugin = match analyses {
        Some(analyses) => parse_plugin_recalling(source, analyses),
        None => parse_plugin(source),
    };
    plugin.problems.extend(problems);
    plugin
}

/// The texts of a plugin, and what stood in the way of reading them.
fn read_source(suite: &Path, folder: &str, overlays: &Overlays) -> (PluginSource, Vec<Problem>) {
    let root = suite.join(folder);
    let mut source = PluginSource { folder: folder.to_owned(), files: Vec::new() };
    let at = |path: &str| match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        _ => format!("{folder}/{path}"),
    };
    let (paths, obstacles) = texts(&root);
    let mut problems: Vec<Problem> = obstacles.iter().map(|obstacle| obstacle.problem(&at(&obstacle.path))).collect();
    let mut bytes_left = PLUGIN_MIB_MAX << 20;
    for path in paths {
        if let Some(text) = overlays.get(Path::new(&at(&path))) {
            source.files.push(SourceFile { path, text: text.clone() });
            continue;
        }
        let text = read_text(&root.join(&path), &mut bytes_left).unwrap_or_else(|(why, text)| {
            let problem = Obstacle { path: path.clone(), why }.problem(&at(&path));
            // What a wrong byte means in code is not guessed at.
            let is_code = problem.kind == ProblemKind::SourceUnparsable;
            problems.push(problem);
            if is_code { UNREAD.to_owned() } else { text }
        });
        source.files.push(SourceFile { path, text });
    }
    (source, problems)
}

fn read_manifest(suite: &Path) -> Result<(Vec<Problem>, SuiteManifest, Option<String>), LoadError> {
    let path = suite.join("suite.yaml");
    // Reading what is no file, such as a pipe, might never end.
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(LoadError::Unreadable { path, why: io::Error::other("it is not a regular file") }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((Vec::new(), SuiteManifest::default(), None));
        }
        Err(why) => return Err(LoadError::Unreadable { path, why }),
    }
    let (text, obstacle) = match read_text(&path, &mut (FILE_MIB_MAX << 20)) {
        Ok(text) => (text, None),
        Err((why, text)) => (text, Some(Obstacle { path: "suite.yaml".to_owned(), why }.problem("suite.yaml"))),
    };
    if text == UNREAD {
        return Ok((obstacle.into_iter().collect(), SuiteManifest::default(), None));
    }
    let (manifest, mut problems) = parse_suite_manifest("suite.yaml", &text);
    problems.extend(obstacle);
    Ok((problems, manifest, Some(text)))
}

/// Something in a folder that could not be looked at. A clean result would prove nothing.
struct Obstacle {
    /// Relative to the folder.
    path: String,
    /// The rest of the sentence that the path begins.
    why: String,
}

impl Obstacle {
    fn problem(&self, at: &str) -> Problem {
        Problem {
            kind: kind_of(&self.path),
            message: format!("`{at}` {}", self.why),
            location: Location::start_of(at),
            help: None,
        }
    }
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
        match wrong_with(suite, &folder.value) {
            None => drop(found.insert(folder.value.clone())),
            Some(why) => problems.push(missing_folder(&folder.value, &why, text, folder.span)),
        }
    }
    found.into_iter().collect()
}

/// Why a folder that suite.yaml names cannot be read as a plugin; none where it can.
fn wrong_with(suite: &Path, folder: &str) -> Option<String> {
    let path = Path::new(folder);
    if path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Some("leaves the suite; name a folder inside it".to_owned());
    }
    let linked = path.ancestors().find(|part| suite.join(part).is_symlink() && *part != Path::new(""));
    if let Some(part) = linked {
        return Some(format!("is reached over the link `{}`; links are not followed", part.display()));
    }
    (!suite.join(path).join("plugin.yaml").is_file()).then(|| "has no plugin.yaml".to_owned())
}

fn missing_folder(folder: &str, why: &str, text: &str, span: Span) -> Problem {
    Problem {
        kind: ProblemKind::EntryMissing,
        message: format!("suite.yaml names the plugin folder `{folder}`, which {why}"),
        location: Location::of("suite.yaml", text, span),
        help: Some(("correct the path, or take the line out".to_owned(), None)),
    }
}

/// Every folder that holds a plugin.yaml, sorted. The folders inside of a plugin are that plugin's: what lies there, and
/// what cannot be looked at, is found when the plugin is read.
fn discovered(suite: &Path, problems: &mut Vec<Problem>) -> Vec<String> {
    if suite.join("plugin.yaml").is_file() {
        return vec![String::new()];
    }
    let (mut plugins, mut unseen): (Vec<PathBuf>, Vec<Obstacle>) = Default::default();
    let is_above_plugins = |entry: &DirEntry| {
        let is_plugin = entry.depth() > 0 && entry.file_type().is_dir() && entry.path().join("plugin.yaml").is_file();
        if is_plugin {
            plugins.push(entry.path().to_owned());
        }
        !is_plugin
    };
    for entry in walk(suite, is_above_plugins) {
        match entry {
            // What is linked may hold a plugin; whether it does is not looked at.
            Ok(entry) if entry.path_is_symlink() && entry.path().join("plugin.yaml").is_file() => {
                unseen.extend(obstacle(suite, entry.path(), "is a link; links are not followed"));
            }
            Ok(_) => {}
            Err(error) => unseen.push(unreadable(suite, &error)),
        }
    }
    let mut found = Vec::with_capacity(plugins.len());
    for plugin in plugins {
        match relative(suite, &plugin) {
            Some(folder) => found.push(folder),
            None => unseen.extend(obstacle(suite, &plugin, "is a plugin whose path is not UTF-8; rename its folder")),
        }
    }
    found.sort();
    unseen.sort_by(|a, b| a.path.cmp(&b.path));
    problems.extend(unseen.iter().map(|one| one.problem(&one.path)));
    found
}

/// The paths of a plugin's texts, relative to its folder, sorted, and what could not be looked at. Links are not
/// followed: they may lead out of it.
fn texts(root: &Path) -> (Vec<String>, Vec<Obstacle>) {
    let (mut found, mut obstacles) = (Vec::new(), Vec::new());
    for entry in walk(root, |_| true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                obstacles.push(unreadable(root, &error));
                continue;
            }
        };
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.is_file() && is_text(path) {
            match relative(root, path) {
                Some(path) => found.push(path),
                None => {
                    obstacles.extend(obstacle(root, path, "has a name that is not UTF-8, so nothing can import it"));
                }
            }
        } else if entry.path_is_symlink() && (is_text(path) || path.is_dir()) {
            obstacles.extend(obstacle(root, path, "is a link; links are not followed, so put a copy in its place"));
        } else if is_text(path) && !kind.is_dir() {
            obstacles.extend(obstacle(root, path, "is not a regular file"));
        }
    }
    found.sort();
    obstacles.sort_by(|a, b| a.path.cmp(&b.path));
    (found, obstacles)
}

fn obstacle(root: &Path, path: &Path, why: &str) -> Option<Obstacle> {
    let within = path.strip_prefix(root).ok()?;
    let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
    Some(Obstacle { path: parts.join("/"), why: why.to_owned() })
}

/// Everything below a folder, except for hidden and installed things and for what is not wanted.
fn walk(root: &Path, mut wanted: impl FnMut(&DirEntry) -> bool) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    WalkDir::new(root).into_iter().filter_entry(move |entry| is_source(entry) && wanted(entry))
}

/// Whether a path ends like a text that belongs to a plugin.
pub(crate) fn is_text(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
}

fn is_source(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    entry.depth() == 0 || name != "node_modules" && !name.as_encoded_bytes().starts_with(b".")
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

fn unreadable(root: &Path, error: &walkdir::Error) -> Obstacle {
    let path = error.path().and_then(|path| obstacle(root, path, "")).map_or_else(String::new, |one| one.path);
    // The error itself would name the path as this machine knows it.
    let why = error.io_error().map_or_else(|| error.to_string(), |error| error.kind().to_string());
    Obstacle { path, why: format!("cannot be read: {why}") }
}

/// A text, or what is wrong with it and as much of it as can be used.
fn read_text(path: &Path, bytes_left: &mut u64) -> Result<String, (String, String)> {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size > FILE_MIB_MAX << 20 {
        return Err((format!("is larger than {FILE_MIB_MAX} MiB and was not read"), UNREAD.to_owned()));
    }
    *bytes_left = bytes_left.checked_sub(size).ok_or_else(|| {
        (format!("was not read: its plugin holds more than {PLUGIN_MIB_MAX} MiB of text"), UNREAD.to_owned())
    })?;
    let bytes = std::fs::read(path).map_err(|error| (format!("cannot be read: {error}"), UNREAD.to_owned()))?;
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
