//! Tests against real servers, `PostgreSQL` 13 to 18. `tests/servers` makes the servers available; none missing, none skipped.

#[cfg(test)]
mod live {
    mod acceptance;
    mod advise;
    mod analyze;
    mod apply;
    mod audit;
    pub(crate) mod binary;
    mod clone;
    mod collect;
    mod connect;
    mod database;
    mod demo;
    mod drops;
    mod estimate;
    mod explain;
    mod fingerprints;
    mod first;
    mod gate;
    mod hypopg;
    mod inputs;
    mod interrupt;
    mod kinds;
    mod local;
    #[path = "../corpus/log_scenario.rs"]
    pub(crate) mod log_scenario;
    mod logs;
    mod n_plus_one;
    mod plans;
    mod program;
    mod roles;
    #[path = "../corpus/scenario.rs"]
    pub(crate) mod scenario;
    mod screenshots;
    mod shop;
    pub(crate) mod support;
    pub(crate) mod terminal;
    mod top;
    mod unread;
    mod usual;
    mod watched;
}
