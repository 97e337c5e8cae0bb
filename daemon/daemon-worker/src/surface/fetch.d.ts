// `$http`.

declare namespace Trunkline {
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
}
