import "./samples.js";
import "./batches.js";
import "./gauges.js";
