// Everything that a plugin's code may call. This file is kept by hand beside the binding, and a test holds the two
// against each other: each name that stands here is there when a plugin runs, and the reverse.
// `trunkline types` prints it together with what it knows of a suite, which fills the empty interfaces.

declare namespace Trunkline {
  // Filled by `trunkline types`. Left empty, nothing may be published, subscribed to or stored.

  /** The plugin: its slug and its roles. */
  interface Own {}
  /** Payloads of the topics that may be published. */
  interface Publishes {}
  /** Replies of the requests that may be published. */
  interface Requests {}
  /** What handlers get, by the topics and patterns that may be subscribed to. */
  interface Consumes {}
  /** Collections that may be read. */
  interface Collections {}
  /** Collections that may be written. */
  interface OwnCollections {}
  /** The settings. */
  interface Config {}
  /** Files of the plugin that hold a JSON Schema. */
  interface SchemaFiles {}
  /** Bodies and data of the verbs. */
  interface Verbs {}

  // Words that are used below.

  type Slug = Own extends { slug: infer S extends string } ? S : string;
  type Role = Own extends { role: infer R extends string } ? R | (string & {}) : string;
  type Scalar = string | number | boolean | null;
  /** `500ms`, `2s`, `5m`, `1h`, `30d`, or milliseconds. */
  type Duration = string | number;
  /** An amount in minor units; a bigint where it is beyond 2^53-1. */
  type Amount = number | bigint;
  type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  type Operation = "create" | "update" | "delete";
  type Level = "debug" | "info" | "warn" | "error";
  type Rounding = "half-up" | "half-even";

  /** `{id}` in the path of a verb, by name. */
  type Params<Path extends string> = string extends Path
    ? { [name: string]: string }
    : Path extends `${string}{${infer Name}}${infer Rest}`
      ? { [N in Name]: string } & Params<Rest>
      : {};
  /** What the option `request` says of the body. */
  type BodyOf<Options> = Options extends { request: infer File extends keyof SchemaFiles } ? SchemaFiles[File] : any;

  // `$app`

