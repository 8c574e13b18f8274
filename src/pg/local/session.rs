//! A plain session on a throwaway server, free to write: what `Connection` protects against is wanted here.

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::pg::Error;

/// One session on a server that will be thrown away. Never opened on anybody's real server.
pub struct Session {
    client: Client,
}

impl Session {
    /// Connects, without TLS.
    ///
    /// # Errors
    /// As the server says.
    pub async fn open(conninfo: &str) -> Result<Self, Error> {
        let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await?;
        // Ends when the client is dropped; its error, if any, is also that of the statement that was running.
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// Runs one or more statements and discards what they return. Several are one transaction.
    ///
    /// # Errors
    /// As the server says.
    pub async fn run(&self, sql: &str) -> Result<(), Error> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Runs several statements and returns the first column of the last one's rows as text, a NULL as the empty text.
    ///
    /// # Errors
    /// As the server says.
    pub async fn last(&self, sql: &str) -> Result<Vec<String>, Error> {
        let mut rows = Vec::new();
        let mut complete = false;
        for message in self.client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(_) => {
                    rows.clear();
                    complete = false;
                }
                SimpleQueryMessage::Row(row) if !complete => {
                    rows.push(row.get(0).unwrap_or_default().to_owned());
                }
                SimpleQueryMessage::CommandComplete(_) => complete = true,
                _ => {}
            }
        }
        Ok(rows)
    }

    /// Runs one statement and returns its first column as text; NULLs are left out.
    ///
    /// # Errors
    /// As the server says.
    pub async fn column(&self, sql: &str) -> Result<Vec<String>, Error> {
        let messages = self.client.simple_query(sql).await?;
        let value = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok(messages.iter().filter_map(value).collect())
    }
}
