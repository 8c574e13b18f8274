//! write cost
