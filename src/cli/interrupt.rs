//! Ctrl-C and its like: what still runs on the server is cancelled before the process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::{Exit, Failure};

/// How long cancelling and saying goodbye may take: a server that does not answer must not hold the user's terminal.
const PATIENCE: Duration = Duration::from_secs(1);

/// Returns when the user or the system wants us to end.
pub(crate) async fn interrupted() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => signal.recv().await,
            // Without a handler the signal ends the process.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = wait(SignalKind::interrupt()) => {}
        _ = wait(SignalKind::terminate()) => {}
        _ = wait(SignalKind::hangup()) => {}
    }
}

/// Runs a command to its end, or to the first signal. A connection that is dropped while it waits for an answer cancels the
/// statement and says goodbye, each in a task of its own: they are waited for.
pub(crate) async fn unless_interrupted(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let noticed = Arc::new(AtomicBool::new(false));
    let watch = tokio::spawn(exit_if_unnoticed(Arc::clone(&noticed)));
    tokio::select! {
        done = command => {
            watch.abort();
            return done;
        }
        () = interrupted() => noticed.store(true, Ordering::Relaxed),
    }
    eprintln!("pgperf: interrupted");
    let deadline = Instant::now() + PATIENCE;
    // The watch is one that stays.
    while Handle::current().metrics().num_alive_tasks() > 1 && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(Exit::Interrupted)
}

/// Ends the process at a signal that nobody looks at: a long computation and a read of stdin do not, and then nothing runs
/// on the server either. If somebody did look, it ends it when that takes too long.
async fn exit_if_unnoticed(noticed: Arc<AtomicBool>) {
    const MOMENT: Duration = Duration::from_millis(100);
    interrupted().await;
    sleep(MOMENT).await;
    if noticed.load(Ordering::Relaxed) {
        sleep(PATIENCE * 2).await;
    } else {
        eprintln!("pgperf: interrupted");
    }
    std::process::exit(Exit::Interrupted as i32);
}
