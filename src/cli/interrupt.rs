//! Ctrl-C and its like: what still runs on the server is cancelled before the process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::{Exit, Failure};

/// How long cancelling and saying goodbye may take: a server that does not answer must not hold the user's terminal.
const PATIENCE: Duration = Duration::from_secs(1);

/// Returns when the user or the system wants us to end. It listens from the call on, not from the first look at it: a signal
/// that comes in between is not lost, and does not end the process.
pub(crate) fn interrupted() -> impl Future<Output = ()> {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    // Without a handler the signal ends the process.
    let mut signals: Vec<Signal> = kinds.into_iter().filter_map(|k| signal(k).ok()).collect();
    std::future::poll_fn(move |context| {
        let came = |signal: &mut Signal| signal.poll_recv(context).is_ready();
        if signals.iter_mut().any(came) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}

/// Runs a command to its end, or to the first signal. A connection that is dropped while it waits for an answer cancels the
/// statement and says goodbye, each in a task of its own: they are waited for.
pub(crate) async fn unless_interrupted(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let interrupt = interrupted();
    let noticed = Arc::new(AtomicBool::new(false));
    let watch = tokio::spawn(exit_if_unnoticed(interrupted(), Arc::clone(&noticed)));
    tokio::select! {
        done = command => {
            watch.abort();
            return done;
        }
        () = interrupt => noticed.store(true, Ordering::Relaxed),
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
async fn exit_if_unnoticed(interrupt: impl Future<Output = ()>, noticed: Arc<AtomicBool>) {
    const MOMENT: Duration = Duration::from_millis(100);
    interrupt.await;
    sleep(MOMENT).await;
    if noticed.load(Ordering::Relaxed) {
        sleep(PATIENCE * 2).await;
    } else {
        eprintln!("pgperf: interrupted");
    }
    std::process::exit(Exit::Interrupted as i32);
}
