//! Frames as bytes.

use crate::depth::is_shallow;
use contract_model::limits::FRAME_BYTES_MAX;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{Read, Write};

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side closed the connection between two frames.
    #[error("the connection was closed")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    /// The announced length is over the limit.
    #[error("a frame of {0} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLong(u64),
    /// The bytes are not the CBOR of a frame.
    #[error("a frame cannot be decoded: {0}")]
    Malformed(String),
}

/// Most frames fit into so many bytes.
const FRAME_BYTES_USUAL: usize = 1_024;

/// A frame's bytes, length included.
pub fn encode<T: Serialize>(frame: &T) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::with_capacity(FRAME_BYTES_USUAL);
    bytes.extend_from_slice(&[0; 4]);
    let mut serializer = minicbor_serde::Serializer::new(&mut bytes);
    // Null is null; the crate's own habit is to write it as an empty list.
    serializer.serialize_unit_as_null(true);
    frame.serialize(&mut serializer).map_err(|error| FrameError::Malformed(error.to_string()))?;
    let length = bytes.len() as u64 - 4;
    let short = u32::try_from(length).ok().filter(|_| length <= FRAME_BYTES_MAX).ok_or(FrameError::TooLong(length))?;
    bytes[..4].copy_from_slice(&short.to_le_bytes());
    Ok(bytes)
}

/// A frame of the bytes after the length.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    if !is_shallow(bytes) {
        return Err(FrameError::Malformed("it is no whole item, or nests too deep".to_owned()));
    }
    minicbor_serde::from_slice(bytes).map_err(|error| FrameError::Malformed(error.to_string()))
}

/// Writes one frame and flushes.
pub fn write_frame<T: Serialize>(to: &mut impl Write, frame: &T) -> Result<(), FrameError> {
    to.write_all(&encode(frame)?)?;
    Ok(to.flush()?)
}

/// Reads one frame, or [`FrameError::Closed`] at a clean end.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, FrameError> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(FrameError::Closed),
        other => other?,
    }
    let length = u64::from(u32::from_le_bytes(length));
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(length));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    from.read_exact(&mut bytes)?;
    decode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Asked, ToWorker};
    use serde_json::json;

    #[test]
    fn frames_round_trip_with_64_bit_integers() {
        let value = json!({"big": i64::MAX, "small": i64::MIN, "most": u64::MAX, "text": "ü", "none": null, "half": 0.5,
            "empty": [[], {}, ""], "list": [null, true, -1, 1e300]});
        let frame = ToWorker::Answer(Answer(Ok(Asked::Record(Some(value)))));
        let bytes = encode(&frame).expect("encodes");
        let back: ToWorker = read_frame(&mut bytes.as_slice()).expect("reads");
        assert_eq!(back, frame);
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_any_allocation() {
        let bytes = u32::MAX.to_le_bytes();
        assert!(matches!(read_frame::<ToWorker>(&mut bytes.as_slice()), Err(FrameError::TooLong(_))));
        assert!(matches!(read_frame::<ToWorker>(&mut [].as_slice()), Err(FrameError::Closed)));
    }
}
