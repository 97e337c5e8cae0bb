//! One unit of work as a side is asked for it, and where it is asked.

use crate::http;
use crate::lines;
use crate::nats;
use crate::redis;
use crate::sql;
use anyhow::{Result, bail, ensure};
use std::net::SocketAddr;

/// Where requests go.
#[derive(Clone)]
pub(crate) enum Target {
    /// A server at `address`, with a bearer token where it wants one.
    Http { address: SocketAddr, token: Option<String> },
    /// A server of NATS.
    Nats(SocketAddr),
    /// A server of Redis.
    Redis(SocketAddr),
    /// A database of `PostgreSQL`.
    Sql(Box<tokio_postgres::Config>),
}

/// What is asked.
pub(crate) enum Ask {
    /// Method, path, further header lines and body.
    Http { method: &'static str, path: String, headers: &'static str, body: String },
    /// A statement that gives one row of one text; it is prepared once a connection.
    Sql { statement: &'static str, parameters: Vec<String> },
    /// Subject and payload.
    Nats { subject: &'static str, payload: String },
    /// A command by its words.
    Redis(Vec<String>),
    /// An event, as a line of a stream of them.
    Line(String),
    /// Many statements that give nothing.
    Script(&'static str),
}

/// What is asked, and what a right answer holds.
pub(crate) struct Request {
    pub(crate) ask: Ask,
    /// The status of a right answer over HTTP.
    pub(crate) status: u16,
    /// What the body of a right answer holds, all of it.
    pub(crate) holds: Vec<String>,
    /// What a right answer of Redis is, word for word, where it has to be.
    pub(crate) is: Option<String>,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        let ask = Ask::Http { method: "GET", path: path.into(), headers: "", body: String::new() };
        Self { ask, status: 200, holds: Vec::new(), is: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: String, status: u16) -> Self {
        let ask = Ask::Http { method: "POST", path: path.into(), headers: "", body };
        Self { ask, status, holds: Vec::new(), is: None }
    }

    pub(crate) fn line(event: String) -> Self {
        Self { ask: Ask::Line(event), status: 200, holds: Vec::new(), is: None }
    }

    pub(crate) fn sql(statement: &'static str, parameters: Vec<String>) -> Self {
        Self { ask: Ask::Sql { statement, parameters }, status: 200, holds: Vec::new(), is: None }
    }

    pub(crate) fn nats(subject: &'static str, payload: String) -> Self {
        Self { ask: Ask::Nats { subject, payload }, status: 200, holds: Vec::new(), is: None }
    }

    pub(crate) fn redis(words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self { ask: Ask::Redis(words), status: 200, holds: Vec::new(), is: None }
    }

    pub(crate) fn script(statements: &'static str) -> Self {
        Self { ask: Ask::Script(statements), status: 200, holds: Vec::new(), is: None }
    }

    /// With further header lines, each ended by a line break.
    pub(crate) fn with_headers(mut self, lines: &'static str) -> Self {
        if let Ask::Http { headers, .. } = &mut self.ask {
            *headers = lines;
        }
        self
    }

    /// Right only if the answer is this text.
    pub(crate) fn being(mut self, text: String) -> Self {
        self.is = Some(text);
        self
    }

    /// Whether a text is a right answer.
    fn judge(&self, asked: &str, answer: &str) -> Result<()> {
        let right =
            self.holds.iter().all(|text| answer.contains(text)) && self.is.as_ref().is_none_or(|is| is == answer);
        ensure!(right, "{asked} answered {answer}");
        Ok(())
    }

    /// Right only if the answer holds this text, too.
    pub(crate) fn holding(mut self, text: impl Into<String>) -> Self {
        self.holds.push(text.into());
        self
    }
}

/// One open connection.
pub(crate) enum Connection {
    Http(http::Connection),
    Lines(lines::Connection),
    Nats(nats::Connection),
    Redis(redis::Connection),
    Sql(sql::Connection),
}

impl Connection {
    /// `lines`: a server over HTTP takes one body of lines on it, with these header lines.
    pub(crate) async fn open(target: &Target, lines: Option<&'static str>) -> Result<Self> {
        Ok(match target {
            Target::Http { address, token } => match lines {
                Some(head) => Self::Lines(lines::Connection::open(*address, token.as_deref(), head).await?),
                None => Self::Http(http::Connection::open(*address, token.as_deref()).await?),
            },
            Target::Nats(address) => Self::Nats(nats::Connection::open(*address).await?),
            Target::Redis(address) => Self::Redis(redis::Connection::open(*address).await?),
            Target::Sql(config) => Self::Sql(sql::Connection::open(config).await?),
        })
    }

    /// For a further round. A server may close a connection over HTTP that idled; one to a database is costly to make
    /// and is kept with the plans that it has.
    pub(crate) async fn again(self, target: &Target) -> Result<Self> {
        match self {
            Self::Http(_) => Self::open(target, None).await,
            Self::Lines(connection) => {
                let head = connection.head();
                connection.end().await?;
                Self::open(target, Some(head)).await
            }
            Self::Nats(_) | Self::Redis(_) | Self::Sql(_) => Ok(self),
        }
    }

    /// Asks, and holds the answer against what is right.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<()> {
        match (self, &request.ask) {
            (Self::Http(connection), Ask::Http { method, path, headers, body }) => {
                let answer = connection.send(method, path, headers, body).await?;
                let right =
                    answer.status == request.status && request.holds.iter().all(|text| holds(answer.body, text));
                ensure!(right, "{method} {path} answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
            }
            (Self::Lines(connection), Ask::Line(line)) => {
                connection.write([line.as_str()].into_iter()).await?;
                request.judge("the stream", &String::from_utf8_lossy(connection.line().await?))?;
            }
            (Self::Nats(connection), Ask::Nats { subject, payload }) => {
                request.judge(subject, &connection.ask(subject, payload).await?)?;
            }
            (Self::Redis(connection), Ask::Redis(words)) => {
                request.judge(&words[0], &connection.ask(words).await?)?;
            }
            (Self::Sql(connection), Ask::Sql { statement, parameters }) => {
                request.judge(statement, &connection.ask(statement, parameters).await?)?;
            }
            (Self::Sql(connection), Ask::Script(statements)) => connection.run(statements).await?,
            _ => bail!(OTHER_KIND),
        }
        Ok(())
    }

    /// Sends these without waiting for an answer.
    pub(crate) async fn write(&mut self, requests: &[Request]) -> Result<()> {
        match self {
            Self::Lines(connection) => {
                let lines = requests.iter().map(|request| match &request.ask {
                    Ask::Line(line) => Ok(line.as_str()),
                    _ => bail!(OTHER_KIND),
                });
                connection.write(lines.collect::<Result<Vec<_>>>()?.into_iter()).await
            }
            Self::Nats(connection) => {
                let all = requests.iter().map(|request| match &request.ask {
                    Ask::Nats { subject, payload } => Ok((*subject, payload.as_str())),
                    _ => bail!(OTHER_KIND),
                });
                connection.write(all.collect::<Result<Vec<_>>>()?).await
            }
            Self::Redis(connection) => {
                let commands = requests.iter().map(|request| match &request.ask {
                    Ask::Redis(words) => Ok(words.as_slice()),
                    _ => bail!(OTHER_KIND),
                });
                connection.write(commands.collect::<Result<Vec<_>>>()?.into_iter()).await
            }
            Self::Http(_) | Self::Sql(_) => bail!(ONE_AT_A_TIME),
        }
    }

    /// Takes the next answer, which is to this request.
    pub(crate) async fn answer(&mut self, request: &Request) -> Result<()> {
        match self {
            Self::Lines(connection) => request.judge("the stream", &String::from_utf8_lossy(connection.line().await?)),
            Self::Nats(connection) => request.judge("the stream", &connection.answer().await?),
            Self::Redis(connection) => request.judge("the stream", &connection.answer().await?),
            Self::Http(_) | Self::Sql(_) => bail!(ONE_AT_A_TIME),
        }
    }

    /// Whether an answer has come that was not taken.
    pub(crate) fn has_answer(&self) -> bool {
        match self {
            Self::Lines(connection) => connection.has_line(),
            Self::Nats(connection) => connection.has_answer(),
            Self::Redis(connection) => connection.has_answer(),
            Self::Http(_) | Self::Sql(_) => false,
        }
    }
}

const OTHER_KIND: &str = "a request of one kind was sent to a target of the other";
const ONE_AT_A_TIME: &str = "such a connection is asked for one thing at a time";

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}
