//! Reports to be written: with advice and texts that attack a terminal, and each of the ways to have none.

use pgperf::advisor::frontier::Step;
use pgperf::advisor::priority::Priority;
use pgperf::advisor::recommendation::{
    Action, Benefit, Confidence, Generic, Helped, Misjudged, Recommendation, Replaced,
};
use pgperf::advisor::rejections::{Rejection, Unhelped, Why};
use pgperf::advisor::time_model::{Calibration, Slowness};
use pgperf::model::change::Change;
use pgperf::model::gap::{Gap, Part};
use pgperf::model::ident::QualifiedName;
use pgperf::model::index::{IndexDefinition, IndexKey};
use pgperf::model::whatif::Source;
use pgperf::query::workload::{Assumed, Coverage};
use pgperf::report::{
    Outcome, PlannerSummary, Report, SCHEMA_VERSION, SkippedGroup, Summary, TargetSummary, Tool,
};

/// A server on which no statement was seen, although nothing hid any.
pub(super) fn bare() -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "pgperf".into(),
            version: "0.1.0".into(),
        },
        target: TargetSummary {
            database: "shop".into(),
            server_version: "15.18 (Debian 15.18-0+deb12u1)".into(),
            taken_at: 1_770_091_506.25,
            snapshot: None,
            statements_window_s: Some(536_000.0),
        },
        planner: None,
        coverage: Coverage::default(),
        skipped: vec![],
        gaps: vec![],
        recommendations: vec![],
        summary: Summary::default(),
        unhelped: vec![],
        rejections: None,
    }
}

fn skipped(statements: usize, reason: &str, total_ms: Option<f64>, harmless: bool) -> SkippedGroup {
    SkippedGroup {
        reason: reason.into(),
        statements,
        total_ms,
        harmless,
        example: None,
    }
}

fn coverage(analysed: usize, statements: usize, share: f64) -> Coverage {
    Coverage {
        by_plan: 0,
        statements,
        analysed,
        total: 2_460_000.0,
        analysed_total: 2_460_000.0 * share,
        timed: true,
    }
}

fn asked(source: Source, probes: usize, why: &str) -> PlannerSummary {
    PlannerSummary {
        source,
        why: why.into(),
        probes,
        calibration: None,
    }
}

/// All seen, all analysed, nothing to do.
pub(super) fn nothing_to_advise() -> Report {
    Report {
        planner: Some(asked(Source::Hypopg, 87, "")),
        coverage: coverage(224, 224, 1.0),
        skipped: vec![
            skipped(31, "utility statement", Some(120.0), true),
            skipped(4, "reads no user table", None, true),
        ],
        summary: Summary {
            cost_before: 81_000.0,
            cost_after: 81_000.0,
            candidates: 41,
            gap: None,
            ..Summary::default()
        },
        unhelped: vec![Unhelped {
            queryids: vec![-1],
            query: "SELECT count(*) FROM orders".into(),
            line: None,
            cost: Some(18_334.0),
            load_share: 0.41,
            reason: "it reads the whole table".into(),
        }],
        ..bare()
    }
}

/// Statements were analysed, some were not, nothing to do for those that were.
fn nothing_in_part() -> Report {
    Report {
        coverage: coverage(212, 224, 0.973),
        skipped: vec![
            skipped(7, "text not visible", Some(42_000.0), false),
            skipped(
                2,
                "not understood: expected an expression, found \u{1b}[2J",
                Some(24_000.0),
                false,
            ),
            skipped(1, "table tmp_import not found", Some(420.0), false),
            skipped(1, "table tmp_export not found", None, false),
            skipped(1, "text cut off", None, false),
        ],
        ..nothing_to_advise()
    }
}

/// A role that sees no statement of others.
fn no_privilege() -> Report {
    let gap = Gap::new(
        Part::Statements,
        "role app may not read statements of other roles",
    )
    .effect("No statement can be analysed.")
    .close("GRANT pg_read_all_stats TO app;")
    .count(412);
    Report {
        gaps: vec![gap],
        ..bare()
    }
}

