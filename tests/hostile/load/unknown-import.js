// An import of what is no file of the plugin.
// expect: checked TL705
import { readFileSync } from "node:fs";
export default () => readFileSync("/etc/passwd", "utf8");
