//! Config, wiring and signals; the trunkline binary.
