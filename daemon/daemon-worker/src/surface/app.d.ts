// `$app`, and the small things that it holds.

declare namespace Trunkline {
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
    /** A new UUID of version 7, which sorts by time. */
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
}
