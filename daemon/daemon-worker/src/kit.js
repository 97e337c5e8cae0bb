(register, ask) => {
  const { is, keys } = Object;
  const isObject = (value) => typeof value === "object" && value !== null;

  function equal(a, b) {
    if (is(a, b)) return true;
    if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    const defined = (value) => keys(value).filter((key) => value[key] !== undefined);
    const names = defined(a);
    return names.length === defined(b).length && names.every((name) => equal(a[name], b[name]));
  }

  // Whether all that is asked for is there; more may be.
  function holds(actual, wanted) {
    if (!isObject(wanted) || !isObject(actual)) return equal(actual, wanted);
    if (Array.isArray(wanted)) {
      return Array.isArray(actual) && actual.length === wanted.length && wanted.every((one, at) => holds(actual[at], one));
    }
    return keys(wanted).every((name) => holds(actual[name], wanted[name]));
  }

  const words = (value) => {
    try { return JSON.stringify(value) ?? String(value); } catch { return String(value); }
  };
  const copy = (value) => {
    try { return JSON.parse(JSON.stringify(value) ?? "null"); } catch { return String(value); }
  };

  const matchers = {
    toBe: (actual, wanted) => [is(actual, wanted), "to be", wanted],
    toEqual: (actual, wanted) => [equal(actual, wanted), "to equal", wanted],
    toMatchObject: (actual, wanted) => [holds(actual, wanted), "to hold", wanted],
    toMatch: (actual, pattern) => [typeof actual === "string" && (pattern instanceof RegExp ? pattern.test(actual) : actual.includes(pattern)), "to match", String(pattern)],
    toContain: (actual, item) => [typeof actual === "string" ? actual.includes(item) : Array.from(actual).some((one) => equal(one, item)), "to contain", item],
    toHaveLength: (actual, length) => [actual?.length === length, "to have the length", length],
    toBeGreaterThan: (actual, bound) => [actual > bound, "to be greater than", bound],
    toBeLessThan: (actual, bound) => [actual < bound, "to be less than", bound],
    toBeTruthy: (actual) => [Boolean(actual), "to be truthy"],
    toBeFalsy: (actual) => [!actual, "to be falsy"],
    toBeNull: (actual) => [actual === null, "to be null"],
    toBeUndefined: (actual) => [actual === undefined, "to be undefined"],
    toThrow: (actual, wanted) => {
      const thrown = caught(actual);
      const fits = wanted === undefined || thrown?.code === wanted || Boolean(thrown?.message?.includes?.(wanted));
      return [thrown !== undefined && fits, "to throw", wanted, thrown === undefined ? "nothing thrown" : thrown.code ?? thrown.message];
    },
  };

  function caught(run) {
    try { run(); } catch (error) { return error; }
    return undefined;
  }

  function matching(actual, negated) {
    const all = {};
    for (const name of keys(matchers)) {
      all[name] = (...args) => {
        const [fits, phrase, wanted, shown] = matchers[name](actual, ...args);
        if (fits !== negated) return;
        const got = shown === undefined ? actual : shown;
        const message = `expected ${words(got)} ${negated ? "not " : ""}${phrase}${args.length ? ` ${words(wanted)}` : ""}`;
        const compared = !negated && (name === "toEqual" || name === "toBe" || name === "toMatchObject");
        throw new AppError("EXPECTATION", message, { details: compared ? { expected: copy(wanted), actual: copy(got) } : null });
      };
    }
    return all;
  }

  const app = Object.freeze({
    call: (method, path, options) => ask("call", { method, path, ...options }),
    publish: (topic, payload, options) => ask("publish", { topic, payload, ...options }),
    events: (topic) => ask("events", { topic }),
    save: (collection, record) => ask("save", { collection, record }),
    record: (collection, id) => ask("record", { collection, id }),
    records: (collection, filter, options) => ask("records", { collection, filter, ...options }),
    deadLetters: () => ask("deadLetters", {}),
    jobs: () => ask("jobs", {}),
    now: () => ask("now", {}),
    advance: (by) => ask("advance", { by }),
    hold: (topic) => ask("hold", { topic }),
    release: (options) => ask("release", { ...options }),
    duplicate: (topic) => ask("duplicate", { topic }),
    slow: (topic, by) => ask("slow", { topic, by }),
    config: (settings, options) => ask("config", { settings, ...options }),
    enable: (plugin) => ask("enable", { plugin }),
    disable: (plugin, options) => ask("disable", { plugin, ...options }),
    stub: (method, url, ...answers) => ask("stub", { method, url, answers }),
    fetches: (url) => ask("fetches", { url }),
    crash: (during) => {
      if (during !== undefined) {
        ask("hold", {});
        during();
      }
      return ask("crash", {});
    },
  });

  globalThis.expect = (actual) => ({ ...matching(actual, false), not: matching(actual, true) });
  globalThis.test = (name, options, run) => {
    const body = run ?? options;
    const given = run === undefined ? {} : options;
    register(name, given, async () => { await body(app); });
  };
}
