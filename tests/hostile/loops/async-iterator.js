// A wait for each of what has no end, in steps that never settle.
// expect: 500 PLUGIN_ERROR
// says: never settled
export default async () => { for await (const one of { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) return one; };
