//! How large and how many; all of docs/evidence-bundle.md section 1.1.

/// `scope.json`.
pub const MAX_SCOPE: u64 = 65_536;
/// `report/report.json`, heads, frontiers, erasures, and one entry of records.
pub const MAX_PART: u64 = 64 << 20;
/// `report/report.pdf` and `.csv`.
pub const MAX_REPORT_FILE: u64 = 256 << 20;
/// `log/before.range`: a size and at most 64 hashes.
pub const MAX_RANGE: u64 = 8 + 64 * 32;
/// A note.
pub const MAX_NOTE: u64 = 1 << 20;
/// A timestamp token.
pub const MAX_TOKEN: u64 = 65_536;
/// `log/tip.proof`.
pub const MAX_TIP_PROOF: u64 = 4_096;
/// A member that several items are packed into.
pub const MAX_PACKED: u64 = 8 << 20;
/// `manifest.json`.
pub const MAX_MANIFEST: u64 = 8 << 20;
/// Groups of checkpoints.
pub const MAX_CHECKPOINTS: u32 = 1_000;
/// Members of manifests, and members of records.
pub const MAX_PACKED_MEMBERS: u32 = 16_384;
/// Members in all.
pub const MAX_MEMBERS: usize = 33_000;
/// Timestamp tokens of one checkpoint.
pub const MAX_TOKENS: u8 = 8;
/// Different data keys whose slots are absent.
pub const MAX_ABSENT_KEYS: usize = 100_000;
