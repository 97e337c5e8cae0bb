// Hosts that the manifest does not name, all at once.
// expect: 500 PERMISSION_DENIED
export default () => Promise.all(Array.from({ length: 1000 }, (_, n) => $http.fetch(`http://127.0.0.1:${n + 1}/`)));
