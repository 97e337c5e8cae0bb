// Small buffers, many of them.
// expect: 503 PLUGIN_MEMORY
export default () => { const all = []; for (;;) all.push(new Uint8Array(1000000)); };
