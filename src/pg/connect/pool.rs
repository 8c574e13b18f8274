//! Several sessions to one target, for what-if questions asked in parallel.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, PoolError, RecyclingMethod};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use crate::pg::Error;
use crate::pg::connect::dial::{self, Facts};
use crate::pg::connect::session::{Canceller, Connection};
use crate::pg::connect::target::Target;
use crate::pg::error::Kind;

/// At most `size` sessions to one target, opened when first needed and used again.
#[derive(Clone)]
pub struct Pool {
    sessions: deadpool_postgres::Pool,
    dialer: Dialer,
    running: Running,
}

/// The sessions that are in use.
type Running = Arc<Mutex<BTreeMap<u64, Canceller>>>;

/// A pool of at most `size` (at least one) sessions to `target`. Nothing is connected yet.
///
/// # Panics
/// Never: without time limits the pool needs no runtime, which is all that building one can lack.
#[must_use]
pub fn pool(target: &Target, size: usize) -> Pool {
    let dialer = Dialer {
        target: target.clone(),
        outcome: Arc::default(),
    };
    // A session may come back in the middle of a transaction.
    let config = ManagerConfig {
        recycling_method: RecyclingMethod::Custom("rollback /* pgperf */".to_owned()),
    };
    let manager = Manager::from_connect(Config::new(), dialer.clone(), config);
    let sessions = deadpool_postgres::Pool::builder(manager).max_size(size.max(1));
    let sessions = sessions
        .build()
        .expect("a pool without time limits needs no runtime");
    Pool {
        sessions,
        dialer,
        running: Arc::default(),
    }
}

impl Pool {
    /// A session; waits while all are in use. It goes back when it is dropped.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn get(&self) -> Result<Connection, Error> {
        let session = self.sessions.get().await.map_err(|error| match error {
            PoolError::Backend(error) => {
                let reason = lock(&self.dialer.outcome).error.take();
                reason.unwrap_or_else(|| error.into())
            }
            other => Error::new(Kind::Lost, other.to_string()),
        })?;
        let facts = lock(&self.dialer.outcome).facts.clone();
        let facts = facts.ok_or_else(|| Error::new(Kind::Lost, "a session without an origin"))?;
        let mut connection = Connection::pooled(session, facts);
        let mut running = lock(&self.running);
        let number = running.last_key_value().map_or(0, |(last, _)| last + 1);
        running.insert(number, connection.canceller());
        connection.checkout = Some(Checkout {
            number,
            running: Arc::clone(&self.running),
        });
        Ok(connection)
    }

    /// Says goodbye to the server, so that it does not log lost connections when the process ends. Sessions still in use get
    /// a second to come back.
    pub async fn close(self) {
        self.sessions.close();
        let tasks = std::mem::take(&mut lock(&self.dialer.outcome).tasks);
        for task in tasks {
            let _ended = tokio::time::timeout(GOODBYE, task).await;
        }
    }

    /// Cancels whatever the sessions in use are running.
    pub async fn cancel(&self) {
        let running: Vec<Canceller> = lock(&self.running).values().cloned().collect();
        for canceller in running {
            canceller.cancel().await;
        }
    }
}

/// How long [`Pool::close`] waits for a session.
const GOODBYE: Duration = Duration::from_secs(1);

/// A session's stay outside of the pool.
pub(super) struct Checkout {
    number: u64,
    running: Running,
}

impl Drop for Checkout {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.number);
    }
}

/// Opens the pool's sessions as [`Connection::open`] does. deadpool passes on only a client or tokio-postgres's own error, so
/// the rest of the outcome is left here.
#[derive(Clone)]
struct Dialer {
    target: Target,
    outcome: Arc<Mutex<Outcome>>,
}

#[derive(Default)]
struct Outcome {
    facts: Option<Facts>,
    error: Option<Error>,
    /// The tasks that drive the sessions.
    tasks: Vec<JoinHandle<()>>,
}

impl Connect for Dialer {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Dialed> + Send + '_>> {
        Box::pin(async {
            let dialed = dial::dial(&self.target).await;
            let mut outcome = lock(&self.outcome);
            match dialed {
                Ok(session) => {
                    outcome.facts = Some(session.facts);
                    // deadpool aborts the task it is given when it drops the session, and the server would log a lost
                    // connection. The session's own task says goodbye when its client is dropped.
                    outcome.tasks.retain(|task| !task.is_finished());
                    outcome.tasks.push(session.task);
                    Ok((session.client, tokio::spawn(async {})))
                }
                Err(error) => {
                    outcome.error = Some(error);
                    Err(placeholder())
                }
            }
        })
    }
}

type Dialed = Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

/// Some error of tokio-postgres's, which offers no constructor.
fn placeholder() -> tokio_postgres::Error {
    let parsed = "not a connection string".parse::<Config>();
    parsed.expect_err("a word without = is no connection string")
}

/// A panic elsewhere leaves these maps whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
