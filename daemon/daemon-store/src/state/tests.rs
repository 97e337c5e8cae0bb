//! What lies above the map against a model, over many turns of deciding, flushing, undoing and moving.

use super::*;
use crate::head::head_key;
use crate::key::KeyBuilder;
use crate::seal::seal;
use std::collections::BTreeMap;

type Content = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The same, kept the simple way: whole copies.
#[derive(Default)]
struct Model {
    recent: Content,
    durable: Content,
    /// What `recent` was when the flush at work began.
    flushing: Option<Content>,
    moving: Content,
    pending: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

fn content(overlay: &Overlay) -> Content {
    let entries = overlay.iter().filter(|(key, _)| **key != head_key());
    entries.map(|(key, value)| (key.to_vec(), value.as_ref().map(|sealed| sealed.to_vec()))).collect()
}

fn entry(number: u64) -> (Key, Option<Sealed>) {
    let key = KeyBuilder::new(Keyspace::Documents).u64(number % 40).finish();
    let value = (!number.is_multiple_of(5)).then(|| seal(&key, &number.to_le_bytes()));
    (key, value)
}

#[test]
fn what_is_synced_is_known_whatever_was_laid_over_it() {
    let mut numbers = 0x9e37_79b9_7f4a_7c15_u64;
    let mut state = State::new(Head::default(), Registry::default(), 0, 0, Recovered::default());
    let mut model = Model::default();
    let mut done = [0; 4];
    for turn in 0..20_000 {
        numbers ^= numbers << 13;
        numbers ^= numbers >> 7;
        numbers ^= numbers << 17;
        match numbers % 8 {
            0 if model.flushing.is_none() => {
                drop(state.begin_flush());
                model.pending.clear();
                model.flushing = Some(model.recent.clone());
                done[0] += 1;
            }
            1 | 2 if model.flushing.is_some() => {
                drop(state.settle(Base::default(), 1));
                model.durable = model.flushing.take().expect("a flush");
                done[1] += 1;
            }
            3 if numbers % 64 == 3 => {
                state.undo(&StoreError::Closed);
                (model.recent, model.flushing) = (model.durable.clone(), None);
                model.pending.clear();
                done[2] += 1;
            }
            4 if model.flushing.is_none() && !model.durable.is_empty() => {
                drop(state.end_move(0, 0));
                state.begin_move();
                model.moving = std::mem::take(&mut model.durable);
                model.recent = model.pending.iter().cloned().collect();
                done[3] += 1;
            }
            _ => {
                let (key, value) = entry(numbers >> 8);
                model.recent.insert(key.to_vec(), value.as_ref().map(|sealed| sealed.to_vec()));
                model.pending.push((key.to_vec(), value.as_ref().map(|sealed| sealed.to_vec())));
                state.lay(key, value);
            }
        }
        assert_eq!(content(&state.recent), model.recent, "turn {turn}");
        assert_eq!(content(&state.durable()), model.durable, "turn {turn}");
        assert_eq!(content(&state.moving), model.moving, "turn {turn}");
    }
    assert!(done.iter().all(|times| *times > 100), "{done:?} flushes, syncs, undos, moves");
}
