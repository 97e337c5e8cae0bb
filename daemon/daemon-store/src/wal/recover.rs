//! What the write-ahead log says beyond what lies in the map: a pure function of the bytes of its two files.

use super::frame::{BLOCK_BYTES, Frame};
use crate::overlay::Overlay;
use crate::vault::StoreKey;

/// What is to be laid over the map, and where the log goes on.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Entries of the file that is no longer written to: they come first.
    pub(crate) moving: Overlay,
    pub(crate) moving_bytes: u64,
    /// Entries of the file that is written to.
    pub(crate) recent: Overlay,
    pub(crate) recent_bytes: u64,
    /// The position of the last unit, in the map or above it.
    pub(crate) position: u64,
    /// The file that is written to, its generation, and how much of it is used.
    pub(crate) file: usize,
    pub(crate) generation: u64,
    pub(crate) end: u64,
}

/// What was synced cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// A whole frame lies behind one that is not.
    Gap {
        /// The last position that can be reached.
        reached: u64,
        /// A position that was synced and cannot.
        found: u64,
    },
    /// The entries up to this position were not sealed with the store's key.
    Unreadable(u64),
}

/// Lays the frames over a map that stands at a position. Whatever comes after the last whole frame was never synced;
/// a whole frame that nothing leads to tells that something before it is gone.
pub(crate) fn recover(
    store: &str,
    files: [&[u8]; 2],
    map_position: u64,
    with: Option<&StoreKey>,
) -> Result<Recovered, Lost> {
    let runs = files.map(|bytes| run(store, bytes));
    let generation = |file: usize| runs[file].first().map_or(0, |frame| frame.generation);
    let newest = usize::from(generation(1) > generation(0));
    let mut recovered = Recovered { file: newest, generation: generation(newest), ..Recovered::default() };
    let mut position = map_position;
    for file in [1 - newest, newest] {
        let live: Vec<&Frame<'_>> = leading(&runs[file], &mut position);
        let mut entries = Overlay::new();
        for frame in &live {
            entries.extend(frame.entries(store, with).ok_or(Lost::Unreadable(frame.position))?);
        }
        let bytes = live.iter().map(|frame| frame.span() as u64).sum();
        if file == newest {
            (recovered.recent, recovered.recent_bytes) = (entries, bytes);
        } else {
            (recovered.moving, recovered.moving_bytes) = (entries, bytes);
        }
    }
    recovered.position = position;
    if runs[newest].last().is_some_and(|last| last.position == position) {
        recovered.end = runs[newest].iter().map(|frame| frame.span() as u64).sum();
    } else {
        // All of it is in the map, and nothing could follow on it: the log begins anew in its place.
        recovered.generation += 1;
    }
    match files.into_iter().filter_map(|bytes| beyond(store, bytes, position)).max() {
        Some(found) => Err(Lost::Gap { reached: position, found }),
        None => Ok(recovered),
    }
}

/// The frames from the beginning of a file, as long as each follows the one before it.
fn run<'a>(store: &str, bytes: &'a [u8]) -> Vec<Frame<'a>> {
    let mut frames: Vec<Frame<'a>> = Vec::new();
    let mut at = 0;
    while let Some(frame) = bytes.get(at..).and_then(|bytes| Frame::parse(store, bytes)) {
        let follows = |last: &Frame<'_>| frame.generation == last.generation && frame.before == last.position;
        if !frames.last().is_none_or(follows) {
            break;
        }
        at += frame.span();
        frames.push(frame);
    }
    frames
}

/// The frames beyond a position that lead on from it, which becomes that of the last one.
fn leading<'r, 'a>(run: &'r [Frame<'a>], position: &mut u64) -> Vec<&'r Frame<'a>> {
    let mut live = Vec::new();
    for frame in run {
        if frame.before == *position && frame.position > *position {
            *position = frame.position;
            live.push(frame);
        }
    }
    live
}

/// The furthest position beyond this one of which a whole frame lies at any block.
fn beyond(store: &str, bytes: &[u8], position: u64) -> Option<u64> {
    let frames = (0..bytes.len()).step_by(BLOCK_BYTES).filter_map(|at| Frame::parse(store, &bytes[at..]));
    frames.map(|frame| frame.position).filter(|found| *found > position).max()
}
