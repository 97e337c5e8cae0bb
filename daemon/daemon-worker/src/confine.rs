//! What a worker gives up before plugin code runs: layers, each of which holds by itself what it is there for.
//!
//! No argument, variable or feature takes a layer away from a worker: [`confine_early`] and [`confine_late`] put on all of
//! them. That each is needed is shown by tests, which put them on one by one.

use crate::alloc;
use crate::syscalls;
use daemon_frame::Budget;
use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, Scope};
use rustix::fs::{FileType, fstat};
use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};
use std::io;

/// A limit that the kernel refused. The worker must not run plugin code then.
#[derive(Debug, thiserror::Error)]
#[error("cannot confine the worker ({}): {source}", layer.name())]
pub struct ConfineError {
    /// Which layer could not be put on.
    pub layer: Layer,
    /// What the kernel said.
    pub source: io::Error,
}

const OPEN_FILES_MAX: u64 = 16;
/// Address space that a worker may take beside twice its heap: its program, stacks, and the gibibyte that the allocator
/// reserves without using it, once more.
const ADDRESSES_BESIDE_HEAP: u64 = 2 << 30;

/// One thing that a worker gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Life without its daemon. The signal comes when the daemon's *thread* that started the worker ends, so that thread
    /// must live as long as the daemon.
    ParentDeath,
    /// Privileges of programs that it starts.
    NoNewPrivileges,
    /// Files, TCP connections, and signals to and sockets of processes outside (Landlock), where the kernel has it.
    FileSystem,
    /// More than a few open files.
    OpenFiles,
    /// Writing to files.
    FileSize,
    /// Leaving an image of its memory behind.
    CoreDumps,
    /// Further processes and threads. The kernel does not hold root to it.
    Processes,
    /// Memory that does not come from the allocator.
    AddressSpace,
    /// System calls beyond those that computing takes.
    SystemCalls,
    /// A heap beyond its budget, where [`CappedAlloc`](crate::CappedAlloc) is the global allocator.
    Memory,
}

impl Layer {
    /// All of them, in the order in which they are put on.
    pub const ALL: [Self; 10] = [
        Self::ParentDeath,
        Self::NoNewPrivileges,
        Self::FileSystem,
        Self::OpenFiles,
        Self::FileSize,
        Self::CoreDumps,
        Self::Processes,
        Self::AddressSpace,
        Self::SystemCalls,
        Self::Memory,
    ];

    /// What it is called in errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::ParentDeath => "parent-death signal",
            Self::NoNewPrivileges => "no_new_privs",
            Self::FileSystem => "Landlock",
            Self::OpenFiles => "open files",
            Self::FileSize => "file size",
            Self::CoreDumps => "core dumps",
            Self::Processes => "processes",
            Self::AddressSpace => "address space",
            Self::SystemCalls => "system calls",
            Self::Memory => "memory",
        }
    }

    /// Whether it is put on before there is a second thread: it holds for the thread that puts it on and those that this
    /// one starts.
    fn is_inherited(self) -> bool {
        matches!(self, Self::ParentDeath | Self::NoNewPrivileges | Self::FileSystem)
    }

    /// Puts the layer on; it cannot be taken off again. Those that bound memory go by the heap that the plugin may have.
    pub fn put_on(self, heap_bytes_max: u64) -> Result<(), ConfineError> {
        let done = match self {
            Self::ParentDeath => end_with_parent(),
            Self::NoNewPrivileges => rustix::thread::set_no_new_privs(true).map_err(io::Error::from),
            Self::FileSystem => leave_the_file_system().map_err(io::Error::other),
            Self::OpenFiles => limit(Resource::Nofile, OPEN_FILES_MAX),
            Self::FileSize => limit(Resource::Fsize, 0),
            Self::CoreDumps => limit(Resource::Core, 0),
            Self::Processes => limit(Resource::Nproc, 0),
            Self::AddressSpace => {
                limit(Resource::As, heap_bytes_max.saturating_mul(2).saturating_add(ADDRESSES_BESIDE_HEAP))
            }
            Self::SystemCalls => syscalls::allow_only_computing(),
            Self::Memory => {
                alloc::arm(usize::try_from(heap_bytes_max).unwrap_or(usize::MAX), stderr_takes_lines());
                Ok(())
            }
        };
        done.map_err(|source| ConfineError { layer: self, source })
    }
}

/// The layers that threads inherit from each other, before there are any; the plugin is not known yet, and none of them
/// asks what it may have.
pub(crate) fn confine_early() -> Result<(), ConfineError> {
    Layer::ALL.into_iter().filter(|layer| layer.is_inherited()).try_for_each(|layer| layer.put_on(0))
}

/// The layers that hold for the whole process, after its last thread has started.
pub(crate) fn confine_late(budget: &Budget) -> Result<(), ConfineError> {
    Layer::ALL
        .into_iter()
        .filter(|layer| !layer.is_inherited())
        .try_for_each(|layer| layer.put_on(budget.memory_bytes_max))
}

/// Confines the whole process to what a plugin with this budget may use, for the rest of its life.
pub fn confine(budget: &Budget) -> Result<(), ConfineError> {
    confine_early()?;
    confine_late(budget)
}

/// Has the kernel end this process as soon as the thread that started it has ended, whatever ends that.
///
/// # Errors
///
/// The kernel refuses, or the parent has ended meanwhile.
pub fn end_with_parent() -> io::Result<()> {
    // Without a parent the signal would never come: the daemon has died between the start and here.
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if parent == getppid() { Ok(()) } else { Err(io::Error::other("the parent process has ended")) }
}

/// Everything that Landlock knows of is given up, as far as this kernel knows of it too.
fn leave_the_file_system() -> Result<(), RulesetError> {
    const KNOWN: ABI = ABI::V6;
    Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .restrict_self()
        .map(drop)
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}

/// With a file size limit of zero, writing to a regular file would end the process with the wrong signal.
fn stderr_takes_lines() -> bool {
    fstat(std::io::stderr()).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile)
}
