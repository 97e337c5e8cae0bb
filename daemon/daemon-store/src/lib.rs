//! Documents, event log, cursors, inbox and timers in one transaction.
