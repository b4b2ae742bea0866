//! Evidence bundles (docs/evidence-bundle.md): read from the sealer's objects and the store, written forward to a
//! temporary file, in memory that does not grow with the number of records.

mod epochs;
mod erasures;
mod objects;
mod records;
mod write;

pub use epochs::RangeError;
pub use objects::{Log, ObjectError};
pub use write::{BundleError, BundleFile, BundleLimits, BundleMaker, BundleRequest, ReportFiles};
