//! The files of `testdata/acceptance`: their README says what is in them.

/// One file.
pub(crate) struct Group {
    /// SQL that makes its tables.
    pub(crate) schema: &'static str,
    pub(crate) cases: Vec<Case>,
}

/// One statement (or several that are given together) and what is to be advised for it.
#[derive(Debug, Default)]
pub(crate) struct Case {
    /// `A: one column`.
    pub(crate) name: &'static str,
    pub(crate) sql: String,
    /// Answers with the planners that they are those of; without any they are everybody's.
    answers: Vec<(Vec<&'static str>, &'static str)>,
    /// What others advise.
    pub(crate) over: Vec<&'static str>,
}

/// What is expected of one planner.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Indexes, sorted.
    pub(crate) indexes: Vec<&'static str>,
    /// Words of the reason, where there are none.
    pub(crate) reason: Option<&'static str>,
}

impl Group {
    pub(crate) fn read(text: &'static str) -> Self {
        let (schema, cases) = text.split_once("\n==== cases\n").expect("a line of cases");
        let blocks = cases.split("\n\n").map(str::trim);
        Self {
            schema,
            cases: blocks.filter(|b| !b.is_empty()).map(Case::read).collect(),
        }
    }
}

impl Case {
    fn read(block: &'static str) -> Self {
        let mut lines = block.lines();
        let mut case = Self {
            name: lines.next().expect("a name"),
            ..Self::default()
        };
        let named = case.name.split_once(": ");
        assert!(named.is_some_and(|(l, _)| l.len() == 1), "{block}");
        for line in lines {
            if let Some(answer) = line.strip_prefix("-> ") {
                let of = answer.strip_prefix('[').and_then(|a| a.split_once("] "));
                let (planners, answer) = of.unwrap_or(("", answer));
                case.answers
                    .push((planners.split_whitespace().collect(), answer));
            } else if let Some(other) = line.strip_prefix("over ") {
                case.over.push(other);
            } else if !line.starts_with("# ") {
                case.sql.push_str(line);
                case.sql.push('\n');
            }
        }
        assert!(!case.answers.is_empty() && !case.sql.is_empty(), "{block}");
        case
    }

    /// What a planner is expected to advise; none if it is not asked.
    pub(crate) fn expected(&self, planner: &str) -> Option<Expected> {
        let mut expected = Expected::default();
        let mut any = false;
        for (planners, answer) in &self.answers {
            if !planners.is_empty() && !planners.contains(&planner) {
                continue;
            }
            any = true;
            match answer.strip_prefix("none") {
                Some(reason) => expected.reason = Some(reason.trim_start_matches(": ")),
                None => expected.indexes.push(answer),
            }
        }
        if !any {
            return None;
        }
        assert_eq!(
            expected.indexes.is_empty(),
            expected.reason.is_some(),
            "{}",
            self.name
        );
        expected.indexes.sort_unstable();
        Some(expected)
    }
}