  interface App {
    /**
     * Adds a verb. The handler's plain return value is answered as `{success: true, data, error: null}`.
     * Path: `/api/<slug>/…`, with parameters as in `/api/ap/bills/{id}`.
     * @example $app.routerAdd("GET", "/api/ap/bills/{id}", { roles: ["ap.clerk"] }, (e) => $app.dao().findRecordById("ap_bills", e.params.id))
     */
    routerAdd<const Path extends `/api/${Slug}` | `/api/${Slug}/${string}`>(method: Method | Lowercase<Method>, path: Path, handler: (e: VerbCall<Path>) => unknown): void;
    routerAdd<const Path extends `/api/${Slug}` | `/api/${Slug}/${string}`, const Options extends RouteOptions>(method: Method | Lowercase<Method>, path: Path, options: Options, handler: (e: VerbCall<Path, BodyOf<Options>>) => unknown): void;
    /** Subscribes to a topic or pattern that plugin.yaml lists under `consumes`. */
    onEvent<Topic extends keyof Consumes>(topic: Topic, handler: (e: Consumes[Topic]) => unknown): void;
    onEvent<Topic extends keyof Consumes>(topic: Topic, options: SubscriptionOptions, handler: (e: Consumes[Topic]) => unknown): void;
    /** Records, within the call's unit of work. */
    dao(): Dao;
    /** Events, published when the unit of work commits. */
    realtime(): Realtime;
    /** Publishes a request; the handle goes into `e.outcome`. With `continue` the outcome comes to `onOutcome`. */
    request<Topic extends keyof Requests & keyof Publishes>(topic: Topic, payload: Publishes[Topic], options?: RequestOptions): Handle;
    /** Goes on with the outcome of requests that were made with `continue: name`. */
    onOutcome(name: string, handler: (run: OutcomeRun) => unknown): void;
    /** Looks at a record before it changes, within the same unit of work. What it throws refuses the change. */
    onRecord<C extends keyof OwnCollections & keyof Collections>(when: "before", operation: Operation, collection: C, handler: (e: RecordChange<C>) => unknown): void;
    /** Learns of a change once it is decided, in a unit of work of its own. */
    onRecord<C extends keyof Collections>(when: "after", operation: Operation, collection: C, handler: (e: RecordChanged<C>) => unknown): void;
    /**
     * Offers the methods of a capability that plugin.yaml lists under `capabilities.provides`. They only read.
     * @example $app.provide("fx.rate", { rate: ({ from, to }) => ({ rate: "1.08" }) })
     */
    provide(name: string, methods: { readonly [method: string]: (input: any, e: CapabilityCall) => unknown }): void;
    /**
     * A capability that plugin.yaml lists under `capabilities.consumes`: of the newest version, or of one provider.
     * @throws CAPABILITY_UNDECLARED
     */
    capability(name: string, options?: { provider?: string }): Capability;
    /** Hears of a provider that has come, once for each tenant, in a unit of work of its own. */
    onAttach(handler: (e: ProviderLink) => unknown): void;
    /** Hears of a provider that is about to leave. What it throws keeps the provider, unless an operator insists. */
    onDetach(handler: (e: ProviderLink) => unknown): void;
    /**
     * Takes an amount out of an integer field of a record for a time. `resource` is `<collection>/<record id>/<field>`.
     * @throws NOT_ENOUGH
     */
    reserve(resource: string, amount: number, options?: ReserveOptions): Reservation;
    /** Gives a reserved amount back. @throws RESERVATION_ENDED */
    release(reservation: string | { id: string }): Reservation;
    /** Takes a reserved amount for good. @throws RESERVATION_ENDED */
    confirm(reservation: string | { id: string }): Reservation;
    /** Milliseconds since 1970. The clock stands still during a call. */
    now(): number;
    /** A new id that sorts by time. */
    uuid(): string;
    /** SHA-256 of a value's canonical JSON (RFC 8785), lower-case hexadecimal. */
    hash(value: unknown): string;
    /** SHA-256 of a text in UTF-8, lower-case hexadecimal. */
    sha256(text: string): string;
    /** The settings, frozen. */
    readonly config: Readonly<Config>;
    /** What the plugin's licence allows: the free plan until one is bound. */
    readonly license: License;
    /** This plugin. */
    readonly plugin: PluginFacts;
    /** Writes a line to the daemon's log. With one argument it is a message of level info. */
    readonly log: Log;
    /** Exact amounts in minor units. */
    readonly money: Money;
  }

  interface Capability {
    readonly name: string;
    /** The provider that was asked for, or null. */
    readonly provider: string | null;
    /**
     * Calls a method. It reads what this call would read, and what it throws is thrown here.
     * @throws CAPABILITY_MISSING, CAPABILITY_METHOD_UNKNOWN, CAPABILITY_CYCLE, PLUGIN_DEADLINE, PLUGIN_CRASHED
     */
    call(method: string, input?: unknown): any;
    /** Who provides it now, in the order in which they are chosen. */
    providers(): { plugin: string; version: string }[];
  }

  /** The second argument of a capability's method. */
  interface CapabilityCall {
    /** The plugin that calls. */
    caller: string;
    /** The id of the user who set it off. */
    actor: string;
    tenant: string;
    correlationId: string;
  }

  /** What `onAttach` and `onDetach` hear. */
  interface ProviderLink {
    capability: string;
    /** The provider's slug. */
    provider: string;
    /** The version of the capability. */
    version: string;
    /** Why it leaves; null where it comes. */
    reason: "removed" | "disabled" | "replaced" | null;
    tenant: string;
  }

  interface License {
    /** `free` until a licence is bound. */
    readonly plan: string;
    /** Billable seats that are paid for. */
    readonly seats: number;
    /**
     * How much of a thing is allowed; 0 of what the licence does not speak of.
     * @example $app.license.quota("bills.monthly")
     */
    quota(name: string): number;
    /**
     * Whether a feature is allowed.
     * @example $app.license.has("multi-entity")
     */
    has(feature: string): boolean;
  }

