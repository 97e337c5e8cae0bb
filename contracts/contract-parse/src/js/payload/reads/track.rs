//! What a name or an expression holds of a payload.

/// The deepest path that is followed; recursive walks over a payload end here.
const STEPS_MAX: usize = 16;

/// Something of the payload of one handler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Track {
    pub(super) handler: usize,
    pub(super) part: Part,
    /// Whether it surely is that; not where a name may hold other things too.
    pub(super) certain: bool,
    /// Whether the code was ready on the way for some part to be absent.
    pub(super) optional: bool,
}

/// What of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The event itself.
    Event,
    /// The value at a path of the payload.
    Value(Vec<String>),
    /// A list that was made of values at a path.
    ListOf(Vec<String>),
}

impl Track {
    /// A field of it; none where that is not of the payload.
    pub(super) fn field(&self, name: &str) -> Option<Self> {
        let part = match &self.part {
            Part::Event if name == "payload" => Part::Value(Vec::new()),
            Part::Value(path) => Part::Value(longer(path, name)?),
            Part::ListOf(path) if name == "*" || name.parse::<usize>().is_ok() => Part::Value(path.clone()),
            Part::Event | Part::ListOf(_) => return None,
        };
        Some(Self { part, ..self.clone() })
    }

    /// An item of it.
    pub(super) fn item(&self) -> Option<Self> {
        self.field("*")
    }

    /// A list of the same items.
    pub(super) fn list(&self) -> Self {
        match &self.part {
            Part::Value(path) => {
                let path = longer(path, "*").unwrap_or_else(|| path.clone());
                Self { part: Part::ListOf(path), ..self.clone() }
            }
            _ => self.clone(),
        }
    }

    /// A list of these.
    pub(super) fn many(&self) -> Option<Self> {
        match &self.part {
            Part::Value(path) => Some(Self { part: Part::ListOf(path.clone()), ..self.clone() }),
            _ => None,
        }
    }

    /// The path that is read where all of it is used.
    pub(super) fn path(&self) -> Option<&[String]> {
        match &self.part {
            Part::Event => None,
            Part::Value(path) | Part::ListOf(path) => Some(path),
        }
    }

    pub(super) fn optional(mut self, optional: bool) -> Self {
        self.optional |= optional;
        self
    }

    pub(super) fn doubted(mut self, certain: bool) -> Self {
        self.certain &= certain;
        self
    }
}

fn longer(path: &[String], name: &str) -> Option<Vec<String>> {
    (path.len() < STEPS_MAX).then(|| path.iter().cloned().chain([name.to_owned()]).collect())
}

/// A path as a JSON pointer, in which `*` is any item.
pub(crate) fn pointer(path: &[String]) -> String {
    let escaped = path.iter().map(|step| step.replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, step| pointer + "/" + &step)
}
