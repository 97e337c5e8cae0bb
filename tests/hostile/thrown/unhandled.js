// A promise that is rejected while nobody looks.
// expect: 500 PLUGIN_ERROR
// says: unseen
export default () => { Promise.reject(new Error("unseen")); return "fine"; };
