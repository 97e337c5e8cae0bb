//! `trunkline test` is green only where something was shown: what is refused, misspelt, never run or never over is told.

use crate::kit::{FX, FX_HEAD, TILL_HEAD, den, passes, test};
use tests::Suite;

#[track_caller]
fn says(suite: &Suite, all: &[&str]) {
    let ran = test(suite.path(), &[]);
    assert_eq!(ran.exit, Some(1), "{}{}", ran.out, ran.err);
    for says in all {
        assert!(ran.out.contains(says), "`{says}` is missing: {}{}", ran.out, ran.err);
    }
}

#[test]
fn refusals_outside_verbs_are_answered_as_a_client_would_be() {
    passes(
        r#"
const asked = (app, method, path, options) => {
  const { status, body } = app.call(method, path, options);
  return [status, body?.code ?? body?.error?.code];
};
test("problem documents", (app) => {
  const records = "/api/collections/den_seen/records";
  const { status, body, data, error } = app.call("GET", `${records}/none`);
  expect([status, data, error]).toEqual([404, null, null]);
  expect(body).toMatchObject({ code: "RECORD_NOT_FOUND", status: 404, instance: `${records}/none` });
  for (const [method, path, wanted] of [
    ["GET", "/api/collections/nowhere/records", 404],
    ["GET", "/api/nowhere", 404],
    ["GET", "/api/_admin/plugins", 403],
    ["GET", "/metrics", 403],
    ["POST", "/api/_tx/reserve", 400],
    ["PUT", records, 405],
    ["GET", `/api/den/greeting?${"x".repeat(9000)}`, 414],
  ]) {
    const [status, code] = asked(app, method, path);
    expect([path.slice(0, 40), status, typeof code]).toEqual([path.slice(0, 40), wanted, "string"]);
  }
  expect(asked(app, "GET", records, { headers: { a: "x".repeat(40000) } })[0]).toBe(431);
});
test("rules of collections", (app) => {
  const records = "/api/collections/den_seen/records";
  expect(asked(app, "POST", records, { body: { what: "new" }, as: { roles: [] } })).toEqual([403, "FORBIDDEN"]);
  expect(asked(app, "POST", records, { body: { what: "new" } })[0]).toBe(201);
  expect(app.records("den_seen")).toHaveLength(1);
});
"#,
    );
    let suite = den(
        r#"test("a", (app) => expect(app.call("GET", "/api/collections/den_seen/records/none").status).toBe(200));"#,
    );
    says(&suite, &["expected 404 to be 200", "records/none was answered 404 RECORD_NOT_FOUND: "]);
}

