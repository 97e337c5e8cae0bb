//! The `trunkline` binary.

use std::process::ExitCode;

/// In a worker the heap has a hard cap; everywhere else this counts and passes on.
#[global_allocator]
static ALLOCATOR: daemon_worker::CappedAlloc = daemon_worker::CappedAlloc::new();

fn main() -> ExitCode {
    daemon_app::main()
}
