//! Damaged plans: whatever is pasted, reading, judging and writing never panic.

use std::fs;

use pgperf::audit::rules::of_plan;
use pgperf::audit::view::View;
use pgperf::model::explained::Explained;
use pgperf::report::Style;
use pgperf::report::explain::{Examined, compare, json, text};
use proptest::prelude::*;

use super::scenario::folder;

/// Recorded plans, every fifth of them.
fn plans() -> Vec<String> {
    let files = fs::read_dir(folder().join("recorded")).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with("snapshot.json"));
    paths.sort();
    let some = paths.iter().step_by(5);
    some.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// One damage: at which part of the text, how much of it, and what stands there instead.
fn damage() -> impl Strategy<Value = (f64, usize, String)> {
    let other = prop_oneof![
        Just(String::new()),
        Just("-1".to_owned()),
        Just("1e308".to_owned()),
        Just("null".to_owned()),
        Just("  ->  ".to_owned()),
        Just("\n".to_owned()),
        Just("(cost=".to_owned()),
        Just("[]".to_owned()),
        "\\PC{0,8}",
    ];
    (0.0..1.0, 0..40_usize, other)
}

/// The text with a part replaced, at whole characters.
fn damaged(text: &str, (at, length, other): &(f64, usize, String)) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a text"
    )]
    let mut start = (at * text.len() as f64) as usize;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (start + length).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    format!("{}{other}{}", &text[..start], &text[end..])
}

/// Everything that is done with a plan.
fn all_of(input: &str) {
    let Ok(plan) = Explained::read(input) else {
        return;
    };
    let view = View::new(&plan, None);
    let findings = of_plan(&view);
    let examined = Examined {
        statement: None,
        source: "",
        notes: &[],
        view: &view,
        findings: &findings,
        advice: None,
    };
    let style = Style {
        width: 60,
        ..Style::default()
    };
    let page = text(&examined, style) + &json(&examined) + &compare(&view, &view, style);
    assert!(!page.contains("NaN"), "{page}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_damage_makes_it_panic(which in 0.0..1.0, damages in prop::collection::vec(damage(), 1..6)) {
        thread_local! {
            static PLANS: Vec<String> = plans();
        }
        let plan = PLANS.with(|plans| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a text")]
            let at = (which * plans.len() as f64) as usize;
            plans[at.min(plans.len() - 1)].clone()
        });
        let input = damages.iter().fold(plan, |text, damage| damaged(&text, damage));
        all_of(&input);
    }

    #[test]
    fn no_text_makes_it_panic(input in "\\PC*|[-> (a-z=0-9.)\\n\"{}\\[\\]:,]*") {
        all_of(&input);
    }
}