  interface PluginFacts {
    readonly slug: string;
    readonly version: string;
  }

  interface RouteOptions {
    /** JSON Schema of the body, or the path of a file with it. */
    request?: keyof SchemaFiles | (string & {}) | object;
    /** JSON Schema of the answer's data, or the path of a file with it. */
    response?: keyof SchemaFiles | (string & {}) | object;
    /** Roles of which the caller needs one. */
    roles?: readonly Role[];
    /** Grants of which the caller needs one. */
    grants?: readonly string[];
    /** One line for the API's page. */
    summary?: string;
    tags?: readonly string[];
    /** Whether an `Idempotency-Key` is required. */
    idempotent?: boolean;
    /** Deadline, such as `2s`. */
    timeout?: string;
    /** Whether it serves callers without a token. */
    public?: boolean;
    /** The handler only reads; it then runs without a commit. */
    readOnly?: boolean;
    /** JSON pointer into the body; calls with equal values run one after another. */
    key?: string;
    /**
     * Says which records the handler will read. Where several calls of one `key` wait, what all of them want is read
     * together before the first of them runs. Given the handler's own `e`; it may not use `$app.dao()`.
     */
    prefetch?: (e: any) => WantedIds;
    /** The handler is called for each line of the body and answers a line. */
    stream?: "ndjson";
    bodyBytesMax?: number;
  }

  interface SubscriptionOptions {
    /** The handler's identity; else the function's name, else the topic. */
    name?: string;
    /** Handlers of one group share the events among them. */
    group?: string;
    broadcast?: boolean;
    /** The identity that this handler had before. */
    formerly?: string;
    /** Wall time for one event, such as `2s`. */
    deadline?: string;
    /** Higher is served first. */
    priority?: number;
    /** Keys handled at the same time. */
    concurrency?: number;
    /** A filter over the payload, such as `source.plugin = 'ap'`; other events are passed over. */
    when?: string;
    /**
     * Says which records the handler will read. Where several events of one key wait, what all of them want is read
     * together before the first of them runs. Given the handler's own `e`; it may not use `$app.dao()`.
     */
    prefetch?: (e: any) => WantedIds;
  }

  /** Ids of records by collection. */
  type WantedIds = { readonly [C in keyof Collections]?: readonly string[] };

  interface Auth {
    readonly id: string;
    readonly email: string | null;
    readonly tenant: string;
    readonly roles: Role[];
  }

  /** `e` of a verb. Its values are copies. */
  interface VerbCall<Path extends string = string, Body = any> {
    auth: Auth;
    params: Params<Path>;
    /** A text; a list of texts where it was given several times; undefined where it was not. */
    query: { [name: string]: any };
    /** As `options.request` has let it pass; null where there is none. */
    body: Body;
    requestId: string;
    tenant: string;
    /** A header line of the request, or null. */
    header(name: string): string | null;
    /** Answers this value as it is, without the envelope. */
    json(status: number, value: unknown): void;
    text(status: number, text: string): void;
    /** The status of the plain return value. */
    setStatus(status: number): void;
    /** Answers with the outcome of a request, waiting for it at most `timeout`. */
    outcome(handle: Published, options?: OutcomeOptions): void;
  }

  interface OutcomeOptions {
    /** Status for an ok reply, 200 without it. */
    ok?: number;
    /** Status for an error reply, 422 without it. */
    error?: number;
    timeout?: Duration;
  }

  /** `e` of an event. Its values are copies. */
  interface Delivery<Topic extends string = string, Payload = any> {
    topic: Topic;
    payload: Payload;
    id: string;
    tenant: string;
    /** Which try this is, from 1. */
    attempt: number;
    correlationId: string;
    /** Whether it is delivered again on an operator's wish. */
    replay: boolean;
    /** `plugin:<slug>` or `rest:<user>`. */
    publisher: string;
    /** Roles of the client that published it over HTTP. */
    roles: string[];
    sequence: number;
    /** RFC 3339. */
    time: string;
    headers: { [name: string]: any };
  }

