// What stands in every module.

declare namespace Trunkline {
  interface Console {
    log(...words: unknown[]): void;
    info(...words: unknown[]): void;
    debug(...words: unknown[]): void;
    warn(...words: unknown[]): void;
    error(...words: unknown[]): void;
  }

  /** A type, with `?` where it may be missing, an object of fields, or a list of the shape of its items. */
  type Shape = ShapeName | `${ShapeName}?` | readonly [Shape] | { readonly [field: string]: Shape };
  type ShapeName = "string" | "integer" | "number" | "boolean" | "object" | "array" | "any";

  /** What has a shape; what did not fit is missing. */
  type Fitting<S> =
    S extends "string" | "string?" ? string
    : S extends "integer" | "integer?" | "number" | "number?" ? number
    : S extends "boolean" | "boolean?" ? boolean
    : S extends string ? any
    : S extends readonly [infer Item] ? Fitting<Item>[]
    : { [Name in keyof S]?: Fitting<S[Name]> };

  interface Coerced<S> {
    /** What fits; null where the payload is altogether something else. */
    value: Fitting<S> | null;
    /** What does not. */
    misfits: Misfit[];
  }

  interface Misfit {
    /** JSON pointer (RFC 6901) into the payload; empty for the whole. */
    path: string;
    /** A type of shapes. */
    want: string;
    /** A type, `null` or `nothing`. */
    got: string;
  }
}

declare const $app: Trunkline.App;
declare const $jobs: Trunkline.Jobs;
declare const $http: Trunkline.Http;
/** Writes to the daemon's log, as `$app.log` does. */
declare const console: Trunkline.Console;

/**
 * What of a payload has a shape, and a list of what has not: for senders that keep no contract. Nothing is converted,
 * fields that the shape does not name are passed over, and only what is missing or of another type is a misfit.
 * @example const { value, misfits } = coerce(e.payload, { no: "string", lines: [{ amount: "integer" }] })
 */
declare function coerce<const S extends Trunkline.Shape>(payload: unknown, shape: S): Trunkline.Coerced<S>;

/** Answers with the plugin's own error and undoes everything that the call did. */
declare class AppError extends Error {
  constructor(code: string, message?: string, options?: { status?: number; details?: unknown });
  code: string;
  /** HTTP status, 400 to 599; 500 without it. */
  status: number;
  details: any;
  /** The function of the API that refused, such as `$app.dao().saveRecord`; not there where a plugin threw it. */
  readonly function?: string;
}
