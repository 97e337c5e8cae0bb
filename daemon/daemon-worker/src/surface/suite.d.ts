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
}
