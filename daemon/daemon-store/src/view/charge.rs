//! Counting what a question reads.

use super::View;
use crate::allowance::GivenUp;
use crate::error::StoreError;

impl View {
    /// What is read from now on is of another question. A view that is never told so is good for one.
    pub fn next_question(&self) {
        self.read_bytes.set(0);
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
