// An import of an address.
// expect: checked TL705
import "https://example.test/main.js";
export default () => 1;
