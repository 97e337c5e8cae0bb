//! One connection to `PostgreSQL`, with its statements prepared.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

/// One connection; each statement is parsed and planned on it once.
pub(crate) struct Connection {
    client: Client,
    statements: BTreeMap<&'static str, Statement>,
}

impl Connection {
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let (client, connection) = config.connect(NoTls).await.context("connect to PostgreSQL")?;
        // Ends with the client; an error of the connection reaches whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self { client, statements: BTreeMap::new() })
    }

    /// The text of the one row that a statement gives.
    pub(crate) async fn ask(&mut self, text: &'static str, parameters: &[String]) -> Result<String> {
        let statement = match self.statements.get(text) {
            Some(statement) => statement.clone(),
            None => self.prepare(text).await?,
        };
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|one| one as &(dyn ToSql + Sync)).collect();
        let row = self.client.query_one(&statement, &parameters).await.with_context(|| text.to_owned())?;
        Ok(row.try_get(0)?)
    }

    pub(crate) async fn run(&mut self, statements: &str) -> Result<()> {
        Ok(self.client.batch_execute(statements).await?)
    }

    async fn prepare(&mut self, text: &'static str) -> Result<Statement> {
        let statement = self.client.prepare(text).await.with_context(|| format!("prepare {text}"))?;
        self.statements.insert(text, statement.clone());
        Ok(statement)
    }
}
