//! The collector: reads samples over a connection of its own, and connects again when it is lost.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::load;
use crate::model::sample::Wants;
use crate::pg::collect::Ticker;
use crate::pg::connect::{ConnectOptions, Connection};
use crate::pg::error::{Error, Kind};
use crate::tui::message::Message;

/// The share of the time that reading may take: a slow server is asked less often.
const BUSY: f64 = 0.05;

/// So many questions a sample is, at least: what their way to the server and back takes is not the server's time.
const QUESTIONS: f64 = 5.0;

/// Roles are read, and the way is measured, again after so many samples.
const ROLES_EVERY: u32 = 60;

/// Waits between attempts to connect, seconds.
const RETRIES: &[f64] = &[0.5, 1.0, 2.0, 5.0, 10.0];

/// For sessions of our own: short limits, and nothing of what would make a small query slow. What a function returns is kept in
/// `work_mem`, or written to a file: thousands of statements with their texts take some megabytes. What is known of them is a
/// constant of a custom plan, which is hashed; a generic one would go through it for each row.
const SETTINGS: &str = "set /* pgperf */ statement_timeout = '5s'; set /* pgperf */ lock_timeout = '100ms'; \
    set /* pgperf */ jit = off; set /* pgperf */ max_parallel_workers_per_gather = 0; set /* pgperf */ work_mem = '64MB'; \
    set /* pgperf */ plan_cache_mode = force_custom_plan";

/// What is read and how often, seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Orders {
    /// In every sample: what is shown.
    pub(super) wants: Wants,
    /// In every few samples: what may be shown next.
    pub(super) seldom: Wants,
    /// From sample to sample, seconds.
    pub(super) interval: f64,
}

/// Reads until nobody listens.
pub(super) async fn collect(
    first: Connection,
    options: ConnectOptions,
    mut orders: watch::Receiver<Orders>,
    messages: UnboundedSender<Message>,
) {
    let mut connection = Some(first);
    let mut attempt = 0;
    loop {
        let read = match connection.take() {
            Some(connection) => Ok(connection),
            None => load::connect_quietly(&options).await,
        };
        let error = match read {
            Ok(connection) => {
                let mut count = 0;
                let ended = sample(&connection, &mut orders, &messages, &mut count).await;
                if count > 0 {
                    attempt = 0;
                }
                match ended {
                    Ok(()) => return,
                    Err(error) => error.message,
                }
            }
            Err(error) => error.message().to_owned(),
        };
        let wait = RETRIES[attempt.min(RETRIES.len() - 1)];
        attempt += 1;
        if messages.send(Message::Lost(error, wait)).is_err() {
            return;
        }
        sleep(Duration::from_secs_f64(wait)).await;
    }
}

/// Settings of a session that looks all the time. Behind a pooler they would be somebody else's.
pub(super) async fn prepare(connection: &Connection) -> Result<(), Error> {
    if connection.is_pooled() {
        return Ok(());
    }
    connection.simple(SETTINGS).await?;
    // Only a superuser may keep its own statements out of the statistics; a refusal changes nothing.
    let _ = connection
        .simple("set /* pgperf */ pg_stat_statements.track = 'none'")
        .await;
    Ok(())
}

/// Samples over one connection, until it is lost.
async fn sample(
    connection: &Connection,
    orders: &mut watch::Receiver<Orders>,
    messages: &UnboundedSender<Message>,
    count: &mut u32,
) -> Result<(), Error> {
    prepare(connection).await?;
    let seldom = orders.borrow().seldom;
    let mut ticker = Ticker::new(connection, seldom).await?;
    let (mut told, mut way) = (0.0, 0.0);
    loop {
        if count.is_multiple_of(ROLES_EVERY) {
            let asked = Instant::now();
            connection.simple("select /* pgperf */ 1").await?;
            way = asked.elapsed().as_secs_f64();
            let roles = ticker.roles().await?;
            let _ = messages.send(Message::Roles(roles));
        }
        let Orders {
            wants, interval, ..
        } = *orders.borrow_and_update();
        let start = Instant::now();
        match ticker.tick(wants).await {
            Ok(sample) => {
                if messages.send(Message::Sample(Box::new(sample))).is_err() {
                    return Ok(());
                }
            }
            // A tick that ran into its limit is left out; it was told by being late.
            Err(error) if error.kind == Kind::Timeout => {
                let _ = messages.send(Message::Told(format!(
                    "a sample was left out: {}",
                    error.message
                )));
            }
            Err(error) => return Err(error),
        }
        *count += 1;
        let took = (start.elapsed().as_secs_f64() - QUESTIONS * way).max(0.0);
        let every = interval.max(took / BUSY);
        if (every - told).abs() > 0.2 * told {
            told = every;
            let _ = messages.send(Message::Slowed(every));
        }
        // Other orders are not waited for: a screen that was opened is to be filled.
        tokio::select! {
            () = sleep_until(start + Duration::from_secs_f64(every)) => {}
            changed = orders.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}
