//! Tests against real servers, `PostgreSQL` 13 to 18. `tests/servers` makes the servers available; none missing, none skipped.

#[cfg(test)]
mod live {
    mod collect;
    mod connect;
    mod local;
    pub(crate) mod support;
}
