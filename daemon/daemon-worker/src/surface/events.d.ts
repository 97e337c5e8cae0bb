// Events, requests and their outcomes.

declare namespace Trunkline {
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

  interface Realtime {
    /**
     * Publishes at commit a topic that plugin.yaml lists under `publishes`.
     * @throws PAYLOAD_INVALID, TOPIC_UNDECLARED, idempotency_conflict
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
}
