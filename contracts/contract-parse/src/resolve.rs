//! Relative imports inside a plugin's folder.

/// Extensions of modules that run.
const MODULE_EXTENSIONS: [&str; 3] = [".js", ".mjs", ".ts"];

/// Resolves the specifier of an import in module `from`. Both are paths relative to the plugin's folder,
/// with forward slashes; so is the answer.
///
/// # Errors
/// A sentence that names the specifier and says what to write: the import is not relative, leaves the
/// plugin's folder, or lacks one of the extensions `.js`, `.mjs`, `.ts`, `.json`.
pub fn resolve_import(from: &str, specifier: &str) -> Result<String, String> {
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return Err(format!(
            "`{specifier}` is not a relative import; a plugin imports only its own files, such as \"./{}.js\"",
            specifier.trim_start_matches('/').split('/').next_back().unwrap_or("file")
        ));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(format!(
                        "`{specifier}` leaves the plugin's folder; copy what it needs into the plugin"
                    ));
                }
            }
            name => parts.push(name),
        }
    }
    let path = parts.join("/");
    if is_module(&path) || is_json(&path) {
        return Ok(path);
    }
    Err(format!("`{specifier}` needs its full file name with extension, such as \"{specifier}.js\""))
}

/// Whether a path names a TypeScript module.
pub(crate) fn is_typescript(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "ts")
}

/// Whether a path names a module of code.
pub(crate) fn is_module(path: &str) -> bool {
    MODULE_EXTENSIONS.iter().any(|extension| path.ends_with(extension)) && !path.ends_with(".d.ts")
}

/// Whether a path names a JSON module.
pub(crate) fn is_json(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// Whether a path lies in a folder of tests or is a test file. Such files prove nothing about the plugin.
pub(crate) fn is_test(path: &str) -> bool {
    let folders = path.split('/').rev().skip(1);
    let in_folder =
        folders.into_iter().any(|part| matches!(part, "test" | "tests" | "__tests__" | "fixtures" | "__fixtures__"));
    let name = path.rsplit('/').next().unwrap_or(path);
    in_folder || name.contains(".test.") || name.contains(".spec.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_stay_in_the_folder_and_carry_an_extension() {
        let cases = [
            ("src/main.js", "./topics.js", Ok("src/topics.js")),
            ("src/a/b.js", "../c.ts", Ok("src/c.ts")),
            ("main.js", "./x/../y.json", Ok("y.json")),
            ("src/main.js", "../../up.js", Err("leaves the plugin's folder")),
            ("src/main.js", "lodash", Err("not a relative import")),
            ("src/main.js", "/etc/passwd.js", Err("not a relative import")),
            ("src/main.js", "./topics", Err("extension")),
            ("src/main.js", "", Err("not a relative import")),
        ];
        for (from, specifier, want) in cases {
            match (resolve_import(from, specifier), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(got), Err(want)) => assert!(got.contains(want), "{got}"),
                (got, want) => panic!("{from} {specifier}: {got:?} instead of {want:?}"),
            }
        }
    }
}
