//! `trunkline test` is green only where something was shown: what is refused, misspelt, never run or never over is told.

use crate::kit::{den, passes, test};
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
