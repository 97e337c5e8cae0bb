// Names that other engines have.
// expect: 200 []
export default () => ["require", "process", "fetch", "Deno", "Bun", "setTimeout", "setInterval", "XMLHttpRequest", "WebSocket", "WebAssembly",
  "Worker", "postMessage", "importScripts", "queueMicrotask", "structuredClone", "performance", "navigator", "crypto", "ShadowRealm"]
  .filter((name) => typeof globalThis[name] !== "undefined");
