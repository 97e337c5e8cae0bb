// A handler that goes on by a job, so that the chain of events would look short.
// expect: dead HOP_LIMIT
// alone: true
$jobs.register("again", (job) => { $app.realtime().publish("SLUG.NAME.made", { n: job.args.n }); });
export default () => { $app.realtime().publish("SLUG.NAME.made", { n: 0 }); };
export function heard(e) { $jobs.enqueue("again", { n: e.payload.n + 1 }); }
