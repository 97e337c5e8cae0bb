// Code in an address.
// expect: 500 PLUGIN_ERROR
export default async () => { const name = "data:text/javascript,export default 1"; return (await import(name)).default; };