/// Statements were seen, none could be analysed.
fn none_analysed() -> Report {
    Report {
        coverage: coverage(0, 12, 0.0),
        skipped: vec![skipped(12, "text not visible", Some(2_460_000.0), false)],
        gaps: vec![Gap::new(
            Part::Workload,
            "the texts of 12 statements were not visible",
        )],
        ..bare()
    }
}

fn create(
    schema: &str,
    table: &str,
    keys: &[&str],
    rank: usize,
    statements: Vec<Helped>,
) -> Recommendation {
    let definition = IndexDefinition {
        table_oid: 1,
        table: QualifiedName::new(schema, table),
        method: "btree".into(),
        keys: keys.iter().copied().map(IndexKey::column).collect(),
        include: vec![],
        predicate: None,
        unique: false,
    };
    let index = QualifiedName::new(schema, definition.default_name());
    Recommendation {
        action: Action::Create,
        changes: vec![Change::CreateIndex {
            name: index.name.clone(),
            definition: definition.clone(),
            concurrently: true,
            only: false,
        }],
        undo: vec![Change::DropIndex {
            name: index.clone(),
            concurrently: true,
        }],
        index,
        definition,
        replaced: vec![],
        size_bytes: 26_214_400.0,
        benefit: Benefit {
            cost_before: 71_534.2 * 12_345.0,
            cost_after: 8.44 * 12_345.0,
            ms_per_day_saved: Some(11_640_000.0),
            write_ms_per_day: Some(1_240.0),
            load_share_saved: 0.619,
        },
        statements,
        misjudged: vec![],
        confidence: Confidence::High,
        confidence_reason:
            "the real planner on a copy of the statistics; statistics of orders are 3.2 h old"
                .into(),
        rank,
        priority: Priority::P0,
        priority_reason: "saves 61.9 % of the analysed load, 3.2 h a day; 13,931 executions a day"
            .into(),
        effort: "one statement, does not block writes".into(),
        risk: "adds 1.2 % to writes on orders".into(),
        reason: "The filter of 7 statements on its columns reads the whole table today.".into(),
    }
}

fn helped(queryid: i64, query: &str, calls: f64, before: f64, after: f64) -> Helped {
    Helped {
        position: 0,
        queryids: vec![queryid],
        fingerprint: "00c0ffee00c0ffee".into(),
        query: query.into(),
        line: None,
        calls,
        mean_ms: Some(943.0),
        cost_before: before,
        cost_after: after,
        plan_before: "Limit > Sort > Seq Scan on orders".into(),
        plan_after: "Limit > Index Scan using orders_customer_id_created_at_idx on orders".into(),
        assumed: vec![],
        generic: None,
        unread: None,
    }
}

const PAGE: &str = "SELECT o.id, o.total FROM orders o\n\tWHERE o.customer_id = $1 AND o.created_at > $2\r\n\
                    ORDER BY o.created_at DESC LIMIT $3 -- the page of a customer";

const ATTACK: &str = "select '\u{1b}]0;owned\u{7}', \"x\"\n--\n; drop table x; /* \u{202e}😀 日本語 */ \
                      from \"We\"\"ird\"\rwhere a=$1";

