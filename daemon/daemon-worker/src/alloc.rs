//! The allocator with a hard cap. With the store, the only place of the daemon that may hold `unsafe`.

#![expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait, and only it sees every allocation of the engine"
)]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::Relaxed};

/// Exit code of a worker that asked for more memory than its budget allows.
pub const EXIT_MEMORY: i32 = 86;

static CAP: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicIsize = AtomicIsize::new(0);
static SPEAKS: AtomicBool = AtomicBool::new(false);

/// mimalloc, which counts and caps once it is armed, as it is in a worker.
///
/// Scripts, contracts and frames are many small objects that are freed in bulk; the system's allocator spent a sixth of
/// a handler's time on them and as much of the daemon's. It must not ask for huge pages (feature `no_thp`): a plugin's
/// heap is two or three megabytes and the daemon's twenty, and in pages of two megabytes both hold twice that.
///
/// Unarmed it costs one relaxed load an allocation. Armed, it ends the process with
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

/// Gives what was freed back to the system. The allocator does so by and by as it is asked for more, which a process at
/// rest never does; so whoever has done something large and rare, such as starting, calls this.
pub fn give_back() {
    // SAFETY: it looks only at the allocator's own state, and every thread may call it at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
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

// SAFETY: every call is passed on with the caller's own layout and pointer to one allocator, so its guarantees are
// ours. The counting in between touches no memory but its own atomics.
unsafe impl GlobalAlloc for CappedAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        checked(unsafe { MiMalloc.alloc(layout) }, cap)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        checked(unsafe { MiMalloc.alloc_zeroed(layout) }, cap)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(-size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer came from the same allocator.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(isize::try_from(new_size).unwrap_or(isize::MAX).saturating_sub(size(layout)), cap);
        }
        // SAFETY: the caller keeps the contract of `realloc`, and the pointer came from the same allocator.
        checked(unsafe { MiMalloc.realloc(pointer, layout, new_size) }, cap)
    }
}
