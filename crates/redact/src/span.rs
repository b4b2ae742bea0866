//! What the detector reports, and how sure it is.

use crate::entity::Entity;

/// How sure the detector is. The band is the contract; the score within it may move between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Band {
    /// 0.3 to 0.6: reported, not redacted.
    Possible,
    /// 0.6 to 0.9: redacted.
    Likely,
    /// 0.9 and more: redacted.
    Certain,
}

impl Band {
    /// `certain`, `likely` or `possible`.
    pub fn name(self) -> &'static str {
        match self {
            Band::Certain => "certain",
            Band::Likely => "likely",
            Band::Possible => "possible",
        }
    }

    /// Whether values of this band are taken out of the text.
    pub fn is_redacted(self) -> bool {
        self >= Band::Likely
    }

    /// The band of a score in per mille, or `None` below 300, which is not reported at all.
    pub fn of(score_permille: u16) -> Option<Band> {
        match score_permille {
            900.. => Some(Band::Certain),
            600.. => Some(Band::Likely),
            300.. => Some(Band::Possible),
            _ => None,
        }
    }
}

/// One found value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First byte of the value (UTF-8 offset).
    pub start: usize,
    /// Byte after the value.
    pub end: usize,
    /// What it is.
    pub entity: Entity,
    /// How sure that is.
    pub band: Band,
    /// Score in per mille, 300 to 999.
    pub score_permille: u16,
    /// Rule that found it.
    pub rule: &'static str,
}

/// A possible value as a matcher proposes it, in offsets of the folded text; its evidence is additive log-odds in
/// hundredths of a natural unit, so that scores are exact integers on every machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub start: usize,
    pub end: usize,
    pub entity: Entity,
    pub log_odds: i32,
    pub rule: &'static str,
}

/// The probability, in per mille, of log-odds given in hundredths. Linear between whole units; exact integers.
pub(crate) fn probability_permille(log_odds: i32) -> u16 {
    // 1000 / (1 + e^-x) for x = 0, 1, ... 7.
    const AT_UNIT: [i32; 8] = [500, 731, 881, 953, 982, 993, 998, 999];
    let magnitude = log_odds.unsigned_abs().min(699) as i32;
    let (unit, rest) = ((magnitude / 100) as usize, magnitude % 100);
    let above_half = AT_UNIT[unit] + (AT_UNIT[unit + 1] - AT_UNIT[unit]) * rest / 100;
    let permille = if log_odds < 0 {
        1000 - above_half
    } else {
        above_half
    };
    // 0 to 1000 by construction.
    permille as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_rise_with_the_evidence_and_meet_the_bands() {
        let scores: Vec<u16> = (-800..=800).map(probability_permille).collect();
        assert!(scores.is_sorted());
        assert_eq!(probability_permille(0), 500);
        assert_eq!(Band::of(probability_permille(300)), Some(Band::Certain));
        assert_eq!(Band::of(probability_permille(100)), Some(Band::Likely));
        assert_eq!(Band::of(probability_permille(-50)), Some(Band::Possible));
        assert_eq!(Band::of(probability_permille(-200)), None);
    }
}
