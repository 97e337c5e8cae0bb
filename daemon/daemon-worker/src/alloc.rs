//! The allocator with a hard cap. With the store, the only place of the daemon that may hold `unsafe`.

#![expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait, and only it sees every allocation of the engine"
)]

use libmimalloc_sys as mi;
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
    unsafe { mi::mi_collect(true) }
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

/// Whether any block of that size is aligned as the layout wants it: the allocator's blocks from 16 bytes on are aligned
/// to 16, smaller ones to their size. Its functions that take an alignment rely on that for powers of two alone, and for
/// all other sizes ask for larger blocks, on a longer way, whenever the page at hand is used up.
fn aligned_anyway(size: usize, align: usize) -> bool {
    align <= 16 && align <= size
}

// SAFETY: every call is passed on with the caller's own layout and pointer to one allocator, so its guarantees are
// ours, and the plain functions are called only where what they give is aligned anyway. The counting in between touches
// no memory but its own atomics.
unsafe impl GlobalAlloc for CappedAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(size(layout), cap);
        }
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: the caller keeps the contract of `alloc`.
        let pointer = unsafe {
            if aligned_anyway(size, align) { mi::mi_malloc(size) } else { mi::mi_malloc_aligned(size, align) }
        };
        checked(pointer.cast(), cap)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(size(layout), cap);
        }
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        let pointer = unsafe {
            if aligned_anyway(size, align) { mi::mi_zalloc(size) } else { mi::mi_zalloc_aligned(size, align) }
        };
        checked(pointer.cast(), cap)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(-size(layout), cap);
        }
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer came from the same allocator.
        unsafe { mi::mi_free(pointer.cast()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let cap = CAP.load(Relaxed);
        if cap != 0 {
            charge(isize::try_from(new_size).unwrap_or(isize::MAX).saturating_sub(size(layout)), cap);
        }
        let (old, align) = (pointer.cast(), layout.align());
        // SAFETY: the caller keeps the contract of `realloc`, and the pointer came from the same allocator.
        let pointer = unsafe {
            if aligned_anyway(new_size, align) {
                mi::mi_realloc(old, new_size)
            } else {
                mi::mi_realloc_aligned(old, new_size, align)
            }
        };
        checked(pointer.cast(), cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of every size class side by side, as they are, zeroed, and grown and shrunk in place or elsewhere.
    #[test]
    fn blocks_are_aligned_as_their_layouts_want() {
        for align in [1_usize, 2, 4, 8, 16, 32, 64, 128, 4096] {
            for size in (1..200).chain([255, 257, 511, 1000, 1023, 1025, 4095, 4097, 70_000, 1 << 20]) {
                let layout = Layout::from_size_align(size, align).expect("a layout");
                let other = size * 3 / 2 + 1;
                // SAFETY: the layouts are not empty; each block is freed once, with the layout that it has by then.
                unsafe {
                    let blocks: Vec<*mut u8> = (0..9).map(|_| CappedAlloc.alloc(layout)).collect();
                    let zeroed = CappedAlloc.alloc_zeroed(layout);
                    assert!((0..size).all(|at| *zeroed.add(at) == 0), "{layout:?}");
                    for block in blocks.into_iter().chain([zeroed]) {
                        assert!(!block.is_null() && block.addr().is_multiple_of(align), "{layout:?}");
                        block.write_bytes(7, size);
                        let grown = CappedAlloc.realloc(block, layout, other);
                        assert!(grown.addr().is_multiple_of(align) && *grown.add(size - 1) == 7, "{layout:?}");
                        let layout = Layout::from_size_align(other, align).expect("a layout");
                        let shrunk = CappedAlloc.realloc(grown, layout, size);
                        assert!(shrunk.addr().is_multiple_of(align) && *shrunk == 7, "{layout:?}");
                        CappedAlloc.dealloc(shrunk, Layout::from_size_align(size, align).expect("a layout"));
                    }
                }
            }
        }
    }
}
