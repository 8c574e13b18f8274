//! pgperf: a `PostgreSQL` query profiler and index advisor. This page is the map of the code.
//!
//! # Layers
//!
//! ```text
//!   main
//!     │
//!    cli ──────────────────────────┐   arguments · prints · clock · exit codes
//!     │        │                   │
//!   report     │  tui             pg   edges: text │ screen │ database
//!     │   ╲    │   │               │
//!     │ advisor, audit             │   pure decisions: which indexes, what is wrong
//!     │   ╱                        │
//!   query                          │   SQL text → meaning
//!     │                            │
//!   model ◄────────────────────────┘   nouns
//! ```
//!
//! Arrows point down only; the right-hand column reaches only [`model`].
//! - [`model`]: plain data that every layer speaks in, named as `PostgreSQL` names it. Decides nothing.
//! - [`query`]: what a statement asks of each table (its Shape), and which statements are worth attention (the Workload).
//! - [`advisor`]: which indexes pay for themselves over the whole Workload.
//! - [`audit`]: what rules find in plans; never uses the advisor, nor is used by it.
//! - [`report`]: one Report value, written as text, JSON or a psql script.
//! - [`tui`]: the dashboard without terminal, server and clock: state, messages, pictures. It and the report never use each other.
//! - [`pg`]: everything that talks to a server: connect, collect, ask the planner, run throwaway servers.
//! - [`cli`]: the shell around it, one file a command.
//!
//! # What flows
//!
//! ```text
//! argv → Options → Target → Connection
//!                             │ collect: one read-only transaction
//!                             ▼
//!                          Snapshot (a file holds one as well)
//!                             ▼
//!                          Workload ─► candidates ─► search ⇄ Probe/Cost ⇄ planner ─► Recommendations ─► Report ─► bytes
//! ```
//!
//! [`tui`] has a flow of its own: a collector reads a Sample every other second, [`model::delta`] says what was counted in between,
//! `update` takes it into the App, `view` draws; what a key wants from the server is an Effect, and comes back as a Message.
//!
//! Talking to the observed server about itself ends with the Snapshot: every analysis can start from a file instead, and
//! is tested that way. Writing to it, if that is wanted, begins after the Report ([`pg::apply`]): what stands there is looked at,
//! [`advisor::apply`] decides, the shell makes the Change. What-if questions are values too: the search says which it has, the shell asks whoever can answer
//! (`HypoPG` on the server, a copy of its statistics, or arithmetic), and hands the answers back.
//!
//! # What is not here
//!
//! - No `async`, clock, environment, file or printing outside [`pg`] and [`cli`]: the core maps values to values, so the same
//!   Snapshot gives the same bytes.
//! - No error type in the core: an analysis cannot fail. What it could not do is part of its value (Gaps, Coverage, skipped
//!   statements), so that "nothing found" and "could not look" never look alike.
//! - No DDL made by pasting strings: a fix is a [`model::change::Change`], and its `Display` is the DDL.
//! - No SQL name that was not quoted by [`model::ident`], no text of a database that reaches a terminal unescaped, and no password
//!   in any output.
//! - No `unsafe`, and each third-party crate named by one layer (`serde` by all).
//!
//! `tests/architecture.rs` fails when one of the checkable ones breaks.
//!
//! # Where to add
//!
//! - *a candidate rule*: a function in the advisor's candidates, its sentence in the doc comment there, and a test case;
//! - *a rule*: `audit/rules/x.rs` with its page and its check, a line in [`audit::rules::RULES`], and scenarios under `testdata/plans`
//!   that it finds and does not find (`testdata/README.md` says how plans are recorded); statements under `testdata/statements`, and
//!   programs under `testdata/logs`, do the same for rules about texts and about what is repeated;
//! - *a report format*: `report/x.rs`, a variant of [`report::Format`] and its arm;
//! - *a collector*: `sql/x/<since>.sql`, its struct and line under `pg/collect`, and the field of
//!   [`model::snapshot::Snapshot`];
//! - *a screen*: `tui/screens/x.rs` with its columns and rows, and a line in [`tui::screens::SCREENS`];
//! - *a command*: `cli/x.rs`, a variant of the command enum in `cli/args.rs` and its arm in `cli.rs`.
//!
//! Files are `x.rs` beside `x/`; each opens with what it is.

pub mod advisor;
pub mod audit;
pub mod cli;
pub mod model;
pub mod pg;
pub mod query;
pub mod report;
pub mod tui;