/// An index on hostile names, in place of another.
pub(super) fn hostile() -> Recommendation {
    let statement = Helped {
        line: Some(42),
        mean_ms: None,
        plan_before: String::new(),
        plan_after: String::new(),
        assumed: vec![
            Assumed {
                column: "cre\u{1b}[31mated".into(),
                share: 0.0123,
                generic: 1.0 / 3.0,
                calls: None,
                counted: true,
            },
            Assumed {
                column: "state".into(),
                share: 0.95,
                generic: 0.25,
                calls: Some(0.749),
                counted: false,
            },
        ],
        generic: Some(Generic {
            cost: 90.0,
            plan: "Seq Scan on \u{1b}[31mred".into(),
        }),
        unread: Some("Expected: ), found: \u{1b}[31mx near \"x) from \u{202e}gone\"".into()),
        ..helped(7, ATTACK, 1.0, 100.0, 50.0)
    };
    let keys = ["Größe", "new\nline\u{1b}[31m\\"];
    let mut recommendation = create(
        "My Schema",
        "we\"ird; drop table x",
        &keys,
        2,
        vec![statement],
    );
    recommendation.action = Action::Replace;
    recommendation.replaced = vec![Replaced {
        index: QualifiedName::new("My Schema", "old\u{202e}"),
        size_bytes: 31_457_280.0,
        write_ms_per_day: None,
    }];
    recommendation.changes.push(Change::DropIndex {
        name: QualifiedName::new("My Schema", "old\u{202e}"),
        concurrently: true,
    });
    recommendation.benefit = Benefit {
        cost_before: 100.0,
        cost_after: 50.0,
        ms_per_day_saved: None,
        write_ms_per_day: None,
        load_share_saved: 0.0001,
    };
    recommendation.confidence = Confidence::Low;
    recommendation.confidence_reason =
        "arithmetic, no planner was asked; we\"ird\u{1b}[31m has no statistics".into();
    recommendation.priority = Priority::P2;
    recommendation.priority_reason = "saves < 0.1 % of the analysed load".into();
    recommendation
}

/// An index that nobody uses.
fn unused() -> Recommendation {
    let mut recommendation = create("public", "orders", &["status"], 3, vec![]);
    recommendation.action = Action::Drop;
    std::mem::swap(&mut recommendation.changes, &mut recommendation.undo);
    recommendation.benefit = Benefit {
        write_ms_per_day: Some(90_000.0),
        ..Benefit::default()
    };
    recommendation.reason =
        "No scan in 30 days, and orders_status_created_at_idx answers the same.".into();
    recommendation.risk = String::new();
    recommendation.confidence_reason = String::new();
    recommendation.priority = Priority::P3;
    recommendation.priority_reason = String::new();
    recommendation
}

/// What the planner has to know first: of a table with a hostile name.
fn first_things() -> [Recommendation; 3] {
    let table = QualifiedName::new("My Schema", "we\"ird; drop table x");
    let name = QualifiedName::new("My Schema", "stat\u{1b}");
    let analyze = Change::Analyze {
        table: table.clone(),
    };
    let mut statistics = create("My Schema", "we\"ird; drop table x", &["a", "b"], 4, vec![]);
    statistics.action = Action::Statistics;
    statistics.index = name.clone();
    statistics.definition.method = String::new();
    statistics.changes = vec![
        Change::CreateStatistics {
            name: name.clone(),
            kinds: vec!["dependencies".into()],
            columns: vec!["Größe".into(), "new\nline\u{1b}[31m\\".into()],
            table,
        },
        analyze.clone(),
    ];
    statistics.undo = vec![Change::DropStatistics { name }];
    statistics.benefit = Benefit::default();
    statistics.misjudged = vec![Misjudged {
        queryids: vec![7],
        fingerprint: "00c0ffee00c0ffee".into(),
        query: ATTACK.into(),
        calls: 120.0,
        rows_counted: 100.4,
        rows_expected: 1.2,
    }];
    let mut analyzed = statistics.clone();
    analyzed.action = Action::Analyze;
    analyzed.rank = 5;
    analyzed.index = QualifiedName::new("", "");
    analyzed.definition.keys = vec![];
    analyzed.changes = vec![analyze];
    analyzed.undo = vec![];
    analyzed.misjudged = vec![];
    let set = Recommendation {
        rank: 6,
        priority: Priority::P2,
        reason: "of 10,000,000 blocks that statements asked for, shared buffers had 99.9 %".into(),
        changes: vec![
            Change::Set {
                name: "random_page_cost".into(),
                value: "1.1".into(),
            },
            Change::Reload,
        ],
        undo: vec![Change::Set {
            name: "random_page_cost".into(),
            value: "4".into(),
        }],
        ..Recommendation::on_server(Action::Set)
    };
    [statistics, analyzed, set]
}