#[test]
fn what_is_compared_is_compared_whole() {
    passes(
        r#"
const holds = (run) => { try { run(); return true; } catch (error) { if (error.code === "EXPECTATION") return false; throw error; } };
class Point { constructor(x) { this.x = x; } }
const error = (code, message) => new AppError(code, message);
test("equal", () => {
  for (const [at, [a, b, wanted]] of [
    [new Set([1, { a: 2 }]), new Set([{ a: 2 }, 1]), true], [new Set([1]), new Set([2]), false], [new Set([1]), new Set(), false],
    [new Map([["a", [1]]]), new Map([["a", [1]]]), true], [new Map([["a", 1]]), new Map([["a", 2]]), false],
    [new Date(5), new Date(5), true], [new Date(5), new Date(6), false], [new Date(NaN), new Date(NaN), true],
    [/a/g, /a/g, true], [/a/g, /a/, false], [/a/, /b/, false],
    [new Error("a"), new Error("a"), true], [new Error("a"), new Error("b"), false], [new Error("a"), new TypeError("a"), false],
    [error("A", "m"), error("A", "m"), true], [error("A", "m"), error("B", "m"), false],
    [[1, undefined], [1], false], [[1, undefined], [1, undefined], true], [[], {}, false],
    [new Point(1), new Point(1), true], [new Point(1), { x: 1 }, false], [Object.assign(Object.create(null), { x: 1 }), { x: 1 }, true],
    [{ x: 1, y: undefined }, { x: 1 }, true], [{ at: new Date(1) }, { at: new Date(2) }, false], [new Date(1), {}, false],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2), true], [Uint8Array.of(1, 2), Uint8Array.of(1, 3), false],
    [{ [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 2 }, false],
  ].entries()) {
    expect([at, holds(() => expect(a).toEqual(b))]).toEqual([at, wanted]);
    expect(holds(() => expect(a).not.toEqual(b))).toBe(!wanted);
  }
});
test("held", () => {
  expect(error("A", "m")).toMatchObject({ code: "A" });
  expect({ list: [{ a: 1, b: 2 }], at: new Date(1) }).toMatchObject({ list: [{ a: 1 }], at: new Date(1) });
  expect({ at: new Date(1) }).not.toMatchObject({ at: new Date(2) });
  expect({ all: new Set([1]) }).not.toMatchObject({ all: new Set([2]) });
  expect([1]).not.toMatchObject({});
});
test("what cannot be looked into", () => {
  for (const make of [() => Promise.resolve(1), () => new ArrayBuffer(1), () => new WeakMap()]) {
    expect(() => expect(make()).toEqual(make())).toThrow("TEST_MISUSE");
    expect(() => expect(make()).not.toEqual(make())).toThrow("TEST_MISUSE");
  }
});
test("what a matcher is not for", () => {
  for (const wrong of [
    () => expect(3).toThrow(), () => expect(3).not.toThrow(), () => expect(async () => 0).not.toThrow("A"),
    () => expect(function* () { throw 1; }).not.toThrow(), () => expect(() => null.x).not.toThrow(TypeError),
    () => expect(undefined).not.toMatch("x"), () => expect("x").not.toMatch(undefined), () => expect(undefined).not.toHaveLength(1),
    () => expect(5).not.toContain(5), () => expect("12").not.toContain(3), () => expect(undefined).not.toBeGreaterThan(1),
    () => expect(1).not.toBeLessThan("2"), () => expect(NaN).not.toBeLessThan({}),
  ]) expect(wrong).toThrow("TEST_MISUSE");
  expect(() => { throw undefined; }).toThrow();
  expect(5n).toBeGreaterThan(4);
});
"#,
    );
    let told = den("test('a', () => expect(new Set([1])).toEqual(new Set([2])));
        test('b', () => expect([1, undefined]).toEqual([1]));");
    says(&told, &["expected Set [1] to equal Set [2]", "0 passed, 2 failed"]);
}

