// Two names that look the same.
// expect: checked TL711 3:9
const to‍tal = 1, total = 2;
export default () => to‍tal + total;
