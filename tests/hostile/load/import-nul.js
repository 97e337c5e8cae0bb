// An import whose name ends before it does.
// expect: checked TL705
import "./NAME.js\0.json";
export default () => 1;
