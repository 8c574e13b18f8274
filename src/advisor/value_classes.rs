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
//! An array that has to contain an element is the same, with the elements for values: without one the planner takes a fixed share of
//! the rows for it, [`CONTAIN`], whatever the elements are like.
//!
//! Where the statement was seen with several constants (a file, running sessions), those are the values, and the texts that keep
//! about the same share of the rows are a class.

mod form;
mod known;

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::estimate::base::{Base, column_at};
use crate::advisor::estimate::elements::CONTAIN;
use crate::advisor::estimate::selectivity::Field;
use crate::advisor::usual::{is_certain, rows_counted, without};
use crate::advisor::value_classes::form::{Form, parameter};
use crate::advisor::value_classes::known::{Known, is_skewed, known, known_elements};
use crate::model::snapshot::Snapshot;
use crate::query::shape::Shape;
use crate::query::usual::{single_parameters, usual_text};
use crate::query::workload::{Assumed, Query, Usual, ValueClass};

/// Values of one class differ in frequency by no more than this factor.
const ALIKE: f64 = 5.0;
/// A class asked for less often has no say.
const SELDOM: f64 = 0.01;
/// Between values that are asked for equally often and as often as rows have them.
const UNKNOWN_POWER: f64 = 0.5;
/// Beyond these only the rarest or the most common value is asked for.
const POWERS: [f64; 2] = [-16.0, 16.0];

/// A parameter that a skewed column is compared with.
struct Skewed<'a> {
    relation: usize,
    predicate: usize,
    parameter: usize,
    form: Form,
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
    // For an equality the planner has a mean that is as good as one class.
    if classes.len() < 2 && skewed.form == Form::Value {
        return Vec::new();
    }
    let class = |(share, known): (f64, Known<'_>)| {
        let constant = skewed.form.constant(known.value);
        let values = BTreeMap::from([(skewed.parameter, constant)]);
        let (text, parameters) = usual_text(&query.text, query.page, &values);
        let mut shape = query.shape.clone();
        shape.relations[skewed.relation].predicates[skewed.predicate].operand =
            skewed.form.operand(known.value);
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
    let asked = asked(query, snapshot).filter(|a| a.skewed.form == Form::Value)?;
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
        let (text, parameters) = usual_text(text, query.page, &BTreeMap::new());
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
            let field = base.field(column_at(base.table, &predicate.column));
            let Some((parameter, form)) = parameter(predicate, &free) else {
                continue;
            };
            let (known, generic) = match form {
                Form::Value if field.unique => continue,
                Form::Value => (known(field), field.equals_unknown()),
                Form::Element | Form::Array => (known_elements(field), CONTAIN),
            };
            let is_worth_asking = match form {
                Form::Value => is_skewed(&known),
                Form::Element | Form::Array => !known.is_empty(),
            };
            let most = |known: &[Known<'_>]| known.first().map_or(0.0, |k| k.frequency);
            if is_worth_asking && best.as_ref().is_none_or(|b| most(&known) > most(&b.known)) {
                best = Some(Skewed {
                    relation: number,
                    predicate: at,
                    parameter,
                    form,
                    column: &predicate.column,
                    generic,
                    known,
                });
            }
        }
    }
    best
}

/// The mean frequency of the values asked for, by the rows that the server counted; none where it did not, or where something
/// else could be the reason.
fn mean_frequency(query: &Query, skewed: &Skewed<'_>, snapshot: &Snapshot) -> Option<f64> {
    let counted = rows_counted(query, snapshot)?;
    let relation = query.shape.relations.first()?;
    let rest = without(relation, &BTreeSet::from([skewed.predicate]));
    let base = match skewed.form {
        Form::Value => Base::without_indexes(relation, &[], &[], false, snapshot),
        Form::Element | Form::Array => Base::without_indexes(&rest, &[], &[], false, snapshot),
    };
    let expected = base.tuples * base.share;
    let mean = match skewed.form {
        Form::Value => skewed.generic,
        Form::Element | Form::Array => 1.0,
    };
    (expected > 0.0 && is_certain(&base)).then(|| mean * counted / expected)
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
mod tests;
