//! `fix` repairs what it says it repairs and leaves the rest as it is.

use crate::common::{Ended, check, copy_of, read, run, text, write};
use tempfile::TempDir;

const GL: &str = "\
manifest: 1
slug: gl
name: General Ledger # the books
version: 1.0.0
entry: src/main.js
topics:
  gl.journal.posted: {kind: event}
  gl.journal.voided: {kind: event}
publishes:
  # what everybody waits for
  - gl.journal.posted
  - gl.journal.voided # some day
allow:
  - {rule: TL106, reason: payloads are described next quarter, owner: finance}
  - {rule: TL401, topic: gl.journal.posted, reason: nobody needs this any more, owner: finance}
";
const GL_CODE: &str = "\
$app.routerAdd('POST', '/api/gl/journals', () => {
  // tl-allow TL304: the archive reads these by hand
  $app.realtime().publish('gl.journal.posted', { id: 1 });
});
";
const AR: &str = "\
manifest: 1
slug: ar
name: Accounts Receivable
version: 1.0.0
entry: src/main.js
consumes: [gl.journal.postd]
";
const AR_CODE: &str =
    "const posted = 'gl.journal.postd';\n$app.onEvent('gl.journal.postd', e => $app.log('info', e.topic, posted));\n";

fn suite() -> TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for (path, text) in
        [("gl/plugin.yaml", GL), ("gl/src/main.js", GL_CODE), ("ar/plugin.yaml", AR), ("ar/src/main.js", AR_CODE)]
    {
        write(folder.path(), path, text.as_bytes());
    }
    folder
}

