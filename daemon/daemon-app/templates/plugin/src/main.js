// What the plugin does. Each module registers its own verbs and handlers.
import "./items.js";
import "./stock.js";
