//! ES modules from memory.

use crate::value::to_js;
use boa_engine::module::{Module, ModuleLoader, ModuleRequest, Referrer};
use boa_engine::parser::Error as ParseError;
use boa_engine::{Context, JsNativeError, JsResult, JsString, Source};
use daemon_frame::Position;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const EXTENSIONS: [&str; 4] = ["js", "mjs", "ts", "json"];

/// The modules of one plugin. Each is parsed when it is first imported and then kept.
#[derive(Default)]
pub(crate) struct Modules {
    sources: HashMap<String, String>,
    parsed: RefCell<HashMap<String, Module>>,
    syntax_error: RefCell<Option<Position>>,
}

impl Modules {
    pub(crate) fn new(sources: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { sources: sources.into_iter().collect(), ..Self::default() }
    }

    /// Where the last module that could not be parsed breaks the grammar.
    pub(crate) fn syntax_error(&self) -> Option<Position> {
        self.syntax_error.borrow().clone()
    }

    /// The module of a path, as in the plugin's folder.
    pub(crate) fn module(&self, path: &str, context: &mut Context) -> JsResult<Module> {
        if let Some(module) = self.parsed.borrow().get(path) {
            return Ok(module.clone());
        }
        let source = self.sources.get(path);
        let source =
            source.ok_or_else(|| JsNativeError::error().with_message(format!("there is no module `{path}`")))?;
        let module = if is_json(path) { self.json(path, source, context)? } else { self.parse(path, source, context)? };
        self.parsed.borrow_mut().insert(path.to_owned(), module.clone());
        Ok(module)
    }

    fn parse(&self, path: &str, source: &str, context: &mut Context) -> JsResult<Module> {
        let text = Source::from_bytes(source).with_path(Path::new(path));
        Module::parse(text, None, context).map_err(|error| {
            let (line, column) = syntax_place(source).unwrap_or_else(|| end_of(source));
            *self.syntax_error.borrow_mut() = Some(Position { file: path.to_owned(), line, column });
            let text = error.as_native().map_or_else(|| error.to_string(), |native| native.message().to_owned());
            JsNativeError::syntax().with_message(format!("{text} ({path}:{line}:{column})")).into()
        })
    }

    /// Read by our own converter, so that 64-bit integers stay exact.
    fn json(&self, path: &str, source: &str, context: &mut Context) -> JsResult<Module> {
        let value: serde_json::Value = serde_json::from_str(source).map_err(|error| {
            let [line, column] = [error.line(), error.column()].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
            *self.syntax_error.borrow_mut() = Some(Position { file: path.to_owned(), line, column });
            JsNativeError::syntax().with_message(format!("{path} is not valid JSON: {error}"))
        })?;
        let value = to_js(&value, context);
        Ok(Module::from_value_as_default(value, context))
    }

    fn import(&self, referrer: &Referrer, request: &ModuleRequest, context: &mut Context) -> JsResult<Module> {
        let importer = referrer.path().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let specifier = request.specifier().to_std_string_lossy();
        let refuse = |why: &str| {
            JsNativeError::typ().with_message(format!("cannot import \"{specifier}\" in {importer}: {why}"))
        };
        let path = resolve(&importer, &specifier).map_err(&refuse)?;
        if !self.sources.contains_key(&path) {
            return Err(refuse(&format!("the plugin has no file {path}")).into());
        }
        let kind = request.get_attribute("type").map(JsString::to_std_string_lossy);
        match (kind.as_deref(), is_json(&path)) {
            (None, false) | (Some("json"), true) => self.module(&path, context),
            (None, true) => Err(refuse("a JSON module is imported with { type: \"json\" }").into()),
            (Some(_), _) => Err(refuse("the only import attribute is { type: \"json\" }, for JSON files").into()),
        }
    }
}

impl ModuleLoader for Modules {
    fn load_imported_module(
        self: Rc<Self>,
        referrer: Referrer,
        request: ModuleRequest,
        context: &RefCell<&mut Context>,
    ) -> impl Future<Output = JsResult<Module>> {
        let result = self.import(&referrer, &request, &mut context.borrow_mut());
        std::future::ready(result)
    }
}

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// The path that a specifier names, relative to the plugin's folder.
fn resolve(importer: &str, specifier: &str) -> Result<String, &'static str> {
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return Err("write a relative path that starts with ./ or ../");
    }
    let extension = Path::new(specifier).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !EXTENSIONS.contains(&extension) {
        return Err("write the file's extension: .js, .mjs, .ts or .json");
    }
    let mut path = PathBuf::from(importer);
    path.pop();
    for part in specifier.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if !path.pop() {
                    return Err("it lies outside the plugin's folder");
                }
            }
            name => path.push(name),
        }
    }
    Ok(path.to_string_lossy().into_owned())
}

/// Parses once more, since only the parser's own error holds the place.
fn syntax_place(source: &str) -> Option<(u32, u32)> {
    use boa_engine::ast::scope::Scope;
    use boa_engine::interner::Interner;
    use boa_engine::parser::{Parser, lexer::error::Error as LexError};
    let mut parser = Parser::new(Source::from_bytes(source));
    let position = match parser.parse_module(&Scope::new_global(), &mut Interner::default()).err()? {
        ParseError::Expected { span, .. } | ParseError::Unexpected { span, .. } => span.start(),
        ParseError::General { position, .. } | ParseError::Lex { err: LexError::Syntax(_, position) } => position,
        _ => return None,
    };
    Some((position.line_number(), position.column_number()))
}

fn end_of(source: &str) -> (u32, u32) {
    let line = source.lines().count().max(1);
    let column = source.lines().last().map_or(0, |line| line.chars().count()) + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_resolve_within_the_folder() {
        assert_eq!(resolve("src/main.js", "./a.js").as_deref(), Ok("src/a.js"));
        assert_eq!(resolve("src/main.js", "../lib/./b.ts").as_deref(), Ok("lib/b.ts"));
        assert_eq!(resolve("main.js", "./x/../c.json").as_deref(), Ok("c.json"));
        for bad in ["../../a.js", "a.js", "./a", "/a.js", "https://x.test/a.js", "./a.cjs"] {
            assert!(resolve("src/main.js", bad).is_err(), "{bad}");
        }
    }
}
