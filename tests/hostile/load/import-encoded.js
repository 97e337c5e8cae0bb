// An import from above, with its dots encoded.
// expect: checked TL705
import "./%2e%2e/%2e%2e/calm/src/main.js";
export default () => 1;
