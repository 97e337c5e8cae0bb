//! `trunkline types`: what an editor and `tsc` make of the declarations.

use std::path::Path;
use std::process::Command;
use tests::binary::{self, ledger_example};
use tests::daemon::run;
use tests::suite::Suite;

#[test]
fn the_ledger_suite_passes_the_type_check() {
    let Some(tsc) = binary::tsc() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = folder.path().join("suite");
    copy(&ledger_example(), &suite);
    types(&[suite.to_str().expect("a path in UTF-8"), "--write"], 0);
    for project in ["gl/jsconfig.json", "ap/jsconfig.json", "ar/tsconfig.json"] {
        let ran = run(Command::new(&tsc).arg("-p").arg(suite.join(project)));
        assert_eq!((ran.exit, ran.out.as_str()), (Some(0), ""), "{project}");
    }
}

/// Each line of code with the place in it that is wrong, as the compiler names it; empty where nothing is.
#[test]
fn what_the_daemon_would_refuse_is_an_error_in_the_editor() {
    let Some(tsc) = binary::tsc() else { return };
    let cases = [
        ("$app.realtime().publish('notes.note.made', {noteId: 'n', kind: 'memo'});", ""),
        (
            "$app.realtime().publish('notes.note.mde', {noteId: 'n', kind: 'memo'});",
            "'\"notes.note.mde\"' is not assignable",
        ),
        ("$app.realtime().publish('tasks.task.done', {task: 't'});", "'\"tasks.task.done\"' is not assignable"),
        ("$app.realtime().publish('notes.note.made', {noteId: 'n'});", "Property 'kind' is missing"),
        (
            "$app.realtime().publish('notes.note.made', {noteId: 7, kind: 'memo'});",
            "'number' is not assignable to type 'string'",
        ),
        ("$app.realtime().publish('notes.note.made', {noteId: 'n', kind: 'poem'});", "'\"poem\"' is not assignable"),
        ("$app.realtime().publish('notes.note.made', {noteId: 'n', kind: 'memo', tag: []});", "'tag' does not exist"),
        (
            "$app.realtime().publish('notes.note.made', {noteId: 'n', kind: 'memo', tags: [{name: 'a', below: [{name: 'b'}]}]});",
            "",
        ),
        (
            "$app.realtime().publish('notes.note.made', {noteId: 'n', kind: 'memo', tags: [{name: 'a', below: [{nme: 'b'}]}]});",
            "'nme' does not exist",
        ),
        ("$app.onEvent('tasks.task.done', (e) => e.payload.task.length);", ""),
        ("$app.onEvent('tasks.*', (e) => e.payload.task.length);", ""),
        ("$app.onEvent('tasks.task.done', (e) => e.payload.tsk);", "'tsk' does not exist"),
        ("$app.onEvent('notes.note.made', () => 0);", "'\"notes.note.made\"' is not assignable"),
        ("$app.request('tasks.add.request', {title: 'x'}, {timeout: '2s'});", ""),
        ("$app.request('notes.note.made', {noteId: 'n', kind: 'memo'});", "'\"notes.note.made\"' is not assignable"),
        ("$app.dao().saveRecord('notes_notes', {text: 'a', size: 3}).revision.toFixed();", ""),
        ("$app.dao().saveRecord('notes_notes', {size: 3});", "Argument of type '{ size: number; }' is not assignable"),
        ("$app.dao().saveRecord('notes_notes', {id: 'n', size: 3});", ""),
        ("$app.dao().saveRecord('tasks_tasks', {title: 'a'});", "'\"tasks_tasks\"' is not assignable"),
        ("$app.dao().findRecordById('tasks_tasks', 't').title.length;", ""),
        ("$app.dao().findRecordsByFilter('notes_notes', {txt: 'a'});", "'txt' does not exist"),
        (
            "$app.dao().findRecordsByFilter('notes_notes', {size: {gt: 3}, or: [{text: 'a'}]}, {sort: '-size'}).cursor;",
            "",
        ),
        (
            "$app.routerAdd('POST', '/api/notes/n/{id}', {request: 'contracts/note.json'}, (e) => e.params.id + e.body.text);",
            "",
        ),
        ("$app.routerAdd('POST', '/api/notes/n/{id}', (e) => e.params.key);", "'key' does not exist"),
        (
            "$app.routerAdd('POST', '/api/notes/n', {request: 'contracts/note.json'}, (e) => e.body.txt);",
            "'txt' does not exist",
        ),
        ("$app.routerAdd('POST', '/api/tasks/n', () => 0);", "'\"/api/tasks/n\"' is not assignable"),
        ("$app.routerAdd('GET', '/api/notes/n', {redOnly: true}, () => 0);", "'redOnly' does not exist"),
        ("$app.config.limit.toFixed();", ""),
        ("$app.config.limt;", "'limt' does not exist"),
        ("throw new AppError('GONE', 'gone', {status: 410});", ""),
        ("$app.realtime().pblish;", "'pblish' does not exist"),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    // A block a line, so that a name declared in one does not meet that of another.
    let main: Vec<String> = lines.iter().map(|line| format!("{{ const run = () => {{ {line} }}; run(); }}")).collect();
    let suite = suite().file("notes/src/main.ts", &main.join("\n"));
    types(&[place(&suite), "--write"], 0);
    let project = suite.path().join("notes/tsconfig.json");
    let ran = run(Command::new(&tsc).args(["--pretty", "false", "-p"]).arg(project));
    for (at, (line, says)) in cases.iter().enumerate() {
        let line_of = format!("main.ts({},", at + 1);
        let after: Vec<&str> = ran.out.split("\nsrc/").filter(|one| one.contains(&line_of)).collect();
        let said = after.join("\n");
        assert_eq!(said.is_empty(), says.is_empty(), "{line}: {said}\n{}", ran.err);
        assert!(said.contains(says), "{line}: {said}");
    }
}

#[test]
fn a_plugins_declarations_hold_what_it_may_use_and_nothing_else() {
    let folder = suite();
    let suite = place(&folder);
    let all = types(&[suite], 0);
    assert_eq!(all, types(&[suite], 0), "the same suite gives the same text");
    let notes = types(&[suite, "--plugin", "notes"], 0);
    for name in ["notes.note.made", "tasks.task.done", "tasks.add.request", "notes_notes", "POST /api/tasks/tasks"] {
        assert!(all.contains(name), "{name}");
    }
    assert!(notes.contains("notes.note.made") && notes.contains("tasks_tasks"), "{notes}");
    for name in ["POST /api/tasks/tasks", "tasks.task.dropped"] {
        assert!(!notes.contains(name), "{name}");
    }
    let file = folder.path().join("deep/notes.d.ts");
    types(&[suite, "--plugin", "notes", "--out", file.to_str().expect("a path")], 0);
    assert_eq!(std::fs::read_to_string(file).expect("the file"), notes);
}

#[test]
fn what_is_there_already_is_left_alone() {
    let suite = suite().file("notes/jsconfig.json", "{}");
    let said = types(&[place(&suite), "--write", "--plugin", "notes"], 0);
    assert!(said.contains("notes.d.ts") && !said.contains("tsconfig"), "{said}");
    assert_eq!(std::fs::read_to_string(suite.path().join("notes/jsconfig.json")).expect("the file"), "{}");
    assert!(!suite.path().join(".trunkline/types/tasks.d.ts").exists());
}

#[test]
fn a_plugin_that_is_not_there_is_named_with_those_that_are() {
    let suite = suite();
    for more in [vec!["--plugin", "nots"], vec!["--plugin", "nots", "--write"]] {
        let said = types(&[vec![place(&suite)], more].concat(), 2);
        assert!(said.contains("no plugin `nots`; there are notes, tasks"), "{said}");
    }
    assert!(types(&["no/such/folder"], 2).contains("no/such/folder"));
}

/// Runs `trunkline types`, which must end with this code, and gives what it says.
#[track_caller]
fn types(args: &[&str], code: i32) -> String {
    let ran = run(Command::new(binary::trunkline()).arg("types").args(args));
    assert_eq!(ran.exit, Some(code), "{}{}", ran.out, ran.err);
    format!("{}{}", ran.out, ran.err)
}

fn place(suite: &Suite) -> &str {
    suite.path().to_str().expect("a path in UTF-8")
}

/// Copies what a folder of texts holds.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a temporary folder is writable");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(path, to).expect("a temporary folder is writable");
        }
    }
}

