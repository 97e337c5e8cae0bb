// Records: reading, writing, hooks and reservations.

declare namespace Trunkline {
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
    /** A whole number; up to QUERY_ROWS_MAX records without it. */
    limit?: number;
    /** The property `cursor` of the page before, under the same filter and `sort`. */
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
    /** The first by id, or null. @throws FILTER_INVALID, VALUE_UNSUPPORTED where a condition is undefined */
    findFirstRecordByFilter<C extends keyof Collections>(collection: C, filter: Filter<C>, bindings?: Bindings): Stored<C> | null;
    /** @throws FILTER_INVALID, QUERY_UNINDEXED, QUERY_TOO_LARGE, VALUE_UNSUPPORTED where a condition is undefined */
    findRecordsByFilter<C extends keyof Collections>(collection: C, filter?: Filter<C>, options?: FindOptions | Bindings, bindings?: Bindings): Page<Stored<C>>;
    /** @throws as findRecordsByFilter */
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
}
