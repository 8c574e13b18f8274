//! What it takes to rebuild the schema besides tables, indexes and constraints.

use crate::model::definition::{Definitions, ExpressionStats};
use crate::model::gap::Part;
use crate::pg::collect::transaction::Transaction;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::error::Error;

const TYPES: Collector = collector!("types", [(13, 0) => "13"]);
const STORAGE: Collector = collector!("storage", [(13, 0) => "13"]);
const GENERATED: Collector = collector!("generated", [(13, 0) => "13"]);
const FUNCTIONS: Collector = collector!("functions", [(13, 0) => "13"]);
const OPERATORS: Collector = collector!("operators", [(13, 0) => "13"]);
const COLLATIONS: Collector = collector!("collations", [(13, 0) => "13"]);
const LENGTHS: Collector = collector!("lengths", [(13, 0) => "13"]);

/// All of them.
pub(super) async fn definitions(
    transaction: &mut Transaction<'_>,
    expression_stats: Vec<ExpressionStats>,
) -> Result<Definitions, Error> {
    Ok(Definitions {
        types: transaction.collect(Part::Catalog, &TYPES, &[]).await?,
        storage: transaction
            .collect_unlocked(Part::Catalog, &STORAGE, &[])
            .await?,
        generated: transaction
            .collect_unlocked(Part::Catalog, &GENERATED, &[])
            .await?,
        expression_stats,
        functions: transaction.collect(Part::Catalog, &FUNCTIONS, &[]).await?,
        operators: transaction.collect(Part::Catalog, &OPERATORS, &[]).await?,
        collations: transaction.collect(Part::Catalog, &COLLATIONS, &[]).await?,
        lengths: transaction
            .collect_unlocked(Part::Catalog, &LENGTHS, &[])
            .await?,
    })
}
