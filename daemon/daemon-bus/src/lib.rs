//! The delivery rules as a pure step from input to effects.