#[test]
fn a_run_that_is_never_run_and_a_crash_that_comes_too_early_are_refused() {
    let suite = den(r#"
test("generator", function* () { expect(1).toBe(2); });
test("async generator", async function* () { expect(1).toBe(2); });
test("crash", async (app) => {
  app.crash(async () => { await null; app.publish("den.thing.made", { no: 1 }); });
});
test("ends well", async (app) => { await null; app.crash(() => app.publish("den.thing.made", { no: 1 })); });
"#);
    says(
        &suite,
        &[
            "FAIL  generator\n        TEST_MISUSE: the function of a test must be no generator",
            "FAIL  async generator\n        TEST_MISUSE: the function of a test must be no generator",
            "FAIL  crash\n        TEST_MISUSE: app.crash takes a function that is neither async nor a generator",
            "ok    ends well",
        ],
    );
    says(&den("test('a', { with: [] });"), &["test takes a name, perhaps options, and a function"]);
}

#[test]
fn slugs_roles_topics_and_paths_that_are_nowhere_are_refused_by_name() {
    passes(
        r#"
test("names", (app) => {
  const said = (run) => { try { run(); } catch (error) { return `${error.code}: ${error.message}`; } return "taken"; };
  for (const [run, says] of [
    [() => app.call("GET", "/api/den/greeting", { as: { roles: ["den.usr"] } }), "TEST_MISUSE: the suite has no role `den.usr`; there are den.user"],
    [() => app.hold("den.thing.mad"), "TEST_MISUSE: no topic of the suite falls under `den.thing.mad`"],
    [() => app.hold("typo.**"), "TEST_MISUSE: no topic of the suite falls under `typo.**`"],
    [() => app.slow("typo.topic", "1s"), "TEST_MISUSE: no topic"],
    [() => app.duplicate("typo.topic"), "TEST_MISUSE: no topic"],
    [() => app.events("typo.topic"), "TEST_MISUSE: no topic"],
    [() => app.call("GET", "api/den/greeting"), "path must begin with `/`"],
    [() => app.save("den_seen", { id: 5, what: "x" }), "RECORD_INVALID: den_seen: the id must be a text, not 5"],
  ]) expect(said(run)).toMatch(says);
  expect(app.records("den_seen")).toEqual([]);
  for (const known of ["den.thing.made", "den.*.made", "**", "jobs.den.work", "jobs.**"]) app.events(known);
});
test("what a plugin does, a test has done", async (app) => {
  const said = async (run) => { try { await run(); } catch (error) { return error.message; } return "taken"; };
  expect(await said(() => $http.fetch("https://api.example.test/"))).toMatch("app.stub says");
  expect(await said(() => $app.realtime().publish("den.thing.made", { no: 1 }, { idempotencyKey: "a" }))).toMatch("app.publish");
  expect(await said(() => $app.dao().findRecordById("den_seen", "a"))).toMatch("app.record");
});
"#,
    );
    let suite = den(r#"
test("with", { with: ["typo"] }, () => 0);
test("publishes itself", () => { $app.realtime().publish("den.thing.made", { no: 1 }); });
"#);
    let with = "TEST_MISUSE: the suite has no plugin `typo`; there are den";
    says(
        &suite,
        &[with, "TEST_MISUSE: what the test itself published, enqueued or stored was not done", "0 passed, 2 failed"],
    );
}

#[test]
fn who_runs_out_of_memory_is_told_so_each_time() {
    const HOG: &str = "const all = []; for (;;) all.push(new Array(1000).fill(`x${all.length}`));";
    let tests = ["a", "b", "c"].map(|name| format!("test('{name}', () => {{ {HOG} }});\n")).concat();
    let ran = test(den(&tests).path(), &[]);
    assert_eq!(ran.out.matches("        it asked for more memory than a worker may have\n").count(), 3, "{}", ran.out);
    says(&den(HOG), &["FAIL  (loading)\n        TEST_BROKEN: it asked for more memory than a worker may have"]);
}

const SET_HEAD: &str = "
config: config.schema.json
permissions: []
roles: [{name: SLUG.user, billable: false, grants: [SLUG.use]}]
";
const SET_CONFIG: &str = r#"{"type": "object", "properties": {"x": {"type": "integer", "default": 1}}}"#;
const SET: &str = r#"if ($app.config.x !== 2) throw new Error(`x is ${$app.config.x}`);
$app.routerAdd("GET", "/api/SLUG/x", () => $app.config.x);"#;

#[test]
fn a_plugin_that_does_not_start_fails_its_tests_and_no_others() {
    let sound = r#"test("has its settings", { config: { x: 2 } }, (app) => {
  expect(app.call("GET", "/api/SLUG/x").data).toBe(2);
  app.crash();
  expect(app.call("GET", "/api/SLUG/x").data).toBe(2);
});"#;
    let wrong = r#"test("has none", () => 0); test("has others", { config: { x: 3 } }, () => 0);"#;
    let suite = ["ill", "well"].into_iter().fold(Suite::new(), |suite, slug| {
        let of = |text: &str| text.replace("SLUG", slug);
        let suite = suite.plugin(slug, &of(SET_HEAD), &of(SET)).file(&format!("{slug}/config.schema.json"), SET_CONFIG);
        suite.file(&format!("{slug}/tests/a.test.js"), &of(sound))
    });
    let suite = suite.file("ill/tests/b.test.js", wrong);
    let junit = suite.path().join("junit.xml");
    let ran = test(suite.path(), &["--out", "text", "--out", &format!("junit={}", junit.display())]);
    assert_eq!((ran.exit, ran.err.as_str()), (Some(1), ""), "{}", ran.out);
    for says in [
        "ill/tests/a.test.js\n  ok    has its settings\n",
        "FAIL  has none\n        `ill` cannot be started: PLUGIN_ERROR: Error: x is 1 at src/main.js:1:",
        "FAIL  has others\n        `ill` cannot be started: PLUGIN_ERROR: Error: x is 3 at src/main.js:1:",
        "well/tests/a.test.js\n  ok    has its settings\n",
        "2 passed, 2 failed",
    ] {
        assert!(ran.out.contains(says), "`{says}` is missing: {}", ran.out);
    }
    let junit = std::fs::read_to_string(junit).expect("the file");
    assert!(junit.contains("tests=\"4\"") && junit.contains("failures=\"2\""), "{junit}");
}

