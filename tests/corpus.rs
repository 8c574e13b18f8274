//! The labelled corpus of `testdata`: what rules find in it, without any server.

#[cfg(test)]
mod corpus {
    mod fuzz;
    mod recorded;
    pub(crate) mod scenario;
}
