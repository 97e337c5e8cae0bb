//! The checker in an editor: the language server over standard input and output.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tests::{Suite, binary};

const OWNER: &str = "
topics:
  gl.note.made: {kind: event, visibility: public, schema: note.json}
publishes: [gl.note.made]
roles: [{name: gl.user, billable: false, grants: [gl.use]}]
";
const PUBLISHER: &str =
    "$app.routerAdd(\"POST\", \"/api/gl/notes\", () => $app.realtime().publish(\"gl.note.made\", {}));\n";
const READER: &str = "
consumes: [{topic: gl.note.mde, range: \"*\"}]
requires: {gl: \"*\"}
roles: [{name: ap.user, billable: false, grants: [ap.use]}]
";
const HANDLER: &str = "// «😀» before\n$app.onEvent(\"gl.note.mde\", function heard() {});\n";

#[test]
fn an_editor_is_told_what_is_wrong_and_how_to_repair_it() {
    let (suite, mut editor) = start(binary::trunkline());
    let (code, manifest) = (suite.path().join("ap/src/main.js"), suite.path().join("ap/plugin.yaml"));
    editor.open(&code);
    let found = editor.findings(&code);
    assert_eq!(found.len(), 1, "one misspelling is one finding: {found:#?}");
    assert_eq!(
        (&found[0]["code"], &found[0]["severity"], &found[0]["source"]),
        (&json!("TL201"), &json!(1), &json!("trunkline"))
    );
    assert_eq!(found[0]["range"]["start"], json!({"line": 1, "character": 0}));
    assert!(found[0]["relatedInformation"].as_array().is_some_and(|all| !all.is_empty()), "{found:#?}");
    let hover = editor.at("hover", &code, 1, 18);
    let text = hover["contents"]["value"].as_str().expect("a text");
    assert!(text.contains("### TL201 dangling-subscription") && text.contains("### TL203"), "{text}");

    let actions = editor.ask(
        "textDocument/codeAction",
        &json!({
            "textDocument": {"uri": uri(&code)}, "range": found[0]["range"], "context": {"diagnostics": found},
        }),
    );
    assert_eq!(actions[0]["title"], "TL201: did you mean `gl.note.made`?", "{actions:#}");
    let changes = actions[0]["edit"]["changes"].as_object().expect("edits");
    assert_eq!(changes.len(), 2, "the call and the manifest: {changes:#?}");
    std::fs::write(&manifest, edited(&manifest, &changes[&uri(&manifest)])).expect("the manifest is writable");
    editor.tell("workspace/didChangeWatchedFiles", &json!({"changes": [{"uri": uri(&manifest), "type": 2}]}));
    editor.change(&code, &edited(&code, &changes[&uri(&code)]));
    assert!(editor.findings(&code).is_empty(), "repaired without a save: {:#?}", editor.shown);

    let hover = editor.at("hover", &code, 1, 18);
    let text = hover["contents"]["value"].as_str().expect("a text");
    for part in ["contract: event of `gl`, public", "published by `gl` at gl/src/main.js:1", "consumed by `ap`"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let contract = editor.at("definition", &code, 1, 18);
    assert_eq!(contract[0]["uri"], uri(&suite.path().join("gl/plugin.yaml")), "{contract}");
    assert_eq!(
        editor.at("references", &code, 1, 18).as_array().map(Vec::len),
        Some(4),
        "contract, publishes, both calls"
    );
    editor.end();
}

#[test]
fn names_are_completed_and_unsaved_faults_are_seen() {
    let (suite, mut editor) = start(binary::trunkline_check());
    let code = suite.path().join("ap/src/main.js");
    editor.open(&code);
    editor.findings(&code);
    editor.change(&code, "const mark = \"😀\"; $app.onEvent(\"gl.no\", function heard() {});\n");
    let items = editor.at("completion", &code, 0, 38);
    let item = &items[0];
    assert_eq!((&item["label"], &item["detail"]), (&json!("gl.note.made"), &json!("event of gl")), "{items}");
    let range = json!({"start": {"line": 0, "character": 33}, "end": {"line": 0, "character": 38}});
    assert_eq!(item["textEdit"], json!({"newText": "gl.note.made", "range": range}));
    assert_eq!(editor.at("completion", &code, 0, 3), Value::Null, "only strings name topics");

    editor.change(&code, "const x = ;\n");
    let found = editor.findings(&code);
    assert!(found.iter().any(|one| one["code"] == "TL704"), "{found:#?}");
    editor.tell("textDocument/didClose", &json!({"textDocument": {"uri": uri(&code)}}));
    let found = editor.findings(&code);
    assert!(
        found.iter().all(|one| one["code"] != "TL704") && !found.is_empty(),
        "the file itself is sound: {found:#?}"
    );
    editor.end();
}

#[test]
fn what_is_no_request_is_refused_and_an_end_without_goodbye_fails() {
    let (_suite, mut editor) = start(binary::trunkline_check());
    assert_eq!(editor.refused("textDocument/unheard", &json!({})), json!(-32601));
    assert_eq!(editor.refused("textDocument/hover", &json!({"position": 1})), json!(-32602));
    assert_eq!(editor.at("hover", Path::new("/no/such/file.js"), 0, 0), Value::Null);
    editor.tell("exit", &Value::Null);
    assert_eq!(editor.child.wait().expect("an end").code(), Some(1));
}

struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
    shown: BTreeMap<String, Vec<Value>>,
}

fn start(binary: &Path) -> (Suite, Editor) {
    let suite = Suite::new().plugin("gl", OWNER, PUBLISHER).plugin("ap", READER, HANDLER);
    let suite = suite.file("gl/note.json", "{\"type\": \"object\"}");
    let mut command = Command::new(binary);
    let command = command.arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the server starts");
    let (input, output) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
    let mut editor = Editor { child, input, output: BufReader::new(output), asked: 0, shown: BTreeMap::new() };
    let answer = editor.ask("initialize", &json!({"processId": null, "rootUri": null, "capabilities": {}}));
    for able in
        ["hoverProvider", "definitionProvider", "completionProvider", "codeActionProvider", "referencesProvider"]
    {
        assert!(!answer["capabilities"][able].is_null(), "{answer:#}");
    }
    editor.tell("initialized", &json!({}));
    (suite, editor)
}

impl Editor {
    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("the server reads");
        self.input.flush().expect("the server reads");
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.hear();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let message = self.request(method, params);
        assert!(message["error"].is_null(), "{method}: {message:#}");
        message["result"].clone()
    }

    fn refused(&mut self, method: &str, params: &Value) -> Value {
        self.request(method, params)["error"]["code"].clone()
    }

    fn at(&mut self, what: &str, file: &Path, line: u32, character: u32) -> Value {
        let position = json!({"line": line, "character": character});
        let context = json!({"includeDeclaration": true, "triggerKind": 1});
        let document = json!({"uri": uri(file)});
        self.ask(
            &format!("textDocument/{what}"),
            &json!({"textDocument": document, "position": position, "context": context}),
        )
    }

    /// The next message; what it shows is kept.
    fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("a header") > 0, "the server has ended");
            match line.trim().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().expect("a number"),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).expect("a message");
        let message: Value = serde_json::from_slice(&text).expect("JSON");
        if message["method"] == "textDocument/publishDiagnostics" {
            let file = message["params"]["uri"].as_str().expect("a URI").to_owned();
            let found = message["params"]["diagnostics"].as_array().expect("findings").clone();
            self.shown.insert(file, found);
        }
        message
    }

    /// What is shown of a file once the server has said what there is to say, as it has before any answer.
    fn findings(&mut self, file: &Path) -> Vec<Value> {
        self.at("hover", Path::new("/no/such/file.js"), 0, 0);
        self.shown.get(&uri(file)).cloned().unwrap_or_default()
    }

    fn open(&mut self, file: &Path) {
        let text = std::fs::read_to_string(file).expect("a file");
        let document = json!({"uri": uri(file), "languageId": "javascript", "version": 1, "text": text});
        self.tell("textDocument/didOpen", &json!({"textDocument": document}));
    }

    fn change(&mut self, file: &Path, text: &str) {
        let document = json!({"uri": uri(file), "version": 2});
        self.tell("textDocument/didChange", &json!({"textDocument": document, "contentChanges": [{"text": text}]}));
    }

    fn end(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert_eq!(self.child.wait().expect("an end").code(), Some(0));
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn uri(file: &Path) -> String {
    let file: PathBuf = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    format!("file://{}", file.display())
}

/// A file's text with edits of one line each, of a text in which all before them is ASCII or two units wide.
fn edited(file: &Path, edits: &Value) -> String {
    let text = std::fs::read_to_string(file).expect("a file");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for edit in edits.as_array().expect("edits").iter().rev() {
        let (start, end) = (&edit["range"]["start"], &edit["range"]["end"]);
        assert_eq!(start["line"], end["line"], "{edit}");
        let number = |value: &Value| usize::try_from(value.as_u64().expect("a number")).expect("small");
        let range = number(&start["character"])..number(&end["character"]);
        lines[number(&start["line"])].replace_range(range, edit["newText"].as_str().expect("a text"));
    }
    lines.join("\n") + "\n"
}
