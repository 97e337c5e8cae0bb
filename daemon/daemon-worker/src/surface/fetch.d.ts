// `$http`.

declare namespace Trunkline {
  interface Http {
    /**
     * Asks a host that plugin.yaml lists as `net:host`, before the call has changed anything. A call that runs again is
     * given the same answer again.
     * @example const rates = (await $http.fetch("https://api.example.test/rates")).json()
     * Rejected with PERMISSION_DENIED, FETCH_ADDRESS_REFUSED, FETCH_FAILED, FETCH_TIMEOUT, FETCH_TOO_LARGE, FETCH_TOO_LATE,
     * CAPABILITY_READ_ONLY in a method of a capability, and OVERLOADED after FETCHES_PER_CALL_MAX.
     */
    fetch(url: string, options?: FetchOptions): Promise<HttpAnswer>;
  }

  interface FetchOptions {
    method?: Method | Lowercase<Method>;
    /** Not those of the connection, such as `Host`, nor `Idempotency-Key`. */
    headers?: { [name: string]: string };
    /** A text, or a value that is sent as JSON. */
    body?: unknown;
    /** At most so long, all attempts together; else most of what is left of the call's deadline. */
    timeout?: Duration;
    /** How often it is tried, from 1 to 5; 3 without it. */
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
    /** @throws VALUE_UNSUPPORTED */
    text(): string;
    /** @throws VALUE_UNSUPPORTED, and a TypeError where it is no JSON. */
    json(): any;
  }
}
