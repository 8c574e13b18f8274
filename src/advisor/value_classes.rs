//! Which values a skewed column is asked for, and how often: a statement with `status = $1` is cheap for one value and dear for
//! another, and the mean of both is neither.
//!
//! The values that statistics know are put into classes of about the same frequency, each with one value that stands for it.
//! How often each is asked for is taken to go with a power of its frequency, `p ∝ f^a`: with a = 0 every value is asked for
//! equally often, with a = 1 as often as rows have it, with a < 0 the rare ones are (a queue asks for what is open). Where the
//! server counted the statement's rows (`usual::rows_counted`), `rows / calls` decides the power: the mean frequency of what is
//! asked for has to be what was returned. Elsewhere it is [`UNKNOWN_POWER`], and the classes say that they were not counted.
//! The planner is asked about each class, as it would be by a driver that sends values; a statement costs their mean.
//!
//! Where the statement was seen with several constants (a file, running sessions), those are the values, and the texts that keep
//! about the same share of the rows are a class.

use std::collections::BTreeMap;

use crate::advisor::estimate::base::{Base, column_at};
use crate::advisor::estimate::selectivity::Field;
use crate::advisor::usual::{is_certain, parameters, rows_counted};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operand, Operator, Shape};
use crate::query::usual::{single_parameters, usual_text};
use crate::query::workload::{Assumed, Query, Usual, ValueClass};

/// Least frequency of the most common value for which the planner would rather not use an index.
const COMMON: f64 = 0.05;
/// The most common value is so many times as frequent as the rarest, or all are found alike.
const SKEWED: f64 = 10.0;
/// Values of one class differ in frequency by no more than this factor.
const ALIKE: f64 = 5.0;
/// A class asked for less often has no say.
const SELDOM: f64 = 0.01;
/// Between values that are asked for equally often and as often as rows have them.
const UNKNOWN_POWER: f64 = 0.5;
/// Beyond these only the rarest or the most common value is asked for.
const POWERS: [f64; 2] = [-16.0, 16.0];

/// A value, or several that are alike.
#[derive(Debug, Clone, PartialEq)]
struct Known<'a> {
    value: &'a str,
    /// Share of the rows that have it.
    frequency: f64,
    /// How many values it stands for.
    values: f64,
}

/// A parameter that a skewed column is compared with.
struct Skewed<'a> {
    relation: usize,
    predicate: usize,
    parameter: usize,
    column: &'a str,
    /// Frequency that the planner takes for an unknown value.
    generic: f64,
    known: Vec<Known<'a>>,
}

/// The classes of the statement's most skewed column, at least two; none where all values are found alike, or one class has
/// nearly all executions. The other columns are left to the planner's means.
pub(super) fn value_classes(query: &Query, snapshot: &Snapshot) -> Vec<ValueClass> {
    let sent = sent(query, snapshot);
    if !sent.is_empty() {
        return sent;
    }
    let Some(Asked {
        skewed,
        counted,
        classes,
    }) = asked(query, snapshot)
    else {
        return Vec::new();
    };
    if classes.len() < 2 {
        return Vec::new();
    }
    let class = |(share, known): (f64, Known<'_>)| {
        let values = BTreeMap::from([(skewed.parameter, known.value.to_owned())]);
        let (text, parameters) = usual_text(&query.text, query.rows_per_call, &values);
        let mut shape = query.shape.clone();
        shape.relations[skewed.relation].predicates[skewed.predicate].operand =
            Operand::Literal(known.value.to_owned());
        let assumed = Assumed {
            column: skewed.column.to_owned(),
            share: known.frequency,
            generic: skewed.generic,
            calls: Some(share),
            counted,
        };
        ValueClass {
            share,
            usual: Usual {
                text,
                parameters,
                assumed: vec![assumed],
            },
            shape,
        }
    };
    classes.into_iter().map(class).collect()
}

