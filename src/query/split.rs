//! stub
use crate::model::statement::Statement;
/// x
pub struct P {
    /// x
    pub statements: Vec<Statement>,
    /// x
    pub errors: Vec<E>,
}
/// x
pub struct E {
    /// x
    pub line: u32,
    /// x
    pub column: u32,
    /// x
    pub message: String,
}
/// x
pub fn statements_from_sql(_t: &str) -> P {
    P {
        statements: vec![],
        errors: vec![],
    }
}
