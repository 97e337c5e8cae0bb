//! The walls of the house, held over `cargo metadata` and the list of files under version control.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::binary::workspace;

/// Heavy dependencies and the one crate that may name each (W8).
const OWNERS: [(&str, &str); 8] = [
    ("aes-gcm", "contract-trust"),
    ("heed", "daemon-store"),
    ("boa_engine", "daemon-worker"),
    ("axum", "daemon-http"),
    ("petgraph", "contract-graph"),
    ("oxc_", "contract-parse"),
    ("cel", "checker-rules"),
    ("prometheus-client", "daemon-http"),
];

const ROOT: [&str; 9] =
    ["Cargo.lock", "Cargo.toml", "README.md", "checker", "contracts", "daemon", "docs", "ledger-example", "tests"];

/// Where `unsafe` may stand: the store maps memory, and the worker caps its allocator.
const UNSAFE: [&str; 2] = ["daemon/daemon-store/", "daemon/daemon-worker/src/alloc"];

struct Package {
    name: String,
    folder: PathBuf,
    floor: u64,
    dependencies: Vec<String>,
}

#[test]
fn dependencies_go_down_a_floor() {
    let packages = packages();
    let floors: BTreeMap<&str, u64> = packages.iter().map(|package| (package.name.as_str(), package.floor)).collect();
    let mut edges = 0;
    for package in &packages {
        for (name, floor) in package.dependencies.iter().filter_map(|name| floors.get_key_value(name.as_str())) {
            assert!(*floor < package.floor, "{} (floor {}) depends on {name} ({floor})", package.name, package.floor);
            edges += 1;
        }
    }
    assert!(edges > 20, "only {edges} edges looked at");
}

#[test]
fn each_heavy_dependency_has_one_owner() {
    for package in packages() {
        for dependency in &package.dependencies {
            let owner = OWNERS.iter().find(|(heavy, _)| is_named(dependency, heavy));
            if let Some((_, owner)) = owner {
                assert_eq!(package.name, *owner, "{dependency} belongs to {owner}");
            }
        }
    }
}

#[test]
fn contracts_know_no_runtime() {
    for package in packages().iter().filter(|package| package.folder.starts_with("contracts")) {
        let runtime =
            package.dependencies.iter().find(|name| ["tokio", "tokio-stream", "axum"].contains(&name.as_str()));
        assert_eq!(runtime, None, "{} depends on a runtime", package.name);
        for file in sources(&package.folder) {
            let text = read(&file);
            for word in ["std::fs", "std::net", "std::thread", "SystemTime::now", "Instant::now"] {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn the_bus_does_no_io_and_reads_no_clock() {
    for file in sources(Path::new("daemon/daemon-bus/src")) {
        let text = read(&file);
        for word in ["std::fs", "std::net", "std::thread", "SystemTime::now", "Instant::now", "tokio"] {
            assert!(!text.contains(word), "{} uses {word}", file.display());
        }
    }
}

#[test]
fn the_checker_never_links_the_daemon() {
    for package in packages().iter().filter(|package| package.folder.starts_with("checker")) {
        let linked = package.dependencies.iter().find(|name| name.starts_with("daemon-"));
        assert_eq!(linked, None, "{} links the daemon", package.name);
    }
}

#[test]
fn a_crate_is_named_after_its_folder_and_the_folder_is_its_first_word() {
    for package in packages().iter().filter(|package| package.name != "tests") {
        assert!(package.folder.ends_with(&package.name), "{} lies in {}", package.name, package.folder.display());
        let area = package.folder.components().next().map(|area| area.as_os_str().to_string_lossy().into_owned());
        let area = area.unwrap_or_default();
        let first = package.name.split('-').next().unwrap_or_default();
        assert_eq!(first, area.trim_end_matches('s'), "{} lies in {area}", package.name);
    }
}

#[test]
fn the_root_holds_only_what_was_agreed() {
    let files = tracked();
    let entries: BTreeSet<&str> = files.iter().filter_map(|file| file.split('/').next()).collect();
    let visible: Vec<&str> = entries.into_iter().filter(|entry| !entry.starts_with('.')).collect();
    assert_eq!(visible, ROOT);
}

#[test]
fn unsafe_stands_in_two_places() {
    let files = tracked();
    let rust: Vec<&String> = files.iter().filter(|file| is_rust(file)).collect();
    assert!(rust.len() > 50, "only {} files looked at", rust.len());
    for file in rust.into_iter().filter(|file| !UNSAFE.iter().any(|place| file.starts_with(place))) {
        let text = read(&workspace().join(file));
        for word in [concat!("uns", "afe {"), concat!("uns", "afe fn"), concat!("uns", "afe impl")] {
            assert!(!text.contains(word), "{file} holds `{word}`");
        }
    }
}

fn packages() -> Vec<Package> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("packages").iter().map(package).collect()
}

fn package(source: &Value) -> Package {
    let name = source["name"].as_str().expect("a name").to_owned();
    let floor = &source["metadata"]["house"]["floor"];
    let floor = floor.as_u64().unwrap_or_else(|| panic!("{name} declares no floor in [package.metadata.house]"));
    let manifest = Path::new(source["manifest_path"].as_str().expect("a path"));
    let folder = manifest.parent().and_then(|folder| folder.strip_prefix(workspace()).ok()).expect("in the workspace");
    let normal = |dependency: &&Value| dependency["kind"].is_null();
    let dependencies = source["dependencies"].as_array().expect("dependencies").iter().filter(normal);
    let dependencies = dependencies.map(|of| of["name"].as_str().expect("a name").to_owned()).collect();
    Package { folder: folder.to_path_buf(), floor, dependencies, name }
}

/// A trailing `_` stands for a family of crates.
fn is_named(dependency: &str, heavy: &str) -> bool {
    dependency == heavy || (heavy.ends_with('_') && dependency.starts_with(heavy))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.to_string_lossy().into_owned();
    let files = tracked().into_iter().filter(|file| file.starts_with(&folder) && is_rust(file));
    files.map(|file| workspace().join(file)).collect()
}

fn is_rust(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "rs")
}

/// Files under version control.
fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["ls-files"]).current_dir(workspace()).output().expect("git runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}
