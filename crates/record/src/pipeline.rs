//! The versioned parts that make a record.

use aal_pricing::PriceTable;
use aal_redact::Detector;
use sha2::{Digest, Sha256};

/// Detector and price table, with the digest of their versions that every leaf names.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) detector: Detector,
    pub(crate) prices: &'static PriceTable,
    pub(crate) versions: Versions,
    pub(crate) hash: [u8; 32],
}

#[derive(Clone, Debug)]
pub(crate) struct Versions {
    pub(crate) detector: String,
    pub(crate) program: &'static str,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pipeline")
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// The rules and prices built into this program.
    pub fn builtin() -> Pipeline {
        let detector = Detector::builtin();
        let prices = PriceTable::builtin();
        let versions = Versions {
            detector: hex::encode(detector.version()),
            program: env!("CARGO_PKG_VERSION"),
        };
        // RFC 8785 form of the list of versions; the strings hold no character that needs escaping.
        let list = format!(
            "[\"{}\",\"{}\",\"{}\"]",
            versions.detector,
            prices.version(),
            versions.program
        );
        let hash = Sha256::digest(list.as_bytes()).into();
        Pipeline {
            detector,
            prices,
            versions,
            hash,
        }
    }

    /// Digest of the detector's rules and lists, hexadecimal.
    pub fn detector_version(&self) -> &str {
        &self.versions.detector
    }

    /// Version of the price table; it holds a digest of the table.
    pub fn price_version(&self) -> &'static str {
        self.prices.version()
    }

    /// Version of this program.
    pub fn program_version(&self) -> &'static str {
        self.versions.program
    }

    /// The leaf's `pipeline_hash`.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}
