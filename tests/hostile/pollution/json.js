// A JSON that lies.
// expect: 200 true
export default () => { JSON.stringify = () => "{}"; JSON.parse = () => null; return $app.hash({ a: 1 }) !== $app.hash({}); };