/// Of two tables, one with a hostile name.
fn rejections() -> Vec<Rejection> {
    let rejection = |table, index: &str, why, reason: &str| Rejection {
        table,
        index: index.into(),
        size_bytes: 1_048_576.0,
        why,
        reason: reason.into(),
    };
    let odd = QualifiedName::new("My Schema", "we\"ird; drop table x");
    let orders = QualifiedName::new("public", "orders");
    vec![
        rejection(
            odd.clone(),
            "(\"new\nline\u{1b}[31m\")",
            Why::Unused,
            "no plan uses it",
        ),
        rejection(
            odd,
            "(a)",
            Why::Slower,
            &format!("makes a statement 31.0 % slower: {ATTACK}"),
        ),
        rejection(
            orders,
            "(created_at DESC)",
            Why::Served,
            "the chosen public.orders (customer_id, created_at) serves the same statements",
        ),
    ]
}

pub(super) fn three() -> Report {
    let many = (0..7)
        .map(|i| helped(i64::MIN + i, PAGE, 12_345.0, 71_534.2, 8.44))
        .collect();
    let gap = Gap::new(
        Part::Planner,
        "hypopg is not installed in database shop, so costs are estimates",
    )
    .effect("Sizes and ratios may be off by a factor of 2")
    .close("apt install postgresql-15-hypopg")
    .close("CREATE EXTENSION hypopg;");
    Report {
        planner: Some(PlannerSummary {
            calibration: Some(Calibration {
                slowness: Slowness {
                    sequential: 0.5,
                    index: 1.05,
                    processing: 0.75,
                    read: 1.0,
                },
                apart: true,
                statements: 37,
                off: [2.14, 1.38],
            }),
            ..asked(
                Source::Estimate,
                214,
                "hypopg is not installed in database shop, and no local PostgreSQL 15 was found",
            )
        }),
        recommendations: vec![
            create("public", "orders", &["customer_id", "created_at"], 1, many),
            hostile(),
            unused(),
        ]
        .into_iter()
        .chain(first_things())
        .collect(),
        summary: Summary {
            cost_before: 1_234_567.0,
            cost_after: 234_567.0,
            ms_per_day_saved: Some(14_900_000.0),
            size_bytes: 52_428_800.0,
            budget_bytes: Some(2.0 * 1024.0 * 1024.0 * 1024.0),
            max_indexes: Some(2),
            max_indexes_per_table: Some(1),
            beyond_limits: 1,
            candidates: 41,
            gap: Some(0.004),
            frontier: vec![
                step(
                    52_428_800.0,
                    None,
                    &[
                        "public.orders (customer_id, created_at)",
                        "public.orders (status)",
                    ],
                    0.81,
                ),
                step(
                    20_971_520.0,
                    Some(26_214_400.0),
                    &["public.orders (status)"],
                    0.7,
                ),
            ],
        },
        gaps: vec![gap],
        rejections: Some(rejections()),
        coverage: Coverage {
            by_plan: 1,
            ..nothing_in_part().coverage
        },
        ..nothing_in_part()
    }
}

fn step(size_bytes: f64, budget_bytes: Option<f64>, indexes: &[&str], saved: f64) -> Step {
    Step {
        budget_bytes,
        size_bytes,
        indexes: indexes.iter().map(ToString::to_string).collect(),
        load_share_saved: saved,
        gap: 0.0,
        knee: budget_bytes.is_some(),
    }
}

pub(super) fn fixtures() -> Vec<(&'static str, Report, Outcome)> {
    vec![
        ("empty", bare(), Outcome::NoStatements),
        ("nothing", nothing_to_advise(), Outcome::NothingToAdvise),
        ("in_part", nothing_in_part(), Outcome::NothingToAdviseInPart),
        ("no_privilege", no_privilege(), Outcome::CouldNotLook),
        ("none_analysed", none_analysed(), Outcome::CouldNotLook),
        ("three", three(), Outcome::Advice),
    ]
}
