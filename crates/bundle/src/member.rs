//! Names of members and their order, docs/evidence-bundle.md section 1.1.

use crate::limits;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind {
    Scope,
    ReportJson,
    ReportPdf,
    ReportCsv,
    BeforeRange,
    Checkpoint(u32, CheckpointPart),
    TipProof,
    Manifests(u32),
    HeadsBase,
    HeadsLast,
    Frontiers,
    Records(u32),
    Erasures,
    Manifest,
}

/// The files of one checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckpointPart {
    Note,
    Cosigned,
    /// Token of the authority at that position.
    Token(u8),
}

/// Members that every bundle has, by rank.
const REQUIRED_RANKS: [u8; 7] = [0, 4, 5, 7, 9, 10, 13];

impl MemberKind {
    /// The member's name.
    pub fn name(self) -> String {
        match self {
            MemberKind::Scope => "scope.json".to_owned(),
            MemberKind::ReportJson => "report/report.json".to_owned(),
            MemberKind::ReportPdf => "report/report.pdf".to_owned(),
            MemberKind::ReportCsv => "report/report.csv".to_owned(),
            MemberKind::BeforeRange => "log/before.range".to_owned(),
            MemberKind::Checkpoint(n, CheckpointPart::Note) => format!("checkpoints/{n:06}.note"),
            MemberKind::Checkpoint(n, CheckpointPart::Cosigned) => format!("checkpoints/{n:06}.cosigned"),
            MemberKind::Checkpoint(n, CheckpointPart::Token(k)) => format!("checkpoints/{n:06}.tsr-{k}"),
            MemberKind::TipProof => "log/tip.proof".to_owned(),
            MemberKind::Manifests(n) => format!("manifests/{n:06}"),
            MemberKind::HeadsBase => "heads/base".to_owned(),
            MemberKind::HeadsLast => "heads/last".to_owned(),
            MemberKind::Frontiers => "frontiers".to_owned(),
            MemberKind::Records(n) => format!("records/{n:06}"),
            MemberKind::Erasures => "erasures".to_owned(),
            MemberKind::Manifest => "manifest.json".to_owned(),
        }
    }

    /// The member of that name; names of no member, or of a number beyond the limits, are refused.
    pub fn parse(name: &str) -> Option<MemberKind> {
        let kind = match name {
            "scope.json" => MemberKind::Scope,
            "report/report.json" => MemberKind::ReportJson,
            "report/report.pdf" => MemberKind::ReportPdf,
            "report/report.csv" => MemberKind::ReportCsv,
            "log/before.range" => MemberKind::BeforeRange,
            "log/tip.proof" => MemberKind::TipProof,
            "heads/base" => MemberKind::HeadsBase,
            "heads/last" => MemberKind::HeadsLast,
            "frontiers" => MemberKind::Frontiers,
            "erasures" => MemberKind::Erasures,
            "manifest.json" => MemberKind::Manifest,
            _ => parse_numbered(name)?,
        };
        (kind.name() == name && kind.is_within_limits()).then_some(kind)
    }

    /// Largest size in bytes.
    pub fn max_size(self) -> u64 {
        match self {
            MemberKind::Scope => limits::MAX_SCOPE,
            MemberKind::ReportPdf | MemberKind::ReportCsv => limits::MAX_REPORT_FILE,
            MemberKind::BeforeRange => limits::MAX_RANGE,
            MemberKind::Checkpoint(_, CheckpointPart::Token(_)) => limits::MAX_TOKEN,
            MemberKind::Checkpoint(..) => limits::MAX_NOTE,
            MemberKind::TipProof => limits::MAX_TIP_PROOF,
            MemberKind::Manifests(_) => limits::MAX_PACKED,
            MemberKind::Manifest => limits::MAX_MANIFEST,
            MemberKind::ReportJson
            | MemberKind::HeadsBase
            | MemberKind::HeadsLast
            | MemberKind::Frontiers
            | MemberKind::Records(_)
            | MemberKind::Erasures => limits::MAX_PART,
        }
    }

    /// Whether this member may come right after that one; `None`: it is the first.
    pub fn may_follow(self, previous: Option<MemberKind>) -> bool {
        let Some(previous) = previous else {
            return self == MemberKind::Scope;
        };
        let (rank, before) = (self.rank(), previous.rank());
        if rank == before {
            return self.continues(previous);
        }
        let leaves_out = REQUIRED_RANKS
            .iter()
            .any(|required| before < *required && *required < rank);
        rank > before && !leaves_out && self.is_first_of_its_kind()
    }

    fn rank(self) -> u8 {
        match self {
            MemberKind::Scope => 0,
            MemberKind::ReportJson => 1,
            MemberKind::ReportPdf => 2,
            MemberKind::ReportCsv => 3,
            MemberKind::BeforeRange => 4,
            MemberKind::Checkpoint(..) => 5,
            MemberKind::TipProof => 6,
            MemberKind::Manifests(_) => 7,
            MemberKind::HeadsBase => 8,
            MemberKind::HeadsLast => 9,
            MemberKind::Frontiers => 10,
            MemberKind::Records(_) => 11,
            MemberKind::Erasures => 12,
            MemberKind::Manifest => 13,
        }
    }

    fn continues(self, previous: MemberKind) -> bool {
        match (previous, self) {
            (MemberKind::Manifests(before), MemberKind::Manifests(n))
            | (MemberKind::Records(before), MemberKind::Records(n)) => n == before + 1,
            (MemberKind::Checkpoint(before, last), MemberKind::Checkpoint(n, part)) => {
                (n == before && part > last) || (n == before + 1 && part == CheckpointPart::Note)
            }
            _ => false,
        }
    }

    fn is_first_of_its_kind(self) -> bool {
        match self {
            MemberKind::Manifests(n) | MemberKind::Records(n) => n == 0,
            MemberKind::Checkpoint(n, part) => n == 0 && part == CheckpointPart::Note,
            _ => true,
        }
    }

    fn is_within_limits(self) -> bool {
        match self {
            MemberKind::Manifests(n) | MemberKind::Records(n) => n < limits::MAX_PACKED_MEMBERS,
            MemberKind::Checkpoint(n, CheckpointPart::Token(k)) => {
                n < limits::MAX_CHECKPOINTS && k < limits::MAX_TOKENS
            }
            MemberKind::Checkpoint(n, _) => n < limits::MAX_CHECKPOINTS,
            _ => true,
        }
    }
}

fn parse_numbered(name: &str) -> Option<MemberKind> {
    // Odd digits are refused by the comparison with the one name of the parsed kind.
    let number = |digits: &str| digits.parse::<u32>().ok();
    if let Some(digits) = name.strip_prefix("records/") {
        return number(digits).map(MemberKind::Records);
    }
    if let Some(digits) = name.strip_prefix("manifests/") {
        return number(digits).map(MemberKind::Manifests);
    }
    let (digits, part) = name.strip_prefix("checkpoints/")?.split_once('.')?;
    let part = match part {
        "note" => CheckpointPart::Note,
        "cosigned" => CheckpointPart::Cosigned,
        _ => CheckpointPart::Token(part.strip_prefix("tsr-")?.parse().ok()?),
    };
    number(digits).map(|n| MemberKind::Checkpoint(n, part))
}
