//! Counters that only grow until something resets them: what they have in common, and a way to declare a set of them.

/// A set of counters of one thing: a statement, a table, a database.
pub trait Counters: Clone + Default {
    /// All of them, in the order of their declaration.
    fn values(&self) -> Vec<f64>;

    /// Each with its counterpart in another set.
    #[must_use]
    fn zip(&self, other: &Self, with: impl Fn(f64, f64) -> f64) -> Self;

    /// What was counted between an earlier state and this one.
    #[must_use]
    fn minus(&self, earlier: &Self) -> Self {
        self.zip(earlier, |now, then| now - then)
    }

    /// Both together.
    #[must_use]
    fn plus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    /// Whether any of them is less than it was, which only a reset explains.
    fn went_back(&self, earlier: &Self) -> bool;

    /// Whether nothing was counted.
    fn is_zero(&self) -> bool;
}

/// `counters! { /// Doc. pub struct Name { /// Doc. field, … } }`: a struct of `f64` counters, which rows decode into by name;
/// what a version lacks is 0.
macro_rules! counters {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64),+
        }

        impl $crate::model::counters::Counters for $name {
            fn values(&self) -> Vec<f64> {
                vec![$(self.$field),+]
            }

            fn zip(&self, other: &Self, with: impl Fn(f64, f64) -> f64) -> Self {
                Self { $($field: with(self.$field, other.$field)),+ }
            }

            fn went_back(&self, earlier: &Self) -> bool {
                $(self.$field < earlier.$field)||+
            }

            fn is_zero(&self) -> bool {
                $(self.$field == 0.0)&&+
            }
        }
    };
}
pub(crate) use counters;
