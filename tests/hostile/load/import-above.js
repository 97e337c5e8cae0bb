// An import from above the plugin's folder.
// expect: checked TL705
import "../../calm/src/main.js";
export default () => 1;
