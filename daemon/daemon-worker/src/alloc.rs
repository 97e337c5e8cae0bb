//! The allocator with a hard cap. With the store, the only place of the daemon that may hold `unsafe`.

#![expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait, and only it sees every allocation of the engine"
)]

use daemon_frame::WORKER_VARIABLE;
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU8, AtomicUsize, Ordering::Relaxed};

/// Exit code of a worker that asked for more memory than its budget allows.
pub const EXIT_MEMORY: i32 = 86;

static CAP: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicIsize = AtomicIsize::new(0);
static SPEAKS: AtomicBool = AtomicBool::new(false);

static CHOSEN: AtomicU8 = AtomicU8::new(NOT_YET);
const NOT_YET: u8 = 0;
const SYSTEM: u8 = 1;
const MIMALLOC: u8 = 2;

/// In a worker mimalloc, which counts and caps once it is armed; in the daemon the system's allocator.
///
/// Scripts allocate many small objects and free them in bulk; the system's allocator spent a sixth of a handler's
/// time on them. The daemon does not, and there mimalloc held more than twice the memory. Which of the two it is
/// stands in the environment (`WORKER_VARIABLE`), because it must be known before the first allocation: whoever
/// gave memory out must take it back.
///
/// Unarmed it costs two relaxed loads an allocation. Armed, it ends the process with
/// [`EXIT_MEMORY`] as soon as an allocation would pass the cap: the engine cannot give memory back in the middle
/// of a built-in, and an unwinding allocator is not sound.
#[derive(Debug, Default, Clone, Copy)]
pub struct CappedAlloc;

impl CappedAlloc {
    /// Usable as `#[global_allocator] static ALLOC: CappedAlloc = CappedAlloc::new();`.
    pub const fn new() -> Self {
        Self
    }
}

/// Caps what is allocated from here on, in bytes. `speaks` allows one line on standard error at the end.
pub(crate) fn arm(cap: usize, speaks: bool) {
    SPEAKS.store(speaks, Relaxed);
    CAP.store(cap.max(1), Relaxed);
}

/// Bytes allocated since the cap was armed and not given back. Zero where this is not the global allocator.
pub(crate) fn used() -> u64 {
    u64::try_from(USED.load(Relaxed)).unwrap_or(0)
}

fn is_worker() -> bool {
    match CHOSEN.load(Relaxed) {
        SYSTEM => false,
        MIMALLOC => true,
        _ => choose(),
    }
}

/// Looks into the environment, once, at the first allocation of the process. Whoever else comes here meanwhile
/// finds the same.
#[cold]
fn choose() -> bool {
    // SAFETY: the name is a C string. This runs at the first allocation, which the runtime makes before `main`, so
    // no thread can be changing the environment.
    let worker = unsafe { !libc::getenv(WORKER_VARIABLE.as_ptr()).is_null() };
    CHOSEN.store(if worker { MIMALLOC } else { SYSTEM }, Relaxed);
    worker
}

/// Counts a change. Plain load and store suffice: once armed, only the JavaScript thread runs.
fn charge(change: isize, cap: usize) {
    let used = USED.load(Relaxed).saturating_add(change);
    if change > 0 && usize::try_from(used).is_ok_and(|used| used > cap) {
        end();
    }
    USED.store(used, Relaxed);
}

fn size(layout: Layout) -> isize {
    isize::try_from(layout.size()).unwrap_or(isize::MAX)
}

#[cold]
fn end() -> ! {
    const LINE: &[u8] = b"worker: the plugin asked for more memory than its budget allows\n";
    if SPEAKS.load(Relaxed) {
        // SAFETY: the pointer and length are those of a static byte string; the result does not matter any more.
        unsafe { libc::write(2, LINE.as_ptr().cast(), LINE.len()) };
    }
    // SAFETY: ends the process at once. No destructor and no exit handler runs, so nothing can allocate again.
    unsafe { libc::_exit(EXIT_MEMORY) }
}

/// Out of memory below the cap ends the same way: it is the same fault to the parent.
fn checked(pointer: *mut u8, cap: usize) -> *mut u8 {
    if pointer.is_null() && cap != 0 {
        end();
    }
    pointer
}

// SAFETY: every call is passed on with the caller's own layout and pointer to one allocator, the same for the whole
// life of the process, so its guarantees are ours. The counting in between touches no memory but its own atomics.
unsafe impl GlobalAlloc for CappedAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        checked(unsafe { if is_worker() { MiMalloc.alloc(layout) } else { System.alloc(layout) } }, cap)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        checked(unsafe { if is_worker() { MiMalloc.alloc_zeroed(layout) } else { System.alloc_zeroed(layout) } }, cap)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(-size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer came from the same allocator.
        unsafe { if is_worker() { MiMalloc.dealloc(pointer, layout) } else { System.dealloc(pointer, layout) } }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(isize::try_from(new_size).unwrap_or(isize::MAX).saturating_sub(size(layout)), cap);
        }
        // SAFETY: the caller keeps the contract of `realloc`, and the pointer came from the same allocator.
        let moved = unsafe {
            if is_worker() {
                MiMalloc.realloc(pointer, layout, new_size)
            } else {
                System.realloc(pointer, layout, new_size)
            }
        };
        checked(moved, cap)
    }
}
