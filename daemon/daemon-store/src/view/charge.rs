//! Counting what a question reads, and what it finds takes in memory.

use super::View;
use crate::allowance::{GivenUp, Room};
use crate::error::StoreError;
use crate::record::Record;
use contract_model::memory;
use std::sync::Arc;

impl View {
    /// What is read from now on is of another question. A view that is never told so is good for one.
    pub fn next_question(&self) {
        self.read_bytes.set(0);
        self.found_bytes.set(0);
    }

    /// What is found from now on takes its place in a room.
    pub fn find_room_in(&mut self, room: Arc<dyn Room>) {
        self.room = Some(room);
    }

    /// Counts what was found, or made of it, and is kept until it is answered, and gives the question up where that is
    /// too much.
    pub fn hold(&self, collection: &str, bytes: u64) -> Result<(), StoreError> {
        let found = self.found_bytes.get().saturating_add(bytes);
        self.found_bytes.set(found);
        let max = self.shared.query_limits.memory_bytes_max;
        if found > max {
            self.shared.meter.gave_up(GivenUp::Memory);
            return Err(StoreError::TooMuchFound { collection: collection.to_owned(), max });
        }
        self.room.as_ref().map_or(Ok(()), |room| room.take(bytes).map_err(|why| StoreError::NoRoom { why }))
    }

    /// The same of a record.
    pub fn hold_record(&self, collection: &str, record: &Record) -> Result<(), StoreError> {
        self.hold(collection, memory::of_fields(&record.fields))
    }

    /// Counts what was read of a collection, and gives the question up that has read too much.
    pub(super) fn charge(&self, collection: &str, bytes: usize) -> Result<(), StoreError> {
        let read = self.read_bytes.get().saturating_add(bytes as u64);
        self.read_bytes.set(read);
        if read <= self.shared.query_limits.read_bytes_max {
            return Ok(());
        }
        self.shared.meter.gave_up(GivenUp::ReadBytes);
        Err(StoreError::TooLarge { collection: collection.to_owned(), read })
    }
}
