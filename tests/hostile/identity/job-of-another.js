// A job of another plugin.
// expect: 500 JOB_UNKNOWN or 500 PLUGIN_ERROR or 404 JOB_UNKNOWN
export default () => $jobs.enqueue("calm.run", {});
