// A name that cannot be seen.
// expect: checked TL711 3:7
const ㅤ = 1;
export default () => ㅤ;
