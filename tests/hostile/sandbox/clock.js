// A clock fine enough to time the neighbours.
// expect: 200 1
export default () => { const seen = new Set(); for (let n = 0; n < 10000; n++) seen.add(Date.now()); return seen.size; };