  /** `e` of a request, which is replied to or rejected once. */
  interface RequestDelivery<Topic extends string = string, Payload = any, Ok = any, Err = any> extends Delivery<Topic, Payload> {
    /** Publishes the ok reply. */
    reply(payload: Ok): Published;
    /** Publishes the error reply. */
    reject(payload: Err): Published;
  }

  /** What an `onOutcome` handler gets. */
  interface OutcomeRun {
    outcome: "ok" | "error" | "timeout" | "no_responder";
    /** The reply's payload. */
    payload: any;
    /** What the request was given as `context`. */
    context: any;
    /** Id of the request. */
    id: string;
    attempt: number;
    tenant: string;
    correlationId: string;
  }

  /** `e` of a hook before a change. */
  interface RecordChange<C extends keyof Collections = keyof Collections> {
    /** As it is to be stored; what the hook leaves here is stored. Of a deletion, the record that goes. */
    record: Stored<C>;
    /** For an update the record as it was, else null. */
    previous: Stored<C> | null;
    operation: Operation;
    collection: C;
    /** The id of the user who set it off. */
    actor: string;
    tenant: string;
    correlationId: string;
  }

  /** `e` of a hook after a change. */
  interface RecordChanged<C extends keyof Collections = keyof Collections> extends RecordChange<C> {
    /** Id of the change. */
    id: string;
    /** Which try this is, from 1. */
    attempt: number;
  }

  interface ReserveOptions {
    /** How long it is held. */
    ttl?: Duration;
    /** The same key gives the same reservation. */
    key?: string | number;
  }

  interface Reservation {
    id: string;
    /** `<collection>/<record id>/<field>`. */
    resource: string;
    amount: number;
    state: "held" | "confirmed" | "released" | "expired";
    /** RFC 3339. */
    expires: string;
    /** It was made before under its key. */
    duplicate: boolean;
  }

  interface Realtime {
    /**
     * Publishes at commit a topic that plugin.yaml lists under `publishes`.
     * @throws PAYLOAD_INVALID, TOPIC_UNDECLARED, IDEMPOTENCY_CONFLICT
     */
    publish<Topic extends keyof Publishes>(topic: Topic, payload: Publishes[Topic], options?: PublishOptions): Published;
  }

  interface PublishOptions {
    /** Order within this key, instead of the contract's. */
    key?: string | number;
    /** How long it waits before it is delivered. */
    delay?: Duration;
    idempotencyKey?: string | number;
    headers?: { [name: string]: unknown };
  }

  interface RequestOptions {
    timeout?: Duration;
    key?: string | number;
    idempotencyKey?: string | number;
    headers?: { [name: string]: unknown };
    /** The name given to `onOutcome`. */
    continue?: string;
    /** Comes back with the outcome. */
    context?: unknown;
  }

  interface Published {
    id: string;
    /** The same event was published before; nothing new will happen. */
    duplicate: boolean;
  }

  interface Handle extends Published {
    /** Milliseconds, where the request named a timeout. */
    timeout?: number;
  }

  // Records

  interface AutomaticFields {
    id: string;
    /** RFC 3339. */
    created: string;
    /** RFC 3339. */
    updated: string;
    revision: number;
  }

  /** A stored record of a collection. */
  type Stored<C> = C extends keyof Collections ? (Collections[C] extends { record: infer R } ? R : any) : never;
  type FieldsOf<C> = C extends keyof OwnCollections ? (OwnCollections[C] extends { fields: infer F } ? F : any) : never;
  /** A new record, or with an `id` the fields to change. */
  type Saved<C> = (FieldsOf<C> & Partial<AutomaticFields>) | (Partial<FieldsOf<C>> & Partial<AutomaticFields> & { id: string });

