//! `manifest.json`: members with their digests, and counts (docs/evidence-bundle.md section 6).

use serde::{Deserialize, Serialize};

use crate::error::FormError;
use crate::scope::{parse_canonical, to_canonical};

/// `format` of version 1.
pub const FORMAT: &str = "aal-bundle-manifest/v1";

/// The last member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleManifest {
    pub counts: Counts,
    /// [`FORMAT`].
    pub format: String,
    /// Every member before this one, in order.
    pub members: Vec<MemberDigest>,
}

/// How many of what the bundle holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Chain lines of `heads/last`.
    pub chains: u64,
    pub ciphertexts: u64,
    /// Record entries.
    pub leaves: u64,
    pub manifests: u64,
    /// Record entries that match.
    pub matched: u64,
    pub openings: u64,
}

/// One member as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberDigest {
    pub name: String,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

impl BundleManifest {
    /// The manifest these bytes are the canonical form of.
    ///
    /// # Errors
    /// On any other form, and unknown or missing members.
    pub fn parse(bytes: &[u8]) -> Result<BundleManifest, FormError> {
        let manifest: BundleManifest = parse_canonical("manifest.json", bytes)?;
        if manifest.format != FORMAT {
            let problem = format!("format is {:?}, only {FORMAT} is known", manifest.format);
            return Err(FormError::content("manifest.json", problem));
        }
        Ok(manifest)
    }

    /// The member's bytes.
    ///
    /// # Errors
    /// On a count beyond 2^53.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormError> {
        to_canonical("manifest.json", self)
    }
}
