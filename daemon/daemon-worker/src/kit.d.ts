// What files of tests may call besides the surface. Kept by hand beside the kit; a test holds the two together.

declare namespace Trunkline {
  /** Roles that a caller holds, of those that the suite declares; every one without it. */
  interface As {
    user?: string;
    roles?: readonly string[];
  }

  interface CallOptions {
    body?: unknown;
    headers?: { [name: string]: string };
    as?: As;
    /** The header `Idempotency-Key`. */
    idempotencyKey?: string | number;
  }

  interface Answer {
    status: number;
    /** The body as it was answered. */
    body: any;
    /** `data` of the envelope. */
    data: any;
    /** `error` of the envelope; null beside a problem document, whose code is `body.code`. */
    error: { code: string; message: string; details: any } | null;
  }

  interface GivenOptions {
    /** The plugin that publishes it, or `rest:<user>` for a client outside; else the owner of the topic. */
    from?: string;
    /** The id of an event that it answers. */
    replyTo?: string;
    id?: string;
    key?: string | number;
    idempotencyKey?: string | number;
    delay?: Duration;
    headers?: { [name: string]: unknown };
  }

  interface LoggedEvent {
    id: string;
    topic: string;
    payload: any;
    publisher: string;
    key: string;
    causationId: string | null;
    correlationId: string;
    /** Milliseconds since 1970. */
    time: number;
  }

  /** What a host outside answers; its connection may also break, or stay silent until the fetch gives up. */
  type StubAnswer = { status?: number; headers?: { [name: string]: string }; body?: unknown } | "breaks" | "silent";

  /** One attempt at a fetch; a fetch that is tried again makes several. */
  interface FetchMade {
    plugin: string;
    method: string;
    url: string;
    headers: { [name: string]: string };
    /** Parsed where it is JSON. */
    body: any;
    /** Of the answer; null where there was none. */
    status: number | null;
  }

  interface DeadLetter {
    topic: string;
    subscription: string;
    attempts: number;
    code: string;
    reason: string;
  }

  interface WaitingJob {
    kind: string;
    state: string;
    attempts: number;
    /** Milliseconds since 1970. */
    dueAt: number | null;
  }

  /**
   * The rehearsal of one test: the plugin with its real worker on a real store of its own, and a clock that stands still.
   * Each of these returns when everything that is due has been handled.
   */
  interface Rehearsal {
    /** Sends a request as a client would. `path` begins with `/` and may hold a query. */
    call(method: Method, path: string, options?: CallOptions): Answer;
    /** Publishes an event as another plugin would. */
    publish(topic: string, payload: unknown, options?: GivenOptions): { id: string; duplicate: boolean };
    /** Events of the log under a topic or pattern, all of them without one. */
    events(topic?: string): LoggedEvent[];
    /** Stores a record that is there before the test begins. */
    save(collection: string, record: object): any;
    record(collection: string, id: string): any;
    records(collection: string, filter?: object | string, options?: { sort?: string; limit?: number }): any[];
    deadLetters(): DeadLetter[];
    jobs(): WaitingJob[];
    /**
     * Milliseconds since 1970; the same until `advance`. `$app.now()` and `Date.now()` of the test's own code stay where
     * the test began.
     */
    now(): number;
    /** Lets time go by: jobs, schedules, retries and times to live come due one after another. */
    advance(by: Duration): number;
    /** Keeps deliveries of a topic or pattern back, of all topics without one, until `release` or `crash`. */
    hold(topic?: string): void;
    /** Delivers what was kept back, in the order of the log, or the other way round. */
    release(options?: { order?: "log" | "reverse" }): number;
    /** From now on each delivery of the topic comes twice, until `crash`. */
    duplicate(topic?: string): void;
    /** From now on each delivery of the topic takes so long to come, until `crash`. */
    slow(topic: string, by: Duration): void;
    /** Changes settings as an operator would, of the plugin itself or of one that takes part. */
    config(settings: { [name: string]: unknown }, options?: { plugin?: string }): void;
    /** Lets a plugin that takes part run again, as an operator would. */
    enable(plugin: string): void;
    /**
     * Stops a plugin that takes part, as an operator would. What one that uses its capabilities throws in `onDetach` is
     * thrown as DETACH_VETOED and nothing changes, unless `force` is said.
     */
    disable(plugin: string, options?: { force?: boolean }): void;
    /**
     * Answers fetches of an address, one answer after another; the last one stays. `{name}` in the path is any segment, and
     * an address without a query stands for every query. What no stub fits is refused as FETCH_UNEXPECTED.
     */
    stub(method: Method, url: string, ...answers: StubAnswer[]): void;
    /** Fetches that were made, of an address as for `stub` or of all, in order. */
    fetches(url?: string): FetchMade[];
    /**
     * Loses everything that is not on disk, and starts again. What `during`, which is not async, publishes is lost on its
     * way. `hold`, `slow` and `duplicate` are forgotten; settings, stubs and fetches are not.
     */
    crash(during?: () => unknown): void;
  }

  interface Matchers {
    toBe(wanted: unknown): void;
    /** Of the same class and with equal contents; fields that are undefined count for nothing. */
    toEqual(wanted: unknown): void;
    /** All that is wanted is there; more may be. */
    toMatchObject(wanted: object): void;
    toMatch(pattern: string | RegExp): void;
    toContain(item: unknown): void;
    toHaveLength(length: number): void;
    toBeGreaterThan(bound: number | bigint | string): void;
    toBeLessThan(bound: number | bigint | string): void;
    toBeTruthy(): void;
    toBeFalsy(): void;
    toBeNull(): void;
    toBeUndefined(): void;
    /** The function throws, with this code or a message that contains this. */
    toThrow(wanted?: string): void;
  }

  interface Expectation extends Matchers {
    not: Matchers;
  }
}

/**
 * A test of its own rehearsal. `with` names plugins of the suite that take part with their code; `config` are settings of
 * the plugin, over the defaults of its config.schema.json.
 */
declare function test(name: string, run: (app: Trunkline.Rehearsal) => unknown): void;
declare function test(name: string, options: { with?: readonly string[]; config?: { [name: string]: unknown } }, run: (app: Trunkline.Rehearsal) => unknown): void;
declare function expect(actual: unknown): Trunkline.Expectation;