  interface Comparison<Value> {
    eq?: Value;
    ne?: Value;
    lt?: Value;
    le?: Value;
    lte?: Value;
    gt?: Value;
    ge?: Value;
    gte?: Value;
    in?: readonly Value[];
    contains?: Scalar;
    /** A text that holds every word of this one; answered from an index where `fullText` names the field. */
    matches?: string;
  }
  type Structured<R> = { [F in keyof R]?: R[F] | Comparison<R[F]> } & {
    and?: readonly Structured<R>[];
    or?: readonly Structured<R>[];
    not?: Structured<R>;
  };
  /** `{status: "open", total: {gt: 100}}`, or an expression such as `status = 'open' && total > {:min}`. */
  type Filter<C> = Structured<Stored<C>> | string | null;
  type Bindings = { [name: string]: unknown };

  interface FindOptions {
    /** `"-date,no"` or `["-date", "no"]`; a minus is descending. */
    sort?: string | readonly string[];
    limit?: number;
    /** The property `cursor` of the page before. */
    cursor?: string;
    /** Values of `{:name}` in an expression. */
    bindings?: Bindings;
  }

  interface Page<R> extends Array<R> {
    /** Names the next page, if there is one. */
    cursor?: string;
  }

  type Wanted = { [C in keyof Collections]?: readonly string[] | { ids: readonly string[]; fields?: readonly string[] } };

  interface Dao {
    /** @throws RECORD_NOT_FOUND */
    findRecordById<C extends keyof Collections>(collection: C, id: string): Stored<C>;
    /** The records in the order of the ids, null where there is none. */
    findRecordsByIds<C extends keyof Collections>(collection: C, ids: readonly string[], options?: { fields?: readonly string[] }): (Stored<C> | null)[];
    /** Records of several collections with one question. */
    findAcross<const W extends Wanted>(wanted: W): { -readonly [C in keyof W]: (Stored<C> | null)[] };
    /** Reads records that the finds by id which follow then ask no question for. */
    prefetch(wanted: WantedIds): void;
    findFirstRecordByFilter<C extends keyof Collections>(collection: C, filter: Filter<C>, bindings?: Bindings): Stored<C> | null;
    findRecordsByFilter<C extends keyof Collections>(collection: C, filter?: Filter<C>, options?: FindOptions | Bindings, bindings?: Bindings): Page<Stored<C>>;
    countRecords<C extends keyof Collections>(collection: C, filter?: Filter<C>, bindings?: Bindings): number;
    /** Gives the record as it will be stored. @throws RECORD_INVALID, RECORD_APPEND_ONLY */
    saveRecord<C extends keyof OwnCollections>(collection: C, record: Saved<C>): Stored<C>;
    /** The same for each, and gives their ids. */
    saveRecords<C extends keyof OwnCollections>(collection: C, records: readonly Saved<C>[]): string[];
    /** Adds amounts to records without reading them; one that is not there is stored as given. */
    addToRecords<C extends keyof OwnCollections>(collection: C, records: readonly (FieldsOf<C> & { id: string })[], fields: readonly (keyof FieldsOf<C> & string)[]): void;
    /** @throws RECORD_NOT_FOUND, RECORD_APPEND_ONLY */
    deleteRecord<C extends keyof OwnCollections>(collection: C, id: string): void;
  }

  // Small things

  interface Log {
    (level: Level, message: unknown, fields?: unknown): void;
    (message: unknown): void;
    debug(message: unknown, fields?: unknown): void;
    info(message: unknown, fields?: unknown): void;
    warn(message: unknown, fields?: unknown): void;
    error(message: unknown, fields?: unknown): void;
  }

  interface Money {
    /** `parse("12.34", 2)` is 1234. */
    parse(text: string, scale: number): Amount;
    /** `format(1234, 2)` is `"12.34"`. */
    format(amount: Amount, scale: number): string;
    add(first: Amount, ...more: Amount[]): Amount;
    sub(first: Amount, ...more: Amount[]): Amount;
    /** `mul(1000, "0.19")` is 190; the factor is a decimal text. */
    mul(amount: Amount, factor: string, rounding?: Rounding): Amount;
    /** `allocate(100, [1, 1, 1])` is `[34, 33, 33]`. */
    allocate(total: Amount, weights: readonly Amount[]): Amount[];
  }

