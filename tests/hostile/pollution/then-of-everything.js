// Every object would settle itself: what the plugin answers is its own matter, what the host gives is not.
// expect: 200 "owned"
Object.prototype.then = function (resolve) { resolve("owned"); };
export default async () => $app.dao().saveRecord("SLUG_NAME", { n: 1 });
