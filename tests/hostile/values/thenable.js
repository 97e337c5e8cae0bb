// An answer that settles itself, as another one.
// expect: 200 "taken"
export default async () => ({ then(resolve) { resolve("taken"); } });