  // `$jobs`

  interface Jobs {
    /** Registers a kind of job. */
    register(kind: string, handler: (job: JobRun) => unknown): void;
    register(kind: string, options: JobOptions, handler: (job: JobRun) => unknown): void;
    /** Runs a handler on a schedule, such as `0 6 * * 1-5`. */
    cron(name: string, schedule: string, handler: (job: JobRun) => unknown): void;
    cron(name: string, schedule: string, options: CronOptions, handler: (job: JobRun) => unknown): void;
    /** Enqueues a job with the unit of work of the call. @throws JOB_UNKNOWN */
    enqueue(kind: string, args?: unknown, options?: EnqueueOptions): Published;
  }

  interface JobOptions {
    /** All tries together. */
    attempts?: number;
    /** Wait before the second try; doubles each time. */
    backoff?: string;
    /** The longest wait between two tries. */
    cap?: string;
    /** Wall time of one try. */
    deadline?: string;
    /** How many run at the same time. */
    concurrency?: number;
    /** The kind that it was before. */
    formerly?: string;
  }

  interface CronOptions extends JobOptions {
    /** `UTC` without it. */
    timezone?: string;
    /** What becomes of runs that were missed; `one` without it. */
    catchUp?: boolean | "none" | "one" | "all";
  }

  interface EnqueueOptions {
    /** Not before. */
    runAt?: Date | string | number;
    delay?: Duration;
    attempts?: number;
    /** Taken until the job is done; a second one under it is a duplicate. */
    uniqueKey?: string | number;
    /** Higher is served first. */
    priority?: number;
  }

  /** What a job's handler gets. */
  interface JobRun {
    args: any;
    /** Which try this is, from 1. */
    attempt: number;
    id: string;
    kind: string;
    /** RFC 3339. */
    scheduledAt: string;
    tenant: string;
    correlationId: string;
  }

  // `$http`

  interface Http {
    /**
     * Asks a host that plugin.yaml lists as `net:host`, before the call has changed anything. A call that runs again is
     * given the same answer again.
     * @example const rates = (await $http.fetch("https://api.example.test/rates")).json()
     * @throws PERMISSION_DENIED, FETCH_ADDRESS_REFUSED, FETCH_FAILED, FETCH_TIMEOUT, FETCH_TOO_LARGE, FETCH_TOO_LATE
     */
    fetch(url: string, options?: FetchOptions): Promise<HttpAnswer>;
  }

  interface FetchOptions {
    method?: Method | Lowercase<Method>;
    headers?: { [name: string]: string };
    /** A text, or a value that is sent as JSON. */
    body?: unknown;
    /** At most so long, all attempts together; else most of what is left of the call's deadline. */
    timeout?: Duration;
    /** How often it is tried, 3 without it. */
    attempts?: number;
    /** Header `Idempotency-Key`; else one that stays the same however often the call is run. */
    idempotencyKey?: string | number;
  }

  interface HttpAnswer {
    readonly status: number;
    /** Whether the status is 200 to 299. */
    readonly ok: boolean;
    /** Names in lower case. */
    readonly headers: { readonly [name: string]: string };
    /** Null where it is no text in UTF-8. */
    readonly body: string | null;
    text(): string;
    json(): any;
  }

  interface Console {
    log(...words: unknown[]): void;
    info(...words: unknown[]): void;
    debug(...words: unknown[]): void;
    warn(...words: unknown[]): void;
    error(...words: unknown[]): void;
  }
}

declare const $app: Trunkline.App;
declare const $jobs: Trunkline.Jobs;
declare const $http: Trunkline.Http;
/** Writes to the daemon's log, as `$app.log` does. */
declare const console: Trunkline.Console;

/** Answers with the plugin's own error and undoes everything that the call did. */
declare class AppError extends Error {
  constructor(code: string, message?: string, options?: { status?: number; details?: unknown });
  code: string;
  /** HTTP status, 400 to 599; 500 without it. */
  status: number;
  details: any;
}