/// The values that a statement's most skewed column is asked for.
struct Asked<'a> {
    skewed: Skewed<'a>,
    /// Whether the rows returned say how often.
    counted: bool,
    /// With their shares of the executions, most common first.
    classes: Vec<(f64, Known<'a>)>,
}

fn asked<'a>(query: &'a Query, snapshot: &'a Snapshot) -> Option<Asked<'a>> {
    let skewed = most_skewed(query, snapshot)?;
    let counted = mean_frequency(query, &skewed, snapshot);
    let power = counted.map_or(UNKNOWN_POWER, |mean| power(&skewed.known, mean));
    let classes = classes(&skewed.known, power);
    Some(Asked {
        skewed,
        counted: counted.is_some(),
        classes,
    })
}

/// The parameter that the most skewed column is compared with, and the values that it is asked for, most common first; nothing where
/// all values are found alike.
pub(super) fn asked_values(
    query: &Query,
    snapshot: &Snapshot,
) -> Option<(usize, Vec<(f64, String)>)> {
    let asked = asked(query, snapshot)?;
    let values = asked.classes.iter();
    let values = values.map(|(share, known)| (*share, known.value.to_owned()));
    Some((asked.skewed.parameter, values.collect()))
}

/// Values of a column in the order of their frequencies: those that few rows have count as often as there are such values, so that
/// the one in the middle is what a random one of them is like. Nothing where statistics have none.
pub(super) fn ordinary(field: Field<'_>, wanted: usize) -> Vec<String> {
    let Some(stats) = field.stats() else {
        return Vec::new();
    };
    let known = known(field);
    let half = known.iter().map(|k| k.values).sum::<f64>() / 2.0;
    let mut passed = 0.0;
    let middle = known.iter().find(|k| {
        passed += k.values;
        passed >= half
    });
    let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
    let from = bounds.len() / 2;
    let others = bounds[from..].iter().chain(&bounds[..from]);
    let common = stats.most_common_vals.iter().flatten();
    let mut values: Vec<String> = Vec::new();
    let first = middle.map(|k| k.value.to_owned());
    for value in first
        .into_iter()
        .chain(others.cloned())
        .chain(common.cloned())
    {
        if values.len() >= wanted {
            break;
        }
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// The classes of a statement that was sent with several constants: its texts, as far as they keep different shares of the tables.
/// Nothing has to be told there; each class has the text that was sent most.
fn sent(query: &Query, snapshot: &Snapshot) -> Vec<ValueClass> {
    if query.variants.is_empty() {
        return Vec::new();
    }
    let others: f64 = query.variants.iter().map(|v| v.calls).sum();
    let own = (query.text.as_str(), query.calls - others, &query.shape);
    let all = (query.variants.iter()).map(|v| (v.text.as_str(), v.calls, &v.shape));
    let mut texts: Vec<(f64, f64, &str, &Shape)> = (std::iter::once(own).chain(all))
        .map(|(text, calls, shape)| (kept(shape, snapshot), calls.max(0.0), text, shape))
        .collect();
    texts.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let mut groups: Vec<Vec<(f64, f64, &str, &Shape)>> = Vec::new();
    for text in texts {
        match groups.last_mut() {
            Some(group) if group[0].0 <= ALIKE * text.0 => group.push(text),
            _ => groups.push(vec![text]),
        }
    }
    let class = |group: &Vec<(f64, f64, &str, &Shape)>| {
        let calls: f64 = group.iter().map(|g| g.1).sum();
        let (_, _, text, shape) = group.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let (text, parameters) = usual_text(text, query.rows_per_call, &BTreeMap::new());
        let usual = Usual {
            text,
            parameters,
            assumed: Vec::new(),
        };
        let part = calls / query.calls.max(f64::MIN_POSITIVE);
        Some((part, (usual, (*shape).clone())))
    };
    let classes = often_enough(groups.iter().filter_map(class));
    // Where all executions are known with their values, even one class tells more than the text without any.
    let all_known = others >= (1.0 - SELDOM) * query.calls;
    if classes.len() < 2 && !all_known {
        return Vec::new();
    }
    let class = |(share, (usual, shape))| ValueClass {
        share,
        usual,
        shape,
    };
    classes.into_iter().map(class).collect()
}

/// Share of its tables' rows that a statement's conditions keep, as far as statistics tell.
fn kept(shape: &Shape, snapshot: &Snapshot) -> f64 {
    let of_table = |relation| Base::without_indexes(relation, &[], &[], false, snapshot).share;
    shape.relations.iter().map(of_table).product()
}

/// Those with more than next to no executions; their shares sum to 1.
fn often_enough<T>(classes: impl Iterator<Item = (f64, T)>) -> Vec<(f64, T)> {
    let mut kept: Vec<(f64, T)> = classes.filter(|(share, _)| *share >= SELDOM).collect();
    let all: f64 = kept.iter().map(|(share, _)| share).sum();
    for (share, _) in &mut kept {
        *share /= all;
    }
    kept
}

/// Of the columns that are compared with an unknown value by equality, the one whose most common value has most rows.
fn most_skewed<'a>(query: &'a Query, snapshot: &'a Snapshot) -> Option<Skewed<'a>> {
    let free = single_parameters(&query.text);
    let mut best: Option<Skewed<'a>> = None;
    for (number, relation) in query.shape.relations.iter().enumerate() {
        let base = Base::without_indexes(relation, &[], &[], false, snapshot);
        for (at, predicate) in relation.predicates.iter().enumerate() {
            let Some([parameter]) = parameters(predicate, &free) else {
                continue;
            };
            let plain = matches!(predicate.operand, Operand::Parameters(_));
            let field = base.field(column_at(base.table, &predicate.column));
            if !plain || predicate.operator != Operator::Eq || field.unique {
                continue;
            }
            let known = known(field);
            let most = |known: &[Known<'_>]| known.first().map_or(0.0, |k| k.frequency);
            if is_skewed(&known) && best.as_ref().is_none_or(|b| most(&known) > most(&b.known)) {
                best = Some(Skewed {
                    relation: number,
                    predicate: at,
                    parameter: *parameter,
                    column: &predicate.column,
                    generic: field.equals_unknown(),
                    known,
                });
            }
        }
    }
    best
}

/// The values of a column, most common first: each of the common ones, and one for the rest. Nothing where the rest has no value
/// to show.
fn known(field: Field<'_>) -> Vec<Known<'_>> {
    let Some(stats) = field.stats() else {
        return Vec::new();
    };
    let values = stats.most_common_vals.iter().flatten();
    let frequencies = stats.most_common_freqs.iter().flatten();
    let mut known: Vec<Known<'_>> = values
        .zip(frequencies)
        .map(|(value, &frequency)| Known {
            value,
            frequency,
            values: 1.0,
        })
        .filter(|k| k.frequency.is_finite() && k.frequency > 0.0)
        .collect();
    known.sort_by(|a, b| b.frequency.total_cmp(&a.frequency));
    let common: f64 = known.iter().map(|k| k.frequency).sum();
    #[allow(clippy::cast_precision_loss, reason = "at most 10,000 common values")]
    let others = (field.distinct() - known.len() as f64).floor();
    let rest = 1.0 - common - field.null_frac();
    if others < 1.0 || rest <= 0.0 {
        return known;
    }
    let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
    let Some(value) = bounds.get(bounds.len() / 2) else {
        return Vec::new();
    };
    known.push(Known {
        value,
        frequency: rest / others,
        values: others,
    });
    known
}

fn is_skewed(known: &[Known<'_>]) -> bool {
    let ends = known.first().zip(known.last());
    ends.is_some_and(|(most, least)| {
        most.frequency >= COMMON && most.frequency >= SKEWED * least.frequency
    })
}

/// The mean frequency of the values asked for, by the rows that the server counted; none where it did not, or where something
/// else could be the reason.
fn mean_frequency(query: &Query, skewed: &Skewed<'_>, snapshot: &Snapshot) -> Option<f64> {
    let counted = rows_counted(query, snapshot)?;
    let base = Base::without_indexes(query.shape.relations.first()?, &[], &[], false, snapshot);
    let expected = base.tuples * base.share;
    (expected > 0.0 && is_certain(&base)).then(|| skewed.generic * counted / expected)
}

/// The power with which the mean frequency of what is asked for is this one. The mean grows with the power: its derivative is
/// the covariance of frequency and its logarithm.
fn power(known: &[Known<'_>], mean: f64) -> f64 {
    let [mut low, mut high] = POWERS;
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        let asked: f64 = (shares(known, middle).zip(known))
            .map(|(share, k)| share * k.frequency)
            .sum();
        if asked < mean {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// How often each value is asked for, shares of all executions.
fn shares(known: &[Known<'_>], power: f64) -> impl Iterator<Item = f64> {
    // By logarithms: a frequency of a millionth to the 16th is no number any more.
    let weights: Vec<f64> = (known.iter())
        .map(|k| k.values.ln() + power * k.frequency.ln())
        .collect();
    let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = weights.iter().map(|w| (w - most).exp()).sum();
    weights.into_iter().map(move |w| (w - most).exp() / sum)
}

/// The values in classes, each with its share of the executions and with the value that is nearest to what is asked of it in the
/// mean; those with next to no executions left out.
fn classes<'a>(known: &[Known<'a>], power: f64) -> Vec<(f64, Known<'a>)> {
    let mut groups: Vec<Vec<(f64, &Known<'a>)>> = Vec::new();
    for (share, k) in shares(known, power).zip(known) {
        match groups.last_mut() {
            Some(group) if group[0].1.frequency <= ALIKE * k.frequency => group.push((share, k)),
            _ => groups.push(vec![(share, k)]),
        }
    }
    let class = |group: &Vec<(f64, &Known<'a>)>| {
        let share: f64 = group.iter().map(|(share, _)| share).sum();
        let mean = group.iter().map(|(s, k)| s * k.frequency).sum::<f64>() / share;
        let off = |k: &Known<'_>| (k.frequency / mean).ln().abs();
        let stands = (group.iter()).min_by(|a, b| off(a.1).total_cmp(&off(b.1)))?;
        Some((share, stands.1.clone()))
    };
    often_enough(groups.iter().filter_map(class))
}

/// Whether nobody knows how often the statement asks for which value.
pub(super) fn is_guessed(query: &Query) -> bool {
    query.assumed().any(|a| !a.counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::usual::assume_values;
    use crate::model::statement::Source;
    use crate::query::testing::{catalog, with_statements};
    use crate::query::workload::{WorkloadOptions, workload};

    const SHOP: &str = "
create table orders ( -- rows=100000 pages=1000
  id int primary key,
  customer_id int not null, -- n_distinct=10000 mcv={7:0.06,8:0.01} histogram={1,2,3}
  tenant int not null, -- n_distinct=1000 mcv={1:0.5} histogram={2,3,4}
  status text not null, -- n_distinct=4 mcv={done:0.95,open:0.04,new:0.009,bad:0.001}
  half bool not null, -- n_distinct=2 mcv={t:0.6,f:0.4}
  code text not null, -- n_distinct=1000 mcv={x:0.9}
  paid bool not null, -- n_distinct=2 mcv={t:0.99,f:0.01}
  note text
);
create table customers (id int primary key, email text);";

    /// The workload's only query, with so many rows returned per call.
    fn query(sql: &str, rows_per_call: i64) -> Query {
        let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
        snapshot.statements[0].rows = 100 * rows_per_call;
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
        assume_values(&mut workload, &snapshot);
        workload.queries.remove(0)
    }

    /// "done 0.203 | new 0.797": the literals put in and their shares.
    fn shown(query: &Query) -> String {
        let literal = |text: &str| text.split('\'').nth(1).unwrap_or("?").to_owned();
        let parts: Vec<String> = (query.classes.iter())
            .map(|c| format!("{} {:.3}", literal(&c.usual.text), c.share))
            .collect();
        parts.join(" | ")
    }

    #[test]
    fn rows_returned_tell_how_often_which_value_is_asked_for() {
        let sql = "select * from orders where status = $1";
        for (rows, expected) in [
            (60_000, "done 0.622 | open 0.323 | bad 0.055"),
            (25_000, "done 0.250 | open 0.500 | bad 0.250"),
            (2_000, "done 0.015 | new 0.290 | bad 0.696"),
        ] {
            let query = query(sql, i64::from(rows));
            let mean: f64 = (query.classes.iter())
                .map(|c| c.share * c.usual.assumed[0].share)
                .sum();
            assert_eq!(shown(&query), expected, "{rows} rows");
            // The value that stands for a class is not quite its mean.
            let off = mean / f64::from(rows) * 100_000.0;
            assert!((0.8..1.25).contains(&off), "{rows} rows, {mean}");
            assert!(query.assumed().all(|a| a.counted));
            assert!(!is_guessed(&query));
        }
    }

    #[test]
    fn one_value_that_explains_the_rows_is_all_there_is() {
        for rows in [95_000, 900, 100, 3] {
            let query = query("select * from orders where status = $1", rows);
            assert_eq!(shown(&query), "", "{rows}");
            assert_eq!(query.usual.assumed.len(), 1, "{rows}");
        }
    }

    #[test]
    fn without_counted_rows_common_values_are_asked_for_more_often_than_rare_ones() {
        let joined = "select count(*) from orders o join customers c on c.id = o.customer_id where";
        for (condition, expected) in [
            ("status = $1", "done 0.749 | open 0.227 | bad 0.024"),
            ("tenant = $1", "1 0.031 | 3 0.969"),
            ("paid = $1", "t 0.909 | f 0.091"),
            // The other columns are left to the mean.
            (
                "o.tenant = $1 and status = $2",
                "done 0.749 | open 0.227 | bad 0.024",
            ),
        ] {
            let query = query(&format!("{joined} {condition}"), 1);
            assert_eq!(shown(&query), expected, "{condition}");
            assert!(is_guessed(&query));
            let sum: f64 = query.ways().map(|(share, ..)| share).sum();
            assert!((sum - 1.0).abs() < 1e-9);
        }
    }

    /// The workload's only query when these texts were sent so often.
    fn from_file(texts: &[(&str, i64)]) -> Query {
        let statements: Vec<_> = texts
            .iter()
            .map(|(sql, calls)| (*sql, *calls, 10.0))
            .collect();
        let mut snapshot = with_statements(catalog(SHOP), &statements);
        for statement in &mut snapshot.statements {
            statement.source = Source::File;
        }
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
        assume_values(&mut workload, &snapshot);
        workload.queries.remove(0)
    }

    #[test]
    fn texts_that_keep_different_shares_are_classes() {
        let query = from_file(&[
            (
                "select * from orders where status = 'done' and half = true",
                20,
            ),
            (
                "select * from orders where status = 'new' and half = true",
                50,
            ),
            (
                "select * from orders where status = 'open' and half = true",
                30,
            ),
        ]);
        assert_eq!(shown(&query), "done 0.200 | new 0.800");
        assert!(query.assumed().next().is_none() && !is_guessed(&query));
        for alike in [
            "select * from orders where id = 7",
            "select * from orders where id = 8",
        ] {
            let query = from_file(&[(alike, 20), ("select * from orders where id = 9", 30)]);
            assert_eq!(query.ways().count(), 1, "{alike}");
        }
    }

    #[test]
    fn what_behaves_alike_or_cannot_be_told_has_no_classes() {
        for sql in [
            // No value is much more frequent than another, or the most common one is found by an index as well.
            "select count(*) from orders where half = $1",
            "select count(*) from orders where customer_id = $1",
            "select count(*) from orders where id = $1",
            // No value of the rest is known, none at all, or it is no parameter of its own.
            "select count(*) from orders where code = $1",
            "select count(*) from orders where note = $1",
            "select count(*), $1 from orders where status = $1",
            "select count(*) from orders where lower(status) = $1",
            "select count(*) from orders where status <> $1",
            "select count(*) from orders where status = 'done'",
            "select count(*) from orders where status in ($1, $2)",
        ] {
            let query = query(sql, 1);
            assert_eq!(shown(&query), "", "{sql}");
            assert_eq!(query.ways().count(), 1);
        }
    }

    proptest::proptest! {
        /// Whatever the frequencies: the power found has the mean asked for, as far as any has.
        #[test]
        fn the_power_has_the_mean(
            frequencies in proptest::collection::vec(1e-6_f64..1.0, 2..20),
            target in 0.0_f64..1.0,
        ) {
            let sum: f64 = frequencies.iter().sum();
            let known: Vec<Known<'_>> = (frequencies.iter())
                .map(|f| Known { value: "x", frequency: f / sum, values: 1.0 })
                .collect();
            let all = known.iter().map(|k| k.frequency);
            let (least, most) = (all.clone().fold(1.0, f64::min), all.fold(0.0, f64::max));
            let wanted = least + target * (most - least);
            let power = power(&known, wanted);
            let shares: Vec<f64> = shares(&known, power).collect();
            proptest::prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let mean: f64 = shares.iter().zip(&known).map(|(s, k)| s * k.frequency).sum();
            if power.abs() < POWERS[1] - 0.01 {
                proptest::prop_assert!((mean - wanted).abs() < 1e-6, "{mean} {wanted}");
            }
        }
    }

    /// What is planned of a statement that a log shows with these values.
    fn logged(sql: &str, log: &[(&str, u32)]) -> Query {
        use crate::query::log::{Format, LogReader, Prefix};
        use crate::query::n_plus_one::Loops;
        use crate::query::sent::{SentStatements, with_sent_values};

        let mut text = String::new();
        for (statement, times) in log {
            let line = format!(
                "2026-01-02 03:04:05.678 UTC [7] LOG:  duration: 0.1 ms  statement: {statement}\n"
            );
            text.push_str(&line.repeat(*times as usize));
        }
        let mut loops = Loops::new(1.0);
        let mut reader = LogReader::new(Format::Stderr(Prefix::new("%m [%p] ")));
        reader.feed(text.as_bytes(), &mut |entry| loops.observe(entry));
        reader.finish(&mut |entry| loops.observe(entry));
        let snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        with_sent_values(&mut workload, &snapshot, &SentStatements::new(&loops));
        assume_values(&mut workload, &snapshot);
        workload.queries.remove(0)
    }

    #[test]
    fn values_of_logs_are_taken_in_place_of_assumed_ones() {
        let sql = "select * from orders where status = $1";
        let text = |value: &str| format!("select * from orders where status = '{value}'");
        let (done, open) = (text("done"), text("open"));
        let both = logged(sql, &[(&done, 30), (&open, 10)]);
        assert_eq!(shown(&both), "done 0.750 | open 0.250");
        let one = logged(sql, &[(&open, 10)]);
        assert_eq!(shown(&one), "open 1.000");
        assert!(one.assumed().next().is_none());
        // What the log does not show is assumed as before.
        let other = logged(sql, &[("select * from customers where id = 7", 10)]);
        assert!(other.variants.is_empty() && other.assumed().next().is_some());
    }
}
