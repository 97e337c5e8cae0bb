//! What a worker gives up before plugin code runs.

use crate::alloc;
use crate::syscalls;
use daemon_frame::Budget;
use rustix::fs::{FileType, fstat};
use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};

/// A limit that the kernel refused. The worker must not run plugin code then.
#[derive(Debug, thiserror::Error)]
#[error("cannot confine the worker ({step}): {source}")]
pub struct ConfineError {
    /// Which step failed.
    pub step: &'static str,
    /// What the kernel said.
    pub source: std::io::Error,
}

const OPEN_FILES_MAX: u64 = 16;

/// Gives up new privileges and ties the process to its parent. New threads inherit the first, so it comes before any.
///
/// The parent-death signal fires when the parent's *thread* that started the worker ends, so that thread must
/// live as long as the daemon.
pub(crate) fn confine_thread() -> Result<(), ConfineError> {
    // Without a parent the signal below would never come: the daemon has died between the start and here.
    let parent = getppid();
    step("parent-death signal", set_parent_process_death_signal(Some(Signal::KILL)))?;
    if parent != getppid() {
        return Err(ConfineError { step: "parent", source: std::io::Error::other("the parent process has ended") });
    }
    step("no_new_privs", rustix::thread::set_no_new_privs(true))
}

/// Confines the whole process to what a plugin with this budget may use: kernel limits, and the memory cap where
/// [`CappedAlloc`](crate::CappedAlloc) is the global allocator. It holds for the life of the process, and must come
/// before any plugin code and after the last thread has started. Calls of the
/// system beyond those that computing takes fail from here on.
pub fn confine(budget: &Budget) -> Result<(), ConfineError> {
    confine_thread()?;
    for (name, resource, value) in [
        ("open files", Resource::Nofile, OPEN_FILES_MAX),
        ("file size", Resource::Fsize, 0),
        ("core dump", Resource::Core, 0),
        ("processes", Resource::Nproc, 0),
    ] {
        step(name, setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) }))?;
    }
    syscalls::allow_only_computing().map_err(|source| ConfineError { step: "system calls", source })?;
    alloc::arm(usize::try_from(budget.memory_bytes_max).unwrap_or(usize::MAX), stderr_takes_lines());
    Ok(())
}

/// With a file size limit of zero, writing to a regular file would end the process with the wrong signal.
fn stderr_takes_lines() -> bool {
    fstat(std::io::stderr()).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile)
}

fn step(step: &'static str, result: rustix::io::Result<()>) -> Result<(), ConfineError> {
    result.map_err(|errno| ConfineError { step, source: errno.into() })
}
