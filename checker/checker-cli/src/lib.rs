//! The check command and its sisters as a library, plus the small binary trunkline-check.