fn fix(folder: &TempDir, more: &[&str]) -> Ended {
    let path = folder.path().to_str().expect("UTF-8");
    run(&["fix", path, "--today=2026-11-21"].into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn dry_run_shows_and_writes_nothing() {
    let folder = suite();
    let ended = fix(&folder, &["--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!(ended.out);
    assert_eq!(
        (read(folder.path(), "gl/plugin.yaml"), read(folder.path(), "ar/src/main.js")),
        (GL.into(), AR_CODE.into())
    );
}

#[test]
fn what_is_repaired_is_found_no_more_and_the_rest_stays() {
    let folder = suite();
    let ended = fix(&folder, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let repaired = GL.replace("  - gl.journal.voided # some day\n", "").replace(
        "  - {rule: TL401, topic: gl.journal.posted, reason: nobody needs this any more, owner: finance}\n",
        "",
    );
    assert_eq!(read(folder.path(), "gl/plugin.yaml"), repaired);
    assert_eq!(
        read(folder.path(), "gl/src/main.js"),
        GL_CODE.replace("  // tl-allow TL304: the archive reads these by hand\n", "")
    );
    assert_eq!(read(folder.path(), "ar/plugin.yaml"), AR.replace("postd", "posted"));
    assert_eq!(
        read(folder.path(), "ar/src/main.js"),
        AR_CODE.replace("onEvent('gl.journal.postd'", "onEvent('gl.journal.posted'")
    );
    let after = check(folder.path(), &[]);
    assert_eq!(after.code, 0, "{}", after.out);
    assert!(fix(&folder, &[]).out.starts_with("0 findings repaired in 0 files"));
}

#[test]
fn only_the_rules_asked_for_are_repaired() {
    let folder = suite();
    assert_eq!(fix(&folder, &["--rule", "near-miss"]).code, 0);
    assert_eq!(read(folder.path(), "gl/plugin.yaml"), GL);
    assert!(read(folder.path(), "ar/plugin.yaml").contains("gl.journal.posted"));
}

#[test]
fn several_missing_entries_all_come_in() {
    let folder = suite();
    write(folder.path(), "ar/plugin.yaml", AR.replace("consumes: [gl.journal.postd]\n", "").as_bytes());
    let code = "for (const topic of ['gl.journal.posted', 'gl.journal.voided']) $app.onEvent(topic, e => $app.log('info', e.topic));\n";
    write(folder.path(), "ar/src/main.js", code.as_bytes());
    fix(&folder, &["--rule", "TL302"]);
    assert!(read(folder.path(), "ar/plugin.yaml").ends_with("consumes: [gl.journal.posted, gl.journal.voided]\n"));
}

/// Two cuts of one list meet at the comma between them.
#[test]
fn neighbours_in_a_list_both_go() {
    let folder = suite();
    let gl = GL.replace(
        "publishes:\n  # what everybody waits for\n  - gl.journal.posted\n  - gl.journal.voided # some day\n",
        "publishes: [gl.journal.posted, gl.journal.voided, gl.journal.lost]\n",
    );
    let gl = gl.replace(
        "  gl.journal.voided: {kind: event}\n",
        "  gl.journal.voided: {kind: event}\n  gl.journal.lost: {kind: event}\n",
    );
    write(folder.path(), "gl/plugin.yaml", gl.as_bytes());
    let ended = fix(&folder, &["--rule", "TL303"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(read(folder.path(), "gl/plugin.yaml").contains("publishes: [gl.journal.posted]\n"), "{}", ended.out);
    assert!(ended.out.ends_with("2 findings repaired in 1 file\n"), "{}", ended.out);
}

/// A name that is put right must not stand in the list twice.
#[test]
fn a_misspelt_name_beside_the_right_one_leaves_one_entry() {
    for consumes in [
        "[gl.journal.posted, gl.journal.postd]",
        "[gl.journal.postd, gl.journal.posted]",
        "[gl.journal.postd, gl.journal.postedd]",
        "[gl.journal.postd, gl.journal.postd]",
    ] {
        let folder = suite();
        write(folder.path(), "ar/plugin.yaml", AR.replace("[gl.journal.postd]", consumes).as_bytes());
        let ended = fix(&folder, &[]);
        assert_eq!(ended.code, 0, "{consumes}: {}{}", ended.out, ended.err);
        let manifest = read(folder.path(), "ar/plugin.yaml");
        assert!(manifest.contains("consumes: [gl.journal.posted]\n"), "{consumes}: {manifest}");
        assert_eq!(check(folder.path(), &[]).code, 0, "{consumes}");
    }
}

/// A slip in the code also makes the manifest say too much and too little. Neither is repaired: it was right.
#[test]
fn a_misspelt_name_is_repaired_and_what_follows_from_it_is_left_alone() {
    let ledger = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger-example");
    let slip = copy_of(&ledger);
    let (code, manifest) = (read(slip.path(), "ap/src/outcomes.js"), read(slip.path(), "ap/plugin.yaml"));
    let wrong = code.replace("\"gl.journal.posted\"", "\"gl.journal.postd\"");
    assert_ne!(code, wrong);
    write(slip.path(), "ap/src/outcomes.js", wrong.as_bytes());
    let ended = run(&["fix", text(slip.path())]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(read(slip.path(), "ap/src/outcomes.js"), code);
    assert_eq!(read(slip.path(), "ap/plugin.yaml"), manifest);
}

#[test]
fn a_mistyped_topic_is_renamed_where_it_is_published_and_not_taken_into_the_manifest() {
    let manifest = "manifest: 1\nslug: gl\nname: General Ledger\nversion: 1.0.0\nentry: src/main.js\n\
        topics:\n  gl.journal.posted: {kind: event}\n  gl.period.closed: {kind: event}\n\
        publishes: [gl.journal.posted]\n\
        allow:\n  - {rule: TL106, reason: payloads are described next quarter, owner: finance}\n  \
        - {rule: TL202, reason: the archive reads them all by hand, owner: finance}\n";
    let code = "$app.routerAdd('POST', '/api/gl/journals', () => {\n  \
        $app.realtime().publish('gl.journal.postd', { id: 1 });\n  \
        $app.realtime().publish('gl.period.closed', { id: 1 });\n});\n";
    let folder = crate::common::plugin(manifest, code);
    let said = check(folder.path(), &[]).out;
    assert!(said.contains("gl/src/main.js:2:3") && said.contains("did you mean `gl.journal.posted`?"), "{said}");
    assert!(!said.contains("add `gl.journal.postd`"), "{said}");
    assert!(said.contains("add `gl.period.closed` to `publishes` in plugin.yaml"), "{said}");
    let ended = fix(&folder, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(read(folder.path(), "gl/src/main.js"), code.replace("postd", "posted"));
    let publishes = "publishes: [gl.journal.posted, gl.period.closed]";
    assert_eq!(read(folder.path(), "gl/plugin.yaml"), manifest.replace("publishes: [gl.journal.posted]", publishes));
    let after = check(folder.path(), &[]).out;
    assert!(!after.contains("[TL303]") && !after.contains("[TL304]"), "{after}");
}

#[test]
fn a_mistyped_topic_is_renamed_where_it_is_subscribed_or_consumed_and_not_taken_into_the_manifest() {
    let (right, slip) = ("gl.journal.posted", "gl.journal.postd");
    for (consumed, heard, place) in [(right, slip, "gl/src/main.js"), (slip, right, "gl/plugin.yaml")] {
        let manifest = |consumed: &str| {
            format!(
                "manifest: 1\nslug: gl\nname: General Ledger\nversion: 1.0.0\nentry: src/main.js\n\
                topics:\n  {right}: {{kind: event}}\npublishes: [{right}]\nconsumes: [{consumed}]\n"
            )
        };
        let code = |heard: &str| {
            format!(
                "$app.routerAdd('POST', '/api/gl/journals', () => $app.realtime().publish('{right}', {{ id: 1 }}));\n\
                $app.onEvent('{heard}', (e) => $app.log('info', e.topic));\n"
            )
        };
        let folder = crate::common::plugin(&manifest(consumed), &code(heard));
        let said = check(folder.path(), &[]).out;
        let told = said.split("error[").find(|finding| finding.starts_with("TL302]")).expect("TL302");
        assert!(told.contains(&format!("did you mean `{right}`?")), "{place}: {told}");
        assert!(!said.contains("to `consumes` in plugin.yaml"), "{place}: {said}");
        let ended = fix(&folder, &["--rule", "TL302"]);
        assert!(ended.out.contains(place), "{place}: {}{}", ended.out, ended.err);
        assert_eq!(read(folder.path(), "gl/plugin.yaml"), manifest(right), "{place}");
        assert_eq!(read(folder.path(), "gl/src/main.js"), code(right), "{place}");
        let after = check(folder.path(), &[]).out;
        assert!(["TL201", "TL301", "TL302"].iter().all(|rule| !after.contains(rule)), "{place}: {after}");
    }
}

#[test]
fn a_mistyped_collection_is_named_with_its_place_and_renamed() {
    let manifest = "manifest: 1\nslug: gl\nname: General Ledger\nversion: 1.0.0\nentry: src/main.js\n\
        schema: schema.json\nroles: [{name: gl.user, billable: false, grants: [gl.use]}]\n";
    let code = "const KEPT = 'gl_notess';\nconst count = (collection) => $app.dao().countRecords(collection, {});\n\
        $app.routerAdd('POST', '/api/gl/notes', (e) => $app.dao().saveRecord('gl_nots', e.body));\n\
        $app.routerAdd('GET', '/api/gl/notes', () => count('gl_note'));\n\
        $app.routerAdd('GET', '/api/gl/kept', () => $app.dao().findAcross({ [KEPT]: ['a'] }));\n\
        $app.routerAdd('GET', '/api/gl/any', (e) => $app.dao().countRecords(e.query.of, {}));\n\
        $app.routerAdd('POST', '/api/gl/other', (e) => $app.reserve(`gl_ledger/${e.body.id}/left`, 1));\n";
    let folder = crate::common::plugin(manifest, code);
    let schema = r#"{"collections": [{"name": "gl_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
    write(folder.path(), "gl/schema.json", schema.as_bytes());
    let said = check(folder.path(), &[]).out;
    for part in [
        "`gl` writes records of `gl_nots` here, a collection that no plugin declares",
        "gl/src/main.js:3:48",
        "`gl` reads records of `gl_note` here, a collection that no plugin declares",
        "gl/src/main.js:4:46",
        "`gl` reads records of `gl_notess` here, a collection that no plugin declares",
        "gl/src/main.js:5:45",
        "did you mean `gl_notes`?",
        "`gl` writes records of `gl_ledger` here, a collection that no plugin declares",
        "declare `gl_ledger` in the owner's schema.json, or write the name of one that is",
    ] {
        assert!(said.contains(part), "no {part} in\n{said}");
    }
    assert!(said.contains("findings 4/0/0"), "{said}");
    fix(&folder, &["--rule", "TL316"]);
    let repaired = code.replace("'gl_nots'", "'gl_notes'").replace("'gl_note')", "'gl_notes')");
    assert_eq!(read(folder.path(), "gl/src/main.js"), repaired);
}
