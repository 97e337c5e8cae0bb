// A million callbacks for when memory is given back: none of them runs within a call.
// expect: 200 0 or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE or 500 PLUGIN_ERROR
let ran = 0;
export default async () => {
  const registry = new FinalizationRegistry(() => { ran += 1; for (;;); });
  for (let n = 0; n < 1e5; n++) registry.register({}, n);
  for (let n = 0; n < 100; n++) await null;
  return ran;
};
