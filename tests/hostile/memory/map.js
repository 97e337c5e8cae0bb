// A map that grows.
// expect: 503 PLUGIN_MEMORY
export default () => { const map = new Map(); for (let n = 0; ; n++) map.set(n, `value ${n}`); };
