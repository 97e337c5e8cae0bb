//! Reads server-sent events.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

/// One message of a stream.
#[derive(Debug, Clone)]
pub struct Message {
    /// What a later stream resumes after.
    pub id: String,
    /// The topic.
    pub event: String,
    /// The `CloudEvent`.
    pub data: Value,
}

/// The messages of an open stream; ends with it.
pub struct Messages {
    lines: std::io::Lines<BufReader<Box<dyn Read + Send>>>,
}

impl Messages {
    pub(crate) fn new(body: Box<dyn Read + Send>) -> Self {
        Self { lines: BufReader::new(body).lines() }
    }

    /// The next message that carries data; comments and the like are passed over.
    fn read(&mut self) -> Result<Option<Message>> {
        let (mut id, mut event, mut data) = (String::new(), String::new(), String::new());
        for line in self.lines.by_ref() {
            let line = line.context("read the stream")?;
            match line.split_once(": ") {
                Some(("id", text)) => text.clone_into(&mut id),
                Some(("event", text)) => text.clone_into(&mut event),
                Some(("data", text)) => data.push_str(text),
                _ if line.is_empty() && !data.is_empty() => {
                    let data = serde_json::from_str(&data).context("the data of a message is JSON")?;
                    return Ok(Some(Message { id, event, data }));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Iterator for Messages {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
