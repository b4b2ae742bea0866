//! `scope.json`: what the bundle is about (docs/evidence-bundle.md section 2).

use aal_ledger::jcs;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::error::FormError;
use crate::filter::Filter;

/// `format` of version 1.
pub const FORMAT: &str = "aal-bundle/v1";
const MAX_COVERAGE: usize = 8_192;
const MAX_FILTER_TEXT: usize = 4_096;
const MAX_SOFTWARE: usize = 200;

/// What the bundle is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What the bundle cannot show, for people.
    pub coverage: String,
    pub disclosure: Disclosure,
    pub filter: Filter,
    /// For people.
    pub filter_text: String,
    /// [`FORMAT`].
    pub format: String,
    /// µs; belongs to the period.
    pub from_us: i64,
    /// First line of the log's checkpoints.
    pub origin: String,
    pub range: EpochRange,
    /// For people.
    pub software: String,
    /// `None`: all tenants.
    pub tenant: Option<Uuid>,
    /// µs; does not belong to the period.
    pub to_us: i64,
}

/// Which contents of matching records are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    pub ciphertexts: bool,
    pub templates: bool,
}

/// Epochs of the range, section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRange {
    /// The leaves it had sealed are before the range; `None`: the range begins with the log.
    pub base_epoch: Option<u64>,
    pub last_epoch: u64,
    /// Newest epoch when the bundle was made.
    pub tip_epoch: u64,
}

impl EpochRange {
    /// Epoch of the first manifest in the bundle.
    pub fn first_manifest(&self) -> u64 {
        self.base_epoch.unwrap_or(0)
    }

    fn is_in_order(&self) -> bool {
        const LARGEST: u64 = jcs::MAX_SAFE_INTEGER - 1;
        self.base_epoch.is_none_or(|base| base < self.last_epoch)
            && self.last_epoch <= self.tip_epoch
            && self.tip_epoch <= LARGEST
    }
}

impl Scope {
    /// The scope these bytes are the canonical form of.
    ///
    /// # Errors
    /// On any other form, unknown or missing members, and values beyond their limits.
    pub fn parse(bytes: &[u8]) -> Result<Scope, FormError> {
        let scope: Scope = parse_canonical("scope.json", bytes)?;
        scope.check()?;
        Ok(scope)
    }

    /// The member's bytes.
    ///
    /// # Errors
    /// When a value is beyond its limits.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormError> {
        self.check()?;
        to_canonical("scope.json", self)
    }

    fn check(&self) -> Result<(), FormError> {
        let problem = if self.format != FORMAT {
            format!("format is {:?}, only {FORMAT} is known", self.format)
        } else if self.from_us >= self.to_us {
            "from_us must be before to_us".to_owned()
        } else if !self.range.is_in_order() {
            "epochs of the range are not in order".to_owned()
        } else if self.coverage.is_empty() || self.coverage.len() > MAX_COVERAGE {
            format!("coverage must have 1 to {MAX_COVERAGE} bytes")
        } else if self.filter_text.len() > MAX_FILTER_TEXT {
            format!("filter_text must have at most {MAX_FILTER_TEXT} bytes")
        } else if self.software.len() > MAX_SOFTWARE {
            format!("software must have at most {MAX_SOFTWARE} bytes")
        } else {
            return Ok(());
        };
        Err(FormError::content("scope.json", problem))
    }
}

/// A value of RFC 8785 bytes which hold its members and no others.
pub(crate) fn parse_canonical<T: Serialize + DeserializeOwned>(
    name: &str,
    bytes: &[u8],
) -> Result<T, FormError> {
    let value = jcs::parse_canonical(bytes).map_err(|error| FormError::content(name, error))?;
    let parsed: T = serde_json::from_value(value).map_err(|error| FormError::content(name, error))?;
    // A member that may be null is not noticed when it is missing.
    if to_canonical(name, &parsed)? != bytes {
        return Err(FormError::content(name, "a member is missing"));
    }
    Ok(parsed)
}

pub(crate) fn to_canonical<T: Serialize>(name: &str, value: &T) -> Result<Vec<u8>, FormError> {
    let value = serde_json::to_value(value).map_err(|error| FormError::content(name, error))?;
    jcs::to_vec(&value).map_err(|error| FormError::content(name, error))
}
