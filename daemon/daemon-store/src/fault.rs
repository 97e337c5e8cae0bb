//! A fault in the mapped file ends the process with an exit code and a word, not with a signal.
//!
//! A disk that cannot give a page, a file that is cut while it is mapped, and damage that came after the file was
//! looked over reach the process as SIGBUS or SIGSEGV. There is no way back from there into the daemon, but there is
//! an orderly end: what was acknowledged is on disk.

use crate::error::StoreError;
use libc::{c_int, c_void, siginfo_t};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

struct Guard {
    /// Where the file is mapped.
    start: usize,
    end: usize,
    exit_code: c_int,
    last_words: String,
    /// What was done about the signals before.
    before: [libc::sigaction; 2],
}

static GUARD: OnceLock<Guard> = OnceLock::new();

/// From now on a fault in the map of this file ends the process with this code. Only the first file is guarded.
pub(crate) fn guard(file: &Path, exit_code: c_int) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("guard its map", error);
    let path = file.canonicalize().map_err(failed)?;
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(failed)?;
    let Some((start, end)) = maps.lines().find_map(|line| mapped(line, &path)) else { return Ok(()) };
    let last_words = format!(
        "error: the store's file {} is damaged, or its disk cannot read it; nothing that was acknowledged is undone; \
         restore a backup if `trunkline store verify` finds damage\n",
        path.display()
    );
    let before = SIGNALS.map(action_of);
    if GUARD.set(Guard { start, end, exit_code, last_words, before }).is_ok() {
        SIGNALS.into_iter().try_for_each(take).map_err(failed)?;
    }
    Ok(())
}

/// A line is: range, rights, offset, device, inode, path.
fn mapped(line: &str, file: &Path) -> Option<(usize, usize)> {
    let at = line.find('/')?;
    if Path::new(&line[at..]) != file {
        return None;
    }
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

fn action_of(signal: c_int) -> libc::sigaction {
    // SAFETY: asking for what is set changes nothing, and all zeros is a valid value to be overwritten.
    #[expect(unsafe_code, reason = "there is no safe way to ask for a signal's handler")]
    unsafe {
        let mut action = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action);
        action
    }
}

fn take(signal: c_int) -> io::Result<()> {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = on_fault;
    // SAFETY: the handler only reads what was set before it was installed, and calls nothing but `write`, `_exit` and
    // `sigaction`, all of which may be called in a handler.
    #[expect(unsafe_code, reason = "a fault in a map can only be met by a signal handler")]
    let done = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let Some(guard) = GUARD.get() else { return };
    // SAFETY: for these signals the kernel says at which address the fault was, in a value that is valid until the
    // handler returns.
    #[expect(unsafe_code, reason = "the kernel hands over a bare pointer")]
    let at = unsafe { (*info).si_addr() } as usize;
    if (guard.start..guard.end).contains(&at) {
        // SAFETY: both may be called in a handler, and the words live as long as the process.
        #[expect(unsafe_code, reason = "nothing else may be called in a handler")]
        unsafe {
            libc::write(libc::STDERR_FILENO, guard.last_words.as_ptr().cast(), guard.last_words.len());
            libc::_exit(guard.exit_code);
        }
    }
    // Not ours: whoever was there before meets the same fault again.
    let before = &guard.before[usize::from(signal == SIGNALS[1])];
    // SAFETY: it is what was installed before.
    #[expect(unsafe_code, reason = "there is no safe way to set a signal's handler")]
    unsafe {
        libc::sigaction(signal, &raw const *before, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_found_by_its_whole_path() {
        let line = "7f00a000-7f00c000 r--s 00000000 08:01 1234                       /data/a b/data.mdb";
        assert_eq!(mapped(line, Path::new("/data/a b/data.mdb")), Some((0x7f00_a000, 0x7f00_c000)));
        assert_eq!(mapped(line, Path::new("/b/data.mdb")), None);
        assert_eq!(mapped("7f00a000-7f00c000 rw-p 00000000 00:00 0 [heap]", Path::new("/x")), None);
    }
}