/// Two plugins, of which `notes` uses what `tasks` has.
fn suite() -> Suite {
    let files = [
        ("suite.yaml", "plugins: [notes, tasks]\n"),
        (
            "notes/plugin.yaml",
            "manifest: 1\nslug: notes\nname: Notes\nversion: 1.0.0\nentry: src/main.ts\nschema: schema.json\n\
             config: config.json\ntopics:\n  notes.note.made:\n    kind: event\n    version: 1.0.0\n\
             \x20   schema: contracts/notes.note.made.json\npublishes: [notes.note.made, tasks.add.request]\n\
             consumes: [tasks.task.done, \"tasks.*\"]\n\
             permissions: [events:publish, events:subscribe, records:own, \"records:read:tasks_tasks\"]\n",
        ),
        (
            "notes/schema.json",
            r#"{"collections": [{"name": "notes_notes", "fields": [
                {"name": "text", "type": "string", "required": true}, {"name": "size", "type": "integer"}]}]}"#,
        ),
        (
            "notes/config.json",
            r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "properties": {"limit": {"type": "integer", "default": 5}}}"#,
        ),
        (
            "notes/contracts/notes.note.made.json",
            r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "required": ["noteId", "kind"], "additionalProperties": false, "properties": {
                "noteId": {"type": "string"}, "kind": {"enum": ["memo", "task"]},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}}},
                "$defs": {"tag": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "below": {"type": "array", "items": {"$ref": "#/$defs/tag"}}}}}}"##,
        ),
        (
            "notes/contracts/note.json",
            r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "required": ["text"], "properties": {"text": {"type": "string"}}}"#,
        ),
        ("notes/src/main.ts", ""),
        (
            "tasks/plugin.yaml",
            "manifest: 1\nslug: tasks\nname: Tasks\nversion: 1.0.0\nentry: src/main.js\nschema: schema.json\ntopics:\n\
             \x20 tasks.task.done:\n    kind: event\n    version: 1.0.0\n    schema: contracts/done.json\n\
             \x20 tasks.task.dropped:\n    kind: event\n    version: 1.0.0\n    schema: contracts/done.json\n\
             \x20 tasks.add.request:\n    kind: request\n    version: 1.0.0\n    schema: contracts/add.json\n\
             \x20   replies: {ok: tasks.task.done}\n\
             publishes: [tasks.task.done]\nconsumes: [tasks.add.request]\n",
        ),
        (
            "tasks/schema.json",
            r#"{"collections": [{"name": "tasks_tasks", "fields": [{"name": "title", "type": "string", "required": true}]}]}"#,
        ),
        (
            "tasks/contracts/done.json",
            r#"{"type": "object", "required": ["task"], "properties": {"task": {"type": "string"}}}"#,
        ),
        (
            "tasks/contracts/add.json",
            r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}"#,
        ),
        (
            "tasks/src/main.js",
            "$app.routerAdd('POST', '/api/tasks/tasks', (e) => e.body);\n\
             $app.onEvent('tasks.add.request', (e) => e.reply({ task: e.payload.title }));\n",
        ),
    ];
    files.into_iter().fold(Suite::new(), |suite, (file, text)| suite.file(file, text))
}