#[test]
fn a_test_that_asks_for_ever_is_ended_by_name() {
    let suite = den(r#"
test("polls", (app) => {
  while (app.records("den_seen").length === 0);
});
test("does not listen", (app) => { for (;;) try { app.now(); } catch { } });
test("streams", (app) => app.call("GET", "/api/realtime?topics=den.thing.made"));
test("may look often", (app) => { for (let at = 0; at < 2000; at += 1) app.records("den_seen"); });
"#);
    says(
        &suite,
        &[
            "FAIL  polls\n        TEST_ENDLESS: 10000 questions in a row, the last of them app.records, found the clock and",
            "at tests/all.test.js:3:",
            "FAIL  does not listen\n        it went on asking after it was told that it had no end (TEST_ENDLESS)",
            "the answer has no end; a test cannot read a stream",
            "ok    may look often",
        ],
    );
}

/// Something that was called is reached, also where it was ended at its deadline.
#[test]
fn what_is_ended_at_its_deadline_was_reached() {
    let slow = FX.replace("\"1.08\"", "{ for (;;); }");
    let till = "const options = { timeout: \"2s\" };
        $app.routerAdd(\"GET\", \"/api/till/rate\", options, () => $app.capability(\"fx.rate\").call(\"rate\"));
        $app.routerAdd(\"GET\", \"/api/till/never\", options, () => { for (;;); });";
    let suite = Suite::new().plugin("fx", FX_HEAD, &slow).plugin("till", TILL_HEAD, till);
    let suite = suite.file(
        "till/tests/a.test.js",
        r#"test("a", (app) => expect(app.call("GET", "/api/till/never").status).toBe(504));"#,
    );
    let suite = suite.file(
        "fx/tests/a.test.js",
        r#"test("a", { with: ["till"] }, (app) => expect(app.call("GET", "/api/till/rate").status).toBe(504));"#,
    );
    let ran = test(suite.path(), &[]);
    assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
    for says in [
        "till reached: verbs 1/2\n  verbs not reached: GET /api/till/rate",
        "fx reached: verbs 0/1, capability methods 1/2",
    ] {
        assert!(ran.out.contains(says), "`{says}` is missing: {}", ran.out);
    }
}

#[test]
fn plugins_that_lie_beside_one_another_know_their_contracts_without_a_suite_yaml() {
    let head = "consumes: [shop.item.sold]\nroles: [{name: mail.user, billable: false, grants: [mail.use]}]\n";
    let shop = "topics: {shop.item.sold: {kind: event, version: 1.0.0, schema: any.json, visibility: public}}
publishes: [shop.item.sold]\nroles: [{name: shop.user, billable: false, grants: [shop.use]}]\n";
    let suite = Suite::new().plugin("mail", head, "$app.onEvent('shop.item.sold', function hear() {});");
    let publishes = "$app.routerAdd('POST', '/api/shop/sell', () => $app.realtime().publish('shop.item.sold', {}));";
    let suite = suite.plugin("shop", shop, publishes);
    let suite = suite.file("mail/tests/a.test.js", "test('hears', (app) => app.publish('shop.item.sold', {}));");
    std::fs::remove_file(suite.path().join("suite.yaml")).expect("there was one");
    for folder in [suite.path().to_owned(), suite.path().join("mail")] {
        let ran = test(&folder, &[]);
        assert_eq!(ran.exit, Some(0), "{}: {}{}", folder.display(), ran.out, ran.err);
        assert!(ran.out.contains("mail reached: handlers 1/1"), "{}", ran.out);
    }
}
