// A hundred thousand jobs.
// expect: 503 OVERLOADED or 500 OVERLOADED or 429 OVERLOADED
$jobs.register("idle", () => {});
export default () => { for (let n = 0; n < 100000; n++) $jobs.enqueue("idle", { n }); };
