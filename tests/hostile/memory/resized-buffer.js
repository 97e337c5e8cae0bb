// Buffers that are small, and grow.
// expect: 503 PLUGIN_MEMORY
export default () => { const all = []; for (;;) { const b = new ArrayBuffer(1, { maxByteLength: 1 << 20 }); b.resize(1 << 20); all.push(b); } };
