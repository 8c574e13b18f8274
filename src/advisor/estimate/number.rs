//! Figures of statistics, made safe to calculate with.

/// A figure brought between two bounds; what is no number becomes the lower one.
pub(crate) fn within(value: f64, low: f64, high: f64) -> f64 {
    if value > low { value.min(high) } else { low }
}

/// A share between 0 and 1, whatever the statistics say.
pub(crate) fn fraction(value: f64) -> f64 {
    within(value, 0.0, 1.0)
}

/// The length of a list as a figure.
#[allow(clippy::cast_precision_loss, reason = "lists in memory are short")]
pub(crate) fn count(length: usize) -> f64 {
    length as f64
}
