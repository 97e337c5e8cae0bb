// The clock of a call stands still, so who waits for it waits until the deadline.
// expect: 504 PLUGIN_DEADLINE
export default () => { const begun = Date.now(); while (Date.now() < begun + 10); return "it moved"; };
