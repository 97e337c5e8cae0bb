//! Globals of browsers and of Node.js that plugin code does not have, and what there is instead.

/// What is written instead of a global that is not there, as a sentence without a full stop; none for any other name.
pub fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "setTimeout" | "setImmediate" | "clearTimeout" | "clearImmediate" => {
            "there are no timers: `$jobs.enqueue(kind, args, {delay: \"5s\"})` runs a job later, `publish` takes `{delay}` too"
        }
        "setInterval" | "clearInterval" => {
            "there are no timers: `$jobs.cron(name, \"*/5 * * * *\", fn)` runs again and again"
        }
        "queueMicrotask" => "write an async function, or `Promise.resolve().then(fn)`",
        "fetch" | "XMLHttpRequest" | "WebSocket" | "EventSource" => {
            "`$http.fetch(url, options)` asks the hosts that `permissions` grant with `net:<host>`"
        }
        "require" => "CommonJS is not supported: write `import … from \"./file.js\"`",
        "module" | "exports" => "CommonJS is not supported: write `export`",
        "__dirname" | "__filename" => "a plugin sees no files: import what it needs, JSON `with {type: \"json\"}`",
        "process" | "Deno" | "Bun" => "there is no environment: settings of the plugin are in `$app.config`",
        "Buffer" => "there are no bytes: `$app.sha256(text)` and `$app.hash(value)` make digests",
        "crypto" => "`$app.uuid()` makes ids, `$app.sha256(text)` and `$app.hash(value)` digests",
        "performance" => "the time of the call is `$app.now()`",
        "localStorage" | "sessionStorage" | "indexedDB" => "what lasts is kept in records: `$app.dao()`",
        "window" | "document" | "self" | "global" => "there is no page: the global object is `globalThis`",
        "alert" => "write to the log with `$app.log(level, message, fields)`",
        "structuredClone" => "copy data with `JSON.parse(JSON.stringify(value))`",
        _ => return None,
    })
}

/// Every name that [`instead`] knows.
pub const ABSENT: [&str; 31] = [
    "Buffer",
    "Bun",
    "Deno",
    "EventSource",
    "WebSocket",
    "XMLHttpRequest",
    "__dirname",
    "__filename",
    "alert",
    "clearImmediate",
    "clearInterval",
    "clearTimeout",
    "crypto",
    "document",
    "exports",
    "fetch",
    "global",
    "indexedDB",
    "localStorage",
    "module",
    "performance",
    "process",
    "queueMicrotask",
    "require",
    "self",
    "sessionStorage",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "structuredClone",
    "window",
];
