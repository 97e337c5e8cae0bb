// A reservation of what belongs to another plugin.
// expect: 500 PERMISSION_DENIED
export default () => $app.reserve(["calm_secrets", "a", "n"].join("/"), 1);
