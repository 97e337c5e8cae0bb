// Verbs: their options, and what their handlers get.

declare namespace Trunkline {
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
}
