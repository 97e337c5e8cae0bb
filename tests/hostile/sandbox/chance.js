// Numbers that a neighbour could foretell: they are of this call, and not of the machine.
// expect: 200 true
export default () => new Set(Array.from({ length: 100 }, () => Math.random())).size === 100;
