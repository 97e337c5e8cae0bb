//! One unit of work as a side is asked for it, and where it is asked.

use crate::http;
use crate::nats;
use crate::redis;
use crate::sql;
use anyhow::{Result, ensure};
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

    /// Right only if the answer holds this text, too.
    pub(crate) fn holding(mut self, text: impl Into<String>) -> Self {
        self.holds.push(text.into());
        self
    }
}

/// One open connection.
pub(crate) enum Connection {
    Http(http::Connection),
    Nats(nats::Connection),
    Redis(redis::Connection),
    Sql(sql::Connection),
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        Ok(match target {
            Target::Http { address, token } => Self::Http(http::Connection::open(*address, token.as_deref()).await?),
            Target::Nats(address) => Self::Nats(nats::Connection::open(*address).await?),
            Target::Redis(address) => Self::Redis(redis::Connection::open(*address).await?),
            Target::Sql(config) => Self::Sql(sql::Connection::open(config).await?),
        })
    }

    /// For a further round. A server may close a connection over HTTP that idled; one to a database is costly to make
    /// and is kept with the plans that it has.
    pub(crate) async fn again(self, target: &Target) -> Result<Self> {
        match self {
            Self::Http(_) => Self::open(target).await,
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
            (Self::Nats(connection), Ask::Nats { subject, payload }) => {
                let answer = connection.ask(subject, payload).await?;
                let right = request.holds.iter().all(|text| answer.contains(text));
                ensure!(right, "{subject} answered {answer}");
            }
            (Self::Redis(connection), Ask::Redis(words)) => {
                let answer = connection.ask(words).await?;
                let right = request.holds.iter().all(|text| answer.contains(text))
                    && request.is.as_ref().is_none_or(|is| *is == answer);
                ensure!(right, "{} answered {answer}", words[0]);
            }
            (Self::Sql(connection), Ask::Sql { statement, parameters }) => {
                let answer = connection.ask(statement, parameters).await?;
                let right = request.holds.iter().all(|text| answer.contains(text));
                ensure!(right, "{statement} answered {answer}");
            }
            (Self::Sql(connection), Ask::Script(statements)) => connection.run(statements).await?,
            _ => anyhow::bail!("a request of one kind was sent to a target of the other"),
        }
        Ok(())
    }
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}
