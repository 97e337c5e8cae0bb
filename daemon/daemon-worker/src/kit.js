(register, ask) => {
  const { is, keys, getPrototypeOf } = Object;
  const isObject = (value) => typeof value === "object" && value !== null;
  const kind = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const isLazy = (value) => kind(value).endsWith("Generator");
  const isPending = (value) => typeof value?.then === "function";
  const misuse = (message) => new AppError("TEST_MISUSE", message, { status: 400 });

  // What makes two of a kind equal, beyond their fields.
  const contents = {
    Object: () => true,
    Array: (a, b) => a.length === b.length,
    Date: (a, b) => is(a.getTime(), b.getTime()),
    RegExp: (a, b) => String(a) === String(b),
    Error: (a, b) => ["name", "message", "code", "status", "details", "cause"].every((name) => equal(a[name], b[name])),
    Set: (a, b) => a.size === b.size && same([...a], [...b]),
    Map: (a, b) => a.size === b.size && same([...a], [...b]),
  };

  // Whether each has its equal among the others, in any order.
  function same(some, others) {
    return some.every((one) => {
      const at = others.findIndex((other) => equal(one, other));
      return at >= 0 && others.splice(at, 1).length === 1;
    });
  }

  // What equality of a kind is; a kind that hides what it holds cannot be compared.
  function known(value) {
    const named = kind(value);
    if (Object.hasOwn(contents, named)) return contents[named];
    if (ArrayBuffer.isView(value) && named !== "DataView") return contents.Array;
    throw misuse(`expect does not know what makes one ${named} equal to another; compare what it holds`);
  }

  const prototype = (value) => getPrototypeOf(value) ?? Object.prototype;
  const fields = (value) => Reflect.ownKeys(value)
    .filter((key) => Object.prototype.propertyIsEnumerable.call(value, key) && value[key] !== undefined);

  function equal(a, b) {
    if (is(a, b)) return true;
    if (!isObject(a) || !isObject(b) || prototype(a) !== prototype(b) || kind(a) !== kind(b)) return false;
    if (!known(a)(a, b)) return false;
    const names = fields(a);
    return names.length === fields(b).length && names.every((name) => equal(a[name], b[name]));
  }

  // Whether all that is asked for is there; more may be.
  function holds(actual, wanted) {
    if (!isObject(wanted) || !isObject(actual)) return equal(actual, wanted);
    if (Array.isArray(wanted)) {
      return Array.isArray(actual) && actual.length === wanted.length && wanted.every((one, at) => holds(actual[at], one));
    }
    if (kind(wanted) !== "Object") return equal(actual, wanted);
    return !Array.isArray(actual) && keys(wanted).every((name) => holds(actual[name], wanted[name]));
  }

  // What JSON has no word for is told by what it holds.
  const told = (name, value) => {
    if (value instanceof Map || value instanceof Set) return [...value];
    return value instanceof RegExp || value instanceof Error ? String(value) : value;
  };
  const json = (value) => JSON.stringify(value, told);
  const words = (value) => {
    const maker = isObject(value) ? value.constructor?.name ?? "Object" : "Object";
    const prefix = maker === "Object" || maker === "Array" ? "" : `${maker} `;
    try { return `${prefix}${json(value) ?? String(value)}`; } catch { return String(value); }
  };
  const copy = (value) => {
    try { return JSON.parse(json(value) ?? "null"); } catch { return String(value); }
  };

  const matchers = {
    toBe: (actual, wanted) => [is(actual, wanted), "to be", wanted],
    toEqual: (actual, wanted) => [equal(actual, wanted), "to equal", wanted],
    toMatchObject: (actual, wanted) => [holds(actual, wanted), "to hold", wanted],
    toMatch: (actual, pattern) => {
      given(typeof actual === "string", "toMatch", "a text", actual);
      given(pattern instanceof RegExp || typeof pattern === "string", "toMatch", "a pattern or a text", pattern);
      return [pattern instanceof RegExp ? pattern.test(actual) : actual.includes(pattern), "to match", String(pattern)];
    },
    toContain: (actual, item) => {
      given(typeof actual?.[Symbol.iterator] === "function", "toContain", "a text or a list", actual);
      given(typeof actual !== "string" || typeof item === "string", "toContain", "a part of a text", item);
      return [typeof actual === "string" ? actual.includes(item) : Array.from(actual).some((one) => equal(one, item)), "to contain", item];
    },
    toHaveLength: (actual, length) => {
      given(typeof actual?.length === "number", "toHaveLength", "something with a length", actual);
      return [actual.length === length, "to have the length", length];
    },
    toBeGreaterThan: (actual, bound) => [ordered(actual, bound, "toBeGreaterThan") && actual > bound, "to be greater than", bound],
    toBeLessThan: (actual, bound) => [ordered(actual, bound, "toBeLessThan") && actual < bound, "to be less than", bound],
    toBeTruthy: (actual) => [Boolean(actual), "to be truthy"],
    toBeFalsy: (actual) => [!actual, "to be falsy"],
    toBeNull: (actual) => [actual === null, "to be null"],
    toBeUndefined: (actual) => [actual === undefined, "to be undefined"],
    toThrow: (actual, ...[wanted]) => {
      given(typeof actual === "function", "toThrow", "a function", actual);
      if (wanted !== undefined && typeof wanted !== "string") throw misuse("toThrow takes a code or a part of the message");
      const caught = thrown(actual);
      if (caught === undefined) return [false, "to throw", wanted, "nothing thrown"];
      const { error } = caught;
      const fits = wanted === undefined || error?.code === wanted || Boolean(error?.message?.includes?.(wanted));
      return [fits, "to throw", wanted, error?.code ?? error?.message ?? error];
    },
  };

  function given(fits, matcher, wanted, actual) {
    if (!fits) throw misuse(`${matcher} takes ${wanted}, not ${words(actual)}`);
  }

  // Whether one can be greater than the other: two texts, or two numbers.
  function ordered(actual, bound, matcher) {
    const sort = (value) => (typeof value === "bigint" ? "number" : typeof value);
    const fits = sort(actual) === sort(bound) && ["number", "string"].includes(sort(actual));
    given(fits, matcher, "two numbers or two texts", [actual, bound]);
    return true;
  }

  // What a function throws; none where it comes to its end, which it must do at once.
  function thrown(run) {
    let gave;
    try { gave = run(); } catch (error) { return { error }; }
    if (isPending(gave)) throw misuse("toThrow takes a function that is not async; await it within try and catch");
    if (isLazy(gave)) throw misuse("toThrow takes a function that is no generator: nothing of it was run");
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
        if (typeof during !== "function") throw misuse("app.crash takes a function, or nothing");
        ask("hold", {});
        const gave = during();
        if (isPending(gave) || isLazy(gave)) {
          throw misuse("app.crash takes a function that is neither async nor a generator: it would crash before the function has ended");
        }
      }
      return ask("crash", {});
    },
  });

  globalThis.expect = (actual) => ({ ...matching(actual, false), not: matching(actual, true) });
  globalThis.test = (name, options, run) => {
    const body = run ?? options;
    if (typeof body !== "function") throw misuse("test takes a name, perhaps options, and a function");
    const asked = run === undefined ? {} : options;
    register(name, asked, async () => {
      if (isLazy(await body(app))) throw misuse("the function of a test must be no generator: nothing of it was run");
    });
  };
}
