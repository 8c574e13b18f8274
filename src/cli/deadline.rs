//! `--deadline`: until when the planner is asked.

use std::time::{Duration, Instant};

use tokio::time::timeout_at;

/// Until when to ask; `None` = as long as there are questions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Deadline(Option<(Instant, Instant)>);

impl Deadline {
    /// So long from now on.
    pub(crate) fn after(time: Duration) -> Self {
        let now = Instant::now();
        // What lies beyond the clock's end never comes.
        Self(now.checked_add(time).map(|end| (now, end)))
    }

    /// When this share of the whole time has passed.
    pub(crate) fn early(self, share: f64) -> Self {
        let early = |(start, end): (Instant, Instant)| {
            let time = end.saturating_duration_since(start);
            (start, start + time.mul_f64(share))
        };
        Self(self.0.map(early))
    }

    /// When half of the time that is left has passed.
    pub(crate) fn halfway(self) -> Self {
        let now = Instant::now();
        Self(self.0.map(|(_, end)| (now, end))).early(0.5)
    }

    /// Whether time is up.
    pub(crate) fn is_past(self) -> bool {
        self.0.is_some_and(|(_, end)| Instant::now() >= end)
    }

    /// How much time is left; `None` = without end.
    pub(crate) fn left(self) -> Option<Duration> {
        let now = Instant::now();
        self.0.map(|(_, end)| end.saturating_duration_since(now))
    }

    /// What a future gives, if it does so in time; else it is dropped.
    pub(crate) async fn bound<T>(self, future: impl Future<Output = T>) -> Option<T> {
        match self.0 {
            Some(_) if self.is_past() => None,
            Some((_, end)) => timeout_at(end.into(), future).await.ok(),
            None => Some(future.await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_too_late_is_dropped() {
        let never = std::future::pending::<()>;
        let passed = Deadline::after(Duration::ZERO);
        assert!(passed.is_past());
        assert_eq!(passed.bound(never()).await, None);
        assert_eq!(passed.left(), Some(Duration::ZERO));
        assert_eq!(Deadline::default().left(), None);
        // That it would be ready does not count either.
        assert_eq!(passed.bound(async { 1 }).await, None);
        let soon = Deadline::after(Duration::from_secs(3600));
        assert!(!soon.is_past() && !soon.halfway().is_past() && !soon.early(0.5).is_past());
        assert!(soon.early(0.0).is_past());
        assert_eq!(soon.bound(async { 1 }).await, Some(1));
        assert_eq!(Deadline::default().bound(async { 1 }).await, Some(1));
        assert!(!Deadline::default().early(0.0).is_past());
    }
}
