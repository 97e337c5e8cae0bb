//! What to blank and what to put, gathered first and applied once.

/// Edits of a text that keep every other character in its place.
#[derive(Debug, Default)]
pub(super) struct Plan {
    blanks: Vec<(usize, usize)>,
    puts: Vec<(usize, char)>,
    ends: Vec<usize>,
    replaced: Vec<(usize, usize, String)>,
}

impl Plan {
    /// Blanks a range of bytes.
    pub(super) fn blank(&mut self, start: usize, end: usize) {
        if start < end {
            self.blanks.push((start, end));
        }
    }

    /// Puts a character in place of a blanked one.
    pub(super) fn put(&mut self, at: usize, with: char) {
        self.puts.push((at, with));
    }

    /// Puts a text in place of a range of bytes; the lines that end in it still end after it.
    pub(super) fn replace(&mut self, start: usize, end: usize, with: String) {
        self.replaced.push((start, end, with));
    }

    /// Says that a statement ends here without a semicolon of its own.
    pub(super) fn statement_ends(&mut self, at: usize) {
        self.ends.push(at);
    }

    /// The text with all edits.
    pub(super) fn apply(mut self, text: &str) -> String {
        let blanks = self.merged();
        self.close_statements(&blanks);
        self.puts.sort_unstable_by_key(|(at, _)| *at);
        self.replaced.sort_unstable_by_key(|(start, ..)| *start);
        let mut out = String::with_capacity(text.len());
        let mut blanks = blanks.into_iter().peekable();
        let mut puts = self.puts.into_iter().peekable();
        let mut replaced = self.replaced.into_iter().peekable();
        let mut replaced_to = 0;
        for (at, character) in text.char_indices() {
            if let Some((_, end, with)) = replaced.next_if(|(start, ..)| *start == at) {
                out.push_str(&with);
                replaced_to = end;
            }
            if at < replaced_to {
                out.extend(ends_line(character).then_some(character));
                continue;
            }
            while blanks.next_if(|(_, end)| *end <= at).is_some() {}
            let put = puts.next_if(|(place, _)| *place == at).map(|(_, with)| with);
            while puts.next_if(|(place, _)| *place <= at).is_some() {}
            let blank = blanks.peek().is_some_and(|(start, _)| *start <= at);
            match put {
                Some(with) => out.push(with),
                None if blank && !ends_line(character) => out.push(' '),
                None => out.push(character),
            }
        }
        out
    }

    /// The blanks sorted, overlapping and touching ones joined.
    fn merged(&mut self) -> Vec<(usize, usize)> {
        self.blanks.sort_unstable();
        let mut out: Vec<(usize, usize)> = Vec::new();
        for (start, end) in self.blanks.drain(..) {
            match out.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => out.push((start, end)),
            }
        }
        out
    }

    /// A statement whose last token is erased no longer ends before a line that starts with `(` or the like.
    fn close_statements(&mut self, blanks: &[(usize, usize)]) {
        for end in &self.ends {
            if let Ok(at) = blanks.binary_search_by_key(end, |(_, blank_end)| *blank_end) {
                self.puts.push((blanks[at].0, ';'));
            }
        }
    }
}

fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// The position after blanks and comments.
pub(super) fn skip_trivia(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        let skipped = if trimmed.starts_with("//") {
            trimmed.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(trimmed.len())
        } else if trimmed.starts_with("/*") {
            trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
        } else {
            return at;
        };
        at += skipped;
    }
}
