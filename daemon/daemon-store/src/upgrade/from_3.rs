//! Format 3 to 4: where replies are noted from.
//!
//! In format 4 the entry of a request in its story names the reply. Which topics are replies is nothing that a store
//! knows, so those of before are not noted: the step says up to where there may be some.

use super::{Slice, Step, head};
use crate::disk::rewrite::Rewrite;
use crate::error::StoreError;
use crate::small::{encode_small, meta_key};
use crate::view::UNNOTED_THROUGH;

pub(super) const STEP: Step =
    Step { from: 3, does: "says from where on replies are noted with their requests", check: |_| Ok(()), slice };

fn slice(map: &mut Rewrite<'_>) -> Result<Slice, StoreError> {
    if let Some(head) = head(map)? {
        map.put(&meta_key(UNNOTED_THROUGH), &encode_small(&head.sequence.0)?)?;
    }
    Ok(Slice::Last)
}
