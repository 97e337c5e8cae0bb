// An import of another plugin's schema.
// expect: checked TL705
import schema from "../../calm/schema.json" with { type: "json" };
export default () => schema;
