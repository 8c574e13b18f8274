//! The labelled corpus of `testdata`: what rules find in it, without any server.

#[cfg(test)]
mod corpus {
    mod fuzz;
    pub(crate) mod log_scenario;
    mod logs;
    mod recorded;
    pub(crate) mod scenario;
    mod statements;
    mod table;

    use table::Scores;

    /// One table over plans, statements and logs; `cargo test --test corpus -- --nocapture` shows it.
    #[test]
    fn every_rule_finds_what_it_should_and_nothing_else() {
        let [mut plans, mut texts, mut logs] = [(); 3].map(|()| Scores::default());
        recorded::judge(&mut plans);
        statements::judge(&mut texts);
        logs::judge(&mut logs);
        let kinds = [("plans", plans), ("statements", texts), ("logs", logs)];
        let shown: Vec<(&str, &Scores)> = kinds.iter().map(|(what, s)| (*what, s)).collect();
        table::print(&shown);
        for (what, scores) in &kinds {
            scores.check(what);
        }
    }
}
