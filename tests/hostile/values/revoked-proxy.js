// A proxy that has been revoked.
// expect: 500 PLUGIN_ERROR or 500 VALUE_UNSUPPORTED
export default () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; };
