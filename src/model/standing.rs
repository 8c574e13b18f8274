//! What a name stands for on the server at the moment a Change is about to be made, and who may make it.

use serde::{Deserialize, Serialize};

use crate::model::ident::QualifiedName;
use crate::model::index::Index;

/// What has a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Nothing has.
    Free,
    /// An index, valid or not.
    Index {
        /// The index.
        index: Box<Index>,
        /// Session that builds an index on the same table now, if any.
        builder: Option<i32>,
    },
    /// An index that `DROP INDEX CONCURRENTLY` was interrupted at: neither read nor written, it can only be dropped.
    HalfDropped {
        /// Oid of its table.
        table_oid: u32,
        /// Session that builds an index on the same table now, if any.
        builder: Option<i32>,
    },
    /// Something else; what, in words.
    Other(String),
}

impl Standing {
    /// The index, if it is one.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        match self {
            Self::Index { index, .. } => Some(index),
            _ => None,
        }
    }
}

/// What the role may do with a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// The table.
    pub table: QualifiedName,
    /// The role of the session.
    pub role: String,
    /// The role that owns it.
    pub owner: String,
    /// Whether the session's role is the owner, or a member of it.
    pub owns: bool,
    /// Whether it may create anything in the table's schema.
    pub creates: bool,
    /// Whether it may maintain the table without owning it (`MAINTAIN`, 17+).
    pub maintains: bool,
}
