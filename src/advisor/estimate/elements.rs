//! Arrays that contain an element: shares of rows by the most common elements.
//!
//! After `mcelem_array_contain_overlap_selec` of `array_selfuncs.c`: elements are taken as independent, and one that is not listed
//! as half as frequent as the rarest that is.

use crate::advisor::estimate::number::fraction;
use crate::advisor::estimate::selectivity::Field;
use crate::query::literal::elements;
use crate::query::shape::Operand;

/// `DEFAULT_CONTAIN_SEL`.
pub(crate) const CONTAIN: f64 = 0.005;

impl<'a> Field<'a> {
    /// The common elements of an array column with the share of its rows that have each; empty for other types.
    pub(crate) fn elements(&self) -> Vec<(&'a str, f64)> {
        let is_array = self.column.is_some_and(|c| c.category == "A");
        let Some(stats) = self.stats().filter(|_| is_array) else {
            return Vec::new();
        };
        let present = 1.0 - self.null_frac();
        let values = stats.most_common_elems.iter().flatten();
        let frequencies = stats.most_common_elem_freqs.iter().flatten();
        (values.zip(frequencies))
            .map(|(value, frequency)| (value.as_str(), fraction(*frequency) * present))
            .filter(|(_, share)| *share > 0.0)
            .collect()
    }

    /// The share of the rows that have an element which is not listed; `None` where none is listed.
    pub(crate) fn unlisted(&self) -> Option<f64> {
        let listed = self.elements();
        let least = listed.iter().map(|(_, share)| *share).reduce(f64::min)?;
        Some((least / 2.0).min(CONTAIN))
    }

    /// What `@>`, `&&` or `= ANY (column)` keeps with constants; `None` where statistics do not tell.
    pub(crate) fn contains(&self, operator: &str, operand: &Operand) -> Option<f64> {
        let parsed;
        let wanted: &[String] = match operand {
            Operand::Literals(values) => values,
            Operand::Literal(value) => {
                parsed = elements(value).unwrap_or_else(|| vec![value.clone()]);
                &parsed
            }
            _ => return None,
        };
        let (listed, unlisted) = (self.elements(), self.unlisted()?);
        let share = |value: &String| {
            let found = listed.iter().find(|(listed, _)| listed == value);
            found.map_or(unlisted, |(_, share)| *share)
        };
        match operator {
            "@>" | "= ANY" => Some(wanted.iter().map(share).product()),
            "&&" => Some(1.0 - wanted.iter().map(|v| 1.0 - share(v)).product::<f64>()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::Column;
    use crate::model::stats::ColumnStats;

    fn tags() -> Column {
        let stats = ColumnStats {
            null_frac: 0.5,
            most_common_elems: Some(vec!["a".into(), "b".into()]),
            // With the least, the greatest, and the share of rows with NULL elements.
            most_common_elem_freqs: Some(vec![0.4, 0.02, 0.02, 0.4, 0.0]),
            ..ColumnStats::default()
        };
        Column {
            name: "tags".into(),
            category: "A".into(),
            base_type: "_text".into(),
            stats: Some(stats),
            ..Column::default()
        }
    }

    fn field(column: &Column) -> Field<'_> {
        Field {
            column: Some(column),
            tuples: 1e6,
            unique: false,
        }
    }

    #[test]
    fn elements_are_independent() {
        let column = tags();
        let field = field(&column);
        let both = Operand::Literals(vec!["a".into(), "b".into()]);
        for (operator, operand, share) in [
            ("@>", &both, Some(0.2 * 0.01)),
            ("&&", &both, Some(1.0 - 0.8 * 0.99)),
            ("@>", &Operand::Literal("{a}".into()), Some(0.2)),
            ("= ANY", &Operand::Literal("b".into()), Some(0.01)),
            ("@>", &Operand::Literal("none".into()), Some(0.005)),
            ("<@", &both, None),
            ("@>", &Operand::Unknown, None),
        ] {
            let told = field.contains(operator, operand);
            let off = told.zip(share).map(|(a, b)| (a - b).abs());
            assert!(off.is_none_or(|off| off < 1e-9) && told.is_some() == share.is_some());
        }
    }

    #[test]
    fn other_types_and_no_statistics_tell_nothing() {
        let vector = Column {
            category: "U".into(),
            ..tags()
        };
        let unknown = Column {
            stats: None,
            ..tags()
        };
        for column in [vector, unknown] {
            assert_eq!(
                field(&column).contains("@>", &Operand::Literal("a".into())),
                None
            );
            assert!(field(&column).elements().is_empty());
        }
    }
}
