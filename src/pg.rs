//! The database edge: the only module that knows tokio-postgres.
//!
//! `connect` turns what the user typed into a session, `collect` turns a session into a Snapshot, `apply` makes Changes under
//! watch, `clone` and `hypopg` answer
//! what-if questions in the words of `explain`, `local` runs throwaway servers.

pub mod apply;
pub mod clone;
pub mod collect;
pub mod connect;
pub mod error;
pub mod explain;
pub mod hypopg;
pub mod local;

pub use error::Error;
