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
    use crate::{Answer, Asked, FromWorker, ToWorker};
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

    /// A worker that was taken over says what it likes: whatever it is, it is a frame or an error, and takes no more
    /// memory than its own bytes account for.
    #[test]
    fn frames_changed_at_random_are_frames_or_errors() {
        const CASES: u32 = 60_000;
        let seeds = frames_of_a_worker();
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        let mut read = 0;
        for case in 0..CASES {
            let mut bytes = seeds[chance.below(seeds.len())].clone();
            for _ in 0..=chance.below(4) {
                change(&mut bytes, &mut chance);
            }
            let outcome = std::panic::catch_unwind(|| read_frame::<FromWorker>(&mut bytes.as_slice()).is_ok());
            read += u32::from(outcome.unwrap_or_else(|_| panic!("case {case} panics: {bytes:02x?}")));
        }
        // Of changes in the middle of texts and numbers some leave a frame; none at all would mean that nothing was read.
        assert!((CASES / 100..CASES).contains(&read), "{read} of {CASES} were frames");
    }

    fn frames_of_a_worker() -> Vec<Vec<u8>> {
        let draft = crate::Draft {
            writes: vec![crate::Write::Put {
                collection: "ap_bills".to_owned(),
                id: "a".to_owned(),
                record: json!({"total": {"amount": "1.00", "currency": "EUR"}, "tags": ["x", null, -1, 1e9]}).into(),
                base_revision: 7,
            }],
            ..crate::Draft::default()
        };
        let response = Some(crate::Response { status: 200, body: crate::Body::Data(json!([[{}], "text"])) });
        let ended = crate::Ended::Returned { draft, response };
        let logs = vec![crate::LogLine { level: "info".to_owned(), message: "m".to_owned(), fields: json!({"n": 1}) }];
        let done = crate::Done {
            item: 0,
            ended,
            relied: Vec::new(),
            hooks: vec![3],
            logs,
            logs_dropped: 1,
            usage: crate::Usage::default(),
        };
        let frames = [
            FromWorker::Said(crate::LogLine { level: "warn".to_owned(), message: "m".to_owned(), fields: json!([]) }),
            FromWorker::Ready(crate::Registered::default()),
            FromWorker::Ask(crate::Ask::Get { collection: "ap_bills".to_owned(), id: "a".to_owned() }),
            FromWorker::Done(Box::new(done)),
        ];
        frames.iter().map(|frame| encode(frame).expect("encodes")).collect()
    }

    /// One byte set, inserted or removed, one part repeated, or the end cut off.
    fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
        let at = chance.below(bytes.len().max(1));
        match chance.below(6) {
            _ if bytes.is_empty() => bytes.push(chance.byte()),
            0 => bytes[at] = chance.byte(),
            1 => bytes[at] ^= 1 << chance.below(8),
            2 => bytes.insert(at, chance.byte()),
            3 => drop(bytes.remove(at)),
            4 => bytes.truncate(at),
            _ => {
                let part = bytes[at..(at + 40).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
        }
        // Mostly the length is right again, so that it is the content that is looked at.
        if chance.below(4) > 0 && bytes.len() >= 4 {
            let length = u32::try_from(bytes.len() - 4).expect("short").to_le_bytes();
            bytes[..4].copy_from_slice(&length);
        }
    }

    /// Repeatable chance (xorshift).
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 16).unwrap_or(0) % end
        }

        fn byte(&mut self) -> u8 {
            u8::try_from(self.below(256)).unwrap_or(0)
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_any_allocation() {
        let bytes = u32::MAX.to_le_bytes();
        assert!(matches!(read_frame::<ToWorker>(&mut bytes.as_slice()), Err(FrameError::TooLong(_))));
        assert!(matches!(read_frame::<ToWorker>(&mut [].as_slice()), Err(FrameError::Closed)));
    }
}
