//! Loading modules, and what goes wrong with it.

use crate::harness::{Parent, handler, load, load_modules};
use daemon_frame::{FaultKind, Position};
use serde_json::json;

#[test]
fn the_registrations_come_back_in_order() {
    let source = r#"
        $app.routerAdd("get", "/api/ap/bills/{id}", {roles: ["ap.clerk"], timeout: "2s"}, function show(e) {});
        $app.routerAdd("POST", "/api/ap/bills", (e) => {});
        $app.onEvent("gl.journal.posted", function onPosted(e) {});
        $app.onEvent("fx.rates", {name: "rates", formerly: "old"}, (e) => {});
        $app.onEvent("fx.*", (e) => {});
    "#;
    let (_, ready) = Parent::start(load(source)).expect("loads");
    assert_eq!(ready.routes[0].method, "GET");
    assert_eq!(ready.routes[0].options.roles, ["ap.clerk"]);
    assert_eq!(ready.routes[1].path, "/api/ap/bills");
    let names: Vec<&str> = ready.subscriptions.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["onPosted", "rates", "fx.*"]);
    assert_eq!(ready.subscriptions[1].options.formerly.as_deref(), Some("old"));
}

#[test]
fn modules_import_one_another_and_exact_json() {
    let main = "import { add } from './lib/add.ts'; import facts from '../facts.json' with { type: 'json' };
        import again from '../facts.json' with { type: 'json' };
        const late = await import('./lib/add.ts');
        $app.routerAdd('POST', '/api/ap/run', () => [add(1, 2), facts.big, facts === again, late.add(2, 2)]);";
    let modules = [
        ("src/main.js", main),
        ("src/lib/add.ts", "export const add = (a, b) => a + b;"),
        ("facts.json", r#"{"big": 9223372036854775807}"#),
    ];
    let (mut parent, _) = Parent::start(load_modules(&modules)).expect("loads");
    assert_eq!(parent.data(json!(null)), json!([3, i64::MAX, true, 4]));
}

#[test]
fn a_syntax_error_names_file_line_and_column() {
    let modules = [("src/main.js", "import './b.js';"), ("src/b.js", "const a = 1;\nconst b = (;\n")];
    let failure = Parent::start(load_modules(&modules)).err().expect("fails");
    assert_eq!(failure.position, Some(Position { file: "src/b.js".to_owned(), line: 2, column: 12 }));
    assert!(failure.error.message.contains("src/b.js:2:12"), "{}", failure.error.message);
    let failure = Parent::start(load("function f() {")).err().expect("fails");
    assert_eq!(failure.position.map(|position| position.line), Some(1));
}

#[test]
fn imports_that_lead_nowhere_name_specifier_and_importer() {
    for (specifier, why) in [
        ("./gone.js", "has no file src/gone.js"),
        ("../../up.js", "outside the plugin's folder"),
        ("lodash", "relative path"),
        ("./data.json", "type: \"json\""),
        ("./b", "extension"),
    ] {
        let source = format!("import x from '{specifier}';");
        let modules = [("src/main.js", source.as_str()), ("src/data.json", "{}"), ("src/b.js", "")];
        let failure = Parent::start(load_modules(&modules)).err().expect("fails");
        let text = failure.error.message;
        assert!(text.contains(specifier) && text.contains("src/main.js") && text.contains(why), "{text}");
    }
}

#[test]
fn an_exception_while_loading_has_its_place() {
    let failure = Parent::start(load("const a = 1;\n\nundefinedName.x;")).err().expect("fails");
    assert_eq!(failure.kind, FaultKind::Exception);
    assert_eq!(failure.position.as_ref().map(|at| (at.file.as_str(), at.line)), Some(("src/main.js", 3)));
    assert!(failure.error.message.contains("undefinedName"), "{failure:?}");
}

#[test]
fn registrations_are_checked() {
    for (source, code, part) in [
        ("$app.onEvent('hr.paid', () => {})", "TOPIC_UNDECLARED", "consumes"),
        ("$app.onEvent('Bad Topic', () => {})", "PLUGIN_INVALID", "Bad Topic"),
        ("$app.routerAdd('POST', '/api/gl/x', () => {})", "PLUGIN_INVALID", "/api/ap/"),
        ("$app.routerAdd('POST', '/api/ap/x y', () => {})", "PLUGIN_INVALID", "x y"),
        ("$app.routerAdd('BREW', '/api/ap/x', () => {})", "PLUGIN_INVALID", "BREW"),
        ("$app.routerAdd('GET', '/api/ap/x', {role: ['a']}, () => {})", "PLUGIN_INVALID", "role"),
        ("$app.routerAdd('GET', '/api/ap/x', {timeout: 'soon'}, () => {})", "PLUGIN_ERROR", "soon"),
        ("$app.routerAdd('GET', '/api/ap/x')", "PLUGIN_ERROR", "function"),
        (
            "$app.routerAdd('GET', '/api/ap/x', () => {}); $app.routerAdd('get', '/api/ap/x', () => {})",
            "PLUGIN_INVALID",
            "twice",
        ),
        ("$app.onEvent('fx.a', () => {}); $app.onEvent('fx.a', () => {})", "PLUGIN_INVALID", "options.name"),
        ("$app.dao().findRecordById('ap_bills', 'x')", "PLUGIN_ERROR", "inside a handler"),
        ("await new Promise(() => {})", "PLUGIN_ERROR", "never settled"),
        ("$app.now()", "PLUGIN_ERROR", "inside a handler"),
    ] {
        let failure = Parent::start(load(source)).err().unwrap_or_else(|| panic!("{source} loads"));
        assert_eq!(failure.error.code, code, "{source}: {}", failure.error.message);
        assert!(failure.error.message.contains(part), "{source}: {}", failure.error.message);
    }
}

#[test]
fn nothing_is_registered_after_loading() {
    let mut parent = Parent::of(&handler("$app.onEvent('fx.a', () => {});"));
    assert!(parent.failure(json!(null)).error.message.contains("top level"));
}
