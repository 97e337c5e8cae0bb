//! Every limit that a user can meet: its name, value, unit and the code it answers with.

use crate::code::ErrorCode;

/// One named limit.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Stable name, as in metrics and docs.
    pub name: &'static str,
    /// The value in force unless configured otherwise.
    pub value: u64,
    /// Its unit.
    pub unit: &'static str,
    /// What a caller is told who meets it.
    pub code: ErrorCode,
    /// What it bounds.
    pub what: &'static str,
    /// The family of `/metrics` that tells of who meets it; empty where nobody is refused for it, or nothing counts it.
    pub metric: &'static str,
}

/// Counts answers by code, and by the limit that their message names.
pub const REFUSED: &str = "trunkline_refused_total";

macro_rules! limits {
    (@metric) => { REFUSED };
    (@metric $metric:literal) => { $metric };
    ($($name:ident = $value:expr, $unit:literal, $code:ident, $what:literal $(, $metric:literal)?;)*) => {
        $(#[doc = $what] pub const $name: u64 = $value;)*
        /// The table of all limits.
        pub const ALL: &[Limit] = &[$(Limit { name: stringify!($name), value: $name, unit: $unit, code: ErrorCode::$code, what: $what, metric: limits!(@metric $($metric)?) },)*];
    };
}

limits! {
    HTTP_HEADER_BYTES_MAX = 32 * 1024, "bytes", BodyTooLarge, "All header lines of a request together.";
    HTTP_HEADER_LINES_MAX = 100, "lines", BodyTooLarge, "Header lines of a request. More are answered 431 without a body, and the connection is closed.", "";
    HTTP_URI_BYTES_MAX = 8 * 1024, "bytes", BodyTooLarge, "The request target.";
    HTTP_BODY_BYTES_MAX = 2 * 1024 * 1024, "bytes", BodyTooLarge, "The body of a request, unless its route raises it.";
    ROUTE_BODY_BYTES_MAX = 12 * 1024 * 1024, "bytes", BodyTooLarge, "How far a route may raise it with `bodyBytesMax`: what a body of that length holds fits into a frame for a worker.";
    HTTP_CONNECTIONS_MAX = 4_096, "connections", Overloaded, "Open client connections.";
    HTTP_READ_MS_MAX = 10_000, "ms", Timeout, "Reading a request's header, or waiting for the next part of its body.";
    HTTP_WRITE_MS_MAX = 30_000, "ms", Timeout, "Waiting for a client to take the next part of its answer.", "";
    NDJSON_LINE_BYTES_MAX = 1024 * 1024, "bytes", BodyTooLarge, "One line of a body that streams newline-delimited JSON.";
    NDJSON_WINDOW_MAX = 128, "lines", Overloaded, "Lines of such a body submitted and not yet answered; the rest waits with the client.", "";
    EVENT_LINES_WINDOW_MAX = 1_024, "lines", Overloaded, "Events of one body of lines that are published and not yet answered; the rest waits with the client.", "";
    NDJSON_ANSWERS_MAX = 4_096, "lines", Overloaded, "Answers to such lines held for a client that does not read them; then its lines wait.", "";
    NDJSON_ANSWERS_BYTES_MAX = 4 * 1024 * 1024, "bytes", Overloaded, "Answers to the lines of one body that are not sent yet, those under way taken for as long as the last ones were; then its lines wait.", "";
    JSON_DEPTH_MAX = 64, "levels", BodyNotJson, "Nesting of arrays and objects in a JSON body.";
    JSON_MEMORY_BYTES_MAX = 40 * 1024 * 1024, "bytes", BodyTooLarge, "What the values of a JSON body are reckoned to take in memory: 32 bytes each, 640 more for an object and for each further eleven of its fields, and its texts. A worker has room for as much.";
    BODIES_MEMORY_BYTES_MAX = 512 * 1024 * 1024, "bytes", Overloaded, "What all bodies together that are being read and answered take in memory, their bytes and then their values. An eighth of it is left to bodies that take at most 64 KiB.";
    ANSWERS_MEMORY_BYTES_MAX = 512 * 1024 * 1024, "bytes", Overloaded, "What all answers together that clients have not taken yet take in memory: those of more than 64 KiB, pages of records from their first record on, streams of events, and answers to lines. Verbs and lines are taken until it is full; an eighth of it is left to them.";
    EVENT_PAYLOAD_BYTES_MAX = 1024 * 1024, "bytes", PayloadTooLarge, "An event's payload as JSON.";
    EVENT_HEADERS_BYTES_MAX = 256 * 1024, "bytes", PayloadTooLarge, "An event's headers, with its key and its idempotency key.";
    EVENT_DELAY_MS_MAX = 10_000 * 366 * 24 * 60 * 60 * 1000, "ms", PayloadInvalid, "How far ahead an event or a job may be due.";
    EVENTS_PER_UNIT_MAX = 1_000, "events", Overloaded, "Events that one unit of work may publish.", "trunkline_plugin_limits_met_total";
    RECORDS_PER_UNIT_MAX = 20_000, "records", Overloaded, "Records that one unit of work may change.", "trunkline_plugin_limits_met_total";
    RECORD_HOOK_DEPTH_MAX = 8, "changes", HookDepth, "Changes of records within one another: a hook that runs before a change makes the next, and so on.";
    CAPABILITY_DEPTH_MAX = 4, "calls", CapabilityCycle, "Calls of capabilities within one another.";
    CAPABILITY_CALLS_MAX = 2, "calls", Overloaded, "Calls of one plugin's capabilities that run at the same time at one depth; more wait as long as their callers may.";
    CAPABILITY_BYTES_MAX = 1024 * 1024, "bytes", PayloadTooLarge, "What a capability is called with, and what it answers, as JSON.";
    FETCH_BYTES_MAX = 2 * 1024 * 1024, "bytes", FetchTooLarge, "The body of a fetch, and that of its answer.";
    FETCHES_PER_CALL_MAX = 32, "fetches", Overloaded, "Hosts outside that one call may ask, one after another.";
    FETCH_ATTEMPTS_MAX = 5, "attempts", FetchFailed, "How often one fetch is tried.", "trunkline_fetches_total";
    FETCH_REDIRECTS_MAX = 5, "redirects", FetchFailed, "Redirects that one attempt follows.";
    CASCADE_RECORDS_MAX = 10_000, "records", RecordReferenced, "Records that deletions of one unit of work may delete or change in turn.";
    RECORD_BYTES_MAX = 1024 * 1024, "bytes", RecordInvalid, "A record as CBOR.";
    FULL_TEXT_WORDS_MAX = 5_000, "words", RecordInvalid, "Different words of one field of a record that `fullText` names.";
    RESERVATION_MS = 15 * 60 * 1000, "ms", ReservationEnded, "How long a reservation is held that names no `ttl`.", "";
    RESERVATION_MS_MAX = 30 * 24 * 60 * 60 * 1000, "ms", BodyInvalid, "The longest `ttl` of a reservation.";
    RESERVATION_KEPT_MS = 24 * 60 * 60 * 1000, "ms", NotFound, "How long a reservation is known after its time, so that its key and its end are answered the same.", "";
    QUERY_ROWS_MAX = 100_000, "records", FilterInvalid, "Records that one query may give.", "trunkline_store_queries_given_up_total";
    QUERY_SCANNED_MAX = 200_000, "records", QueryUnindexed, "Records that one query may look at in vain: those that its index, if it has one, gives and its filter does not want.", "trunkline_store_queries_given_up_total";
    QUERY_READ_BYTES_MAX = 256 * 1024 * 1024, "bytes", QueryTooLarge, "What one question of a plugin, or one request over REST, may read of records and their index entries, whether it wants them or not.", "trunkline_store_queries_given_up_total";
    QUERY_MEMORY_BYTES_MAX = 256 * 1024 * 1024, "bytes", QueryTooLarge, "What the records that one question of a plugin finds, or one request over REST with what it expands and the text of its answer, are reckoned to take in memory, as for `JSON_MEMORY_BYTES_MAX`.", "trunkline_store_queries_given_up_total";
    RECORDS_PAGE_MAX = 1_000, "records", QueryInvalid, "Records of one page over REST.";
    RECORDS_BATCH_MAX = 1_000, "operations", BodyInvalid, "Operations of one batch over REST.";
    EXPAND_PATHS_MAX = 16, "paths", QueryInvalid, "References that one request over REST may expand.";
    EXPAND_DEPTH_MAX = 4, "references", QueryInvalid, "References that one expanded path may follow.";
    CALL_DEADLINE_MS = 5_000, "ms", PluginDeadline, "One verb call or one event, in a worker.", "trunkline_plugin_limits_met_total";
    LOAD_CPU_MS = 3_000, "ms", PluginDeadline, "Processor time for loading a plugin's modules in a fresh worker.", "";
    LOAD_DEADLINE_MS = 30_000, "ms", PluginDeadline, "Loading a plugin's modules in a fresh worker, on a machine however busy.", "";
    WORKER_MEMORY_BYTES_MAX = 128 * 1024 * 1024, "bytes", PluginMemory, "The heap of one worker process.", "trunkline_plugin_limits_met_total";
    WORKER_STACK_BYTES = 16 * 1024 * 1024, "bytes", PluginCrashed, "The native stack of a worker's JavaScript thread.", "trunkline_worker_faults_total";
    WORKER_RECURSION_MAX = 400, "calls", PluginError, "Nested JavaScript calls.", "";
    WORKERS_PER_PLUGIN_MAX = 2, "processes", Overloaded, "Worker processes of one plugin.", "trunkline_plugin_queue";
    LANE_BATCH_MAX = 32, "tasks", Overloaded, "Tasks of one key that travel to a worker together.", "";
    LANE_BATCH_BYTES_MAX = 4 * 1024 * 1024, "bytes", Overloaded, "What the bodies and payloads take that travel to a worker together, as they are held in memory. A larger one travels alone.", "";
    RECENT_EVENTS_MAX = 4_096, "events", Overloaded, "Events that stay in memory once they are published, so that delivering them reads nothing; older ones are read from the log.", "";
    RECENT_EVENTS_BYTES_MAX = 64 * 1024 * 1024, "bytes", Overloaded, "What their payloads take, as they are held in memory.", "";
    PLUGIN_QUEUE_MAX = 4_096, "tasks", Overloaded, "Verb calls waiting for a worker of one plugin.";
    TENANT_CALLS_WAITING_MAX = 2_048, "tasks", QuotaExceeded, "Verb calls of one tenant waiting for a worker of one plugin. A quota: an operator may set another.", "trunkline_quota_refusals_total";
    TENANT_EVENTS_PER_SECOND_MAX = 100_000, "events", QuotaExceeded, "Events that are published in a second within one tenant. A quota: an operator may set another.", "trunkline_quota_refusals_total";
    PLUGIN_EVENTS_PER_SECOND_MAX = 100_000, "events", QuotaExceeded, "Events that one plugin publishes in a second, over all tenants. A quota: an operator may set another.", "trunkline_quota_refusals_total";
    UNIT_RERUNS_MAX = 200, "runs", Conflict, "Automatic re-runs of one unit of work that met others.", "trunkline_unit_reruns_total";
    FRAME_BYTES_MAX = 32 * 1024 * 1024, "bytes", PluginCrashed, "One frame between daemon and worker.", "trunkline_worker_faults_total";
    LOG_LINES_PER_CALL_MAX = 100, "lines", PluginError, "Log lines of one call that are kept; the rest is counted.", "trunkline_plugin_limits_met_total";
    BREAKER_FAULTS = 5, "faults", PluginUnavailable, "Worker faults of a plugin within a minute after which it is paused.", "trunkline_plugin_paused";
    BREAKER_PAUSE_MS = 2_000, "ms", PluginUnavailable, "How long a paused plugin waits for its next probe.", "trunkline_plugin_paused";
    JOB_CONCURRENCY = 4, "jobs", Overloaded, "Jobs of one kind that run at the same time, unless its options say otherwise.", "trunkline_subscription";
    JOB_ENDS_MAX = 1_000, "jobs", NotFound, "Jobs of one kind of which it is known when they ended, the last.", "";
    SUBSCRIPTION_WINDOW_MAX = 1_024, "events", Overloaded, "Pending events of one subscription held in memory; the rest waits in the log.", "trunkline_subscription_behind";
    SUBSCRIPTION_PARKED_KEYS_MAX = 1_024, "keys", Overloaded, "Keys of one subscription that wait for an operator. An event that would park one more is tried on instead.", "trunkline_subscription_limits_met_total";
    SUBSCRIPTION_TENANTS_BEHIND_MAX = 1_024, "tenants", Overloaded, "Tenants that have left events of one subscription in the log for want of room. The log is read no further until one of them has been read on.", "trunkline_subscription_limits_met_total";
    REPLAYS_MAX = 16, "replays", Overloaded, "Replays that run at the same time.";
    REPLAY_EVENTS_PER_SECOND = 200, "events", Overloaded, "Events that a replay delivers in a second, unless it says otherwise.", "";
    OUTCOME_MS = 24 * 60 * 60 * 1000, "ms", Timeout, "How long a plugin that continues with an outcome waits for it, where neither the request nor its contract says.", "";
    OUTCOME_WAIT_MS_MAX = 60_000, "ms", Timeout, "The longest wait for an outcome.", "";
    IDEMPOTENCY_KEY_BYTES_MAX = 255, "bytes", QueryInvalid, "The header `Idempotency-Key`.";
    IDEMPOTENCY_KEPT_MS = 24 * 60 * 60 * 1000, "ms", IdempotencyConflict, "How long the first answer under an `Idempotency-Key` is given again, at least.", "";
    TENANTS_MAX = 10_000, "tenants", TenantsFull, "Tenants of one daemon, without those that were erased. What is kept in memory of each tenant, such as its quotas and what it used, is bounded by it.";
    STORE_QUEUE_UNITS_MAX = 16_384, "units", Overloaded, "Units of work decided but not yet synced.";
    STORE_QUEUE_BYTES_MAX = 256 * 1024 * 1024, "bytes", Overloaded, "What such units write.";
    STORE_LOG_BYTES_MAX = 64 * 1024 * 1024, "bytes", Overloaded, "Each of the two files of the store's write-ahead log, but for one batch; more waits until the other one is in the map.", "trunkline_store_log_bytes";
    STORE_BYTES_MAX = 64 * 1024 * 1024 * 1024, "bytes", StoreFull, "What the pages in use of the store's file may come to. `dev --store-max` sets another, from 64 MiB to 16 TiB.", "trunkline_store_map_bytes";
    STORE_HIGH_WATER_PERCENT = 80, "percent", StoreFull, "How much of `STORE_BYTES_MAX` may be in use before what makes the store grow is refused.";
    STORE_READ_MS = 60 * 60 * 1000, "ms", StoreReadTooLong, "How long a backup or an export reads a store, unless it is told another time: as long as it reads, the pages that it reads are not used again.", "trunkline_store_read_too_long_total";
    STORE_READ_MS_MAX = 24 * 60 * 60 * 1000, "ms", StoreReadTooLong, "The longest time that a backup or an export may be told.", "";
    FILTER_DEPTH_MAX = 32, "levels", FilterInvalid, "Nesting of conditions, and of lists, in a filter or rule.";
    INDEX_FIELDS_MAX = 6, "fields", PluginInvalid, "Fields of one index or unique set.", "";
    EVENTS_PAGE_MAX = 1_000, "events", QueryInvalid, "Events of one page of the log.";
    EVENTS_SCANNED_MAX = 20_000, "entries", QueryInvalid, "Events, dead letters or jobs that one page of them looks at, whether its filter lets them through or not; then the page ends and says where the next one begins.", "trunkline_store_pages_cut_short_total";
    EVENTS_READ_BYTES_MAX = 32 * 1024 * 1024, "bytes", QueryInvalid, "What one page of the log, of a story, of dead letters or of jobs reads, or its events take in memory where that is more; then it ends and says where the next one begins.", "trunkline_store_pages_cut_short_total";
    STORY_PAGE_MAX = 1_000, "events", QueryInvalid, "Events of one page of a story.";
    DEAD_LETTERS_PAGE_MAX = 1_000, "letters", QueryInvalid, "Dead letters of one page.";
    DEAD_LETTERS_ROOM_MS_MAX = 60_000, "ms", Overloaded, "How long a retry of many dead letters waits for its subscriptions to have room; those that found none by then stay, and the answer says how many.", "";
    DEAD_LETTERS_TAKEN_MAX = 10_000, "letters", QueryInvalid, "Dead letters that one request retries or drops; it says after which one the next request goes on.", "";
    JOBS_PAGE_MAX = 1_000, "jobs", QueryInvalid, "Jobs of one kind on one page.";
    REALTIME_CLIENT_QUEUE_MAX = 1_024, "events", Overloaded, "Events waiting for one slow reader before it is cut off.", "";
    DRAIN_MS_MAX = 10_000, "ms", ShuttingDown, "How long open requests, and after them running handlers, may take to end when the daemon stops, and what a plugin has in hand when another version takes its place. Then connections are cut and workers ended; events that they had come again.", "";
    TRACE_DRAIN_MS_MAX = 2_000, "ms", ShuttingDown, "How long the last spans of traces may take to their collector when the daemon stops.", "";
    TRACE_SPANS_WAITING_MAX = 8_192, "spans", Overloaded, "Ended spans of traces that wait for their export; more are dropped and counted.", "trunkline_trace_spans_dropped_total";
}
