//! The units usage is counted in, and how they contain each other.
//!
//! A unit is a point in a small lattice of dimensions (family, direction, modality, kind, time to live); one unit
//! contains another when it fixes fewer of them in the same way. `input_tokens` contains `cache_read_tokens`, which
//! contains `cache_text_read_tokens`. Keys and dimensions are those of the imported price list (genai-prices
//! `data_units.py`); loading a table refuses keys and divisors that differ.

use std::sync::LazyLock;

/// A set of units, one bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct UnitSet(u128);

impl std::fmt::Debug for UnitSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_set()
            .entries(Unit::ALL.iter().filter(|unit| self.contains(**unit)))
            .finish()
    }
}

impl UnitSet {
    /// Adds a unit.
    pub fn insert(&mut self, unit: Unit) {
        self.0 |= unit.bit();
    }

    /// Takes a unit out.
    pub fn remove(&mut self, unit: Unit) {
        self.0 &= !unit.bit();
    }

    /// Whether the unit is in the set.
    pub fn contains(self, unit: Unit) -> bool {
        self.0 & unit.bit() != 0
    }

    /// Whether both sets share a unit.
    pub fn intersects(self, other: UnitSet) -> bool {
        self.0 & other.0 != 0
    }
}

macro_rules! units {
    ($($variant:ident: $key:literal, $per:literal, $dimensions:expr;)*) => {
        /// What usage is counted in; [`Unit::key`] is its name in data.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Unit { $($variant,)* }

        impl Unit {
            /// Every unit, in the order of the enumeration.
            pub const ALL: &'static [Unit] = &[$(Unit::$variant,)*];

            /// The name in usage objects, such as `cache_read_tokens`.
            pub fn key(self) -> &'static str {
                match self { $(Unit::$variant => $key,)* }
            }

            /// How many of the unit a listed price buys: a million tokens, 3,600 seconds.
            pub fn per(self) -> u32 {
                match self { $(Unit::$variant => $per,)* }
            }

            fn dimensions(self) -> [&'static str; 5] {
                match self { $(Unit::$variant => $dimensions,)* }
            }

            /// The unit of that name.
            pub fn from_key(key: &str) -> Option<Unit> {
                match key { $($key => Some(Unit::$variant),)* _ => None }
            }
        }
    };
}

// family, direction, modality, kind, time to live; "" leaves a dimension open.
units! {
    InputTokens: "input_tokens", 1_000_000, ["tokens", "input", "", "", ""];
    OutputTokens: "output_tokens", 1_000_000, ["tokens", "output", "", "", ""];
    CacheReadTokens: "cache_read_tokens", 1_000_000, ["tokens", "input", "", "cache_read", ""];
    CacheWriteTokens: "cache_write_tokens", 1_000_000, ["tokens", "input", "", "cache_write", ""];
    CacheWrite5mTokens: "cache_write_5m_tokens", 1_000_000, ["tokens", "input", "", "cache_write", "5m"];
    CacheWrite1hTokens: "cache_write_1h_tokens", 1_000_000, ["tokens", "input", "", "cache_write", "1h"];
    InputTextTokens: "input_text_tokens", 1_000_000, ["tokens", "input", "text", "", ""];
    OutputTextTokens: "output_text_tokens", 1_000_000, ["tokens", "output", "text", "", ""];
    CacheTextReadTokens: "cache_text_read_tokens", 1_000_000, ["tokens", "input", "text", "cache_read", ""];
    CacheTextWriteTokens: "cache_text_write_tokens", 1_000_000, ["tokens", "input", "text", "cache_write", ""];
    CacheTextWrite5mTokens: "cache_text_write_5m_tokens", 1_000_000, ["tokens", "input", "text", "cache_write", "5m"];
    CacheTextWrite1hTokens: "cache_text_write_1h_tokens", 1_000_000, ["tokens", "input", "text", "cache_write", "1h"];
    InputAudioTokens: "input_audio_tokens", 1_000_000, ["tokens", "input", "audio", "", ""];
    OutputAudioTokens: "output_audio_tokens", 1_000_000, ["tokens", "output", "audio", "", ""];
    CacheAudioReadTokens: "cache_audio_read_tokens", 1_000_000, ["tokens", "input", "audio", "cache_read", ""];
    CacheAudioWriteTokens: "cache_audio_write_tokens", 1_000_000, ["tokens", "input", "audio", "cache_write", ""];
    CacheAudioWrite5mTokens: "cache_audio_write_5m_tokens", 1_000_000, ["tokens", "input", "audio", "cache_write", "5m"];
    CacheAudioWrite1hTokens: "cache_audio_write_1h_tokens", 1_000_000, ["tokens", "input", "audio", "cache_write", "1h"];
    InputImageTokens: "input_image_tokens", 1_000_000, ["tokens", "input", "image", "", ""];
    OutputImageTokens: "output_image_tokens", 1_000_000, ["tokens", "output", "image", "", ""];
    CacheImageReadTokens: "cache_image_read_tokens", 1_000_000, ["tokens", "input", "image", "cache_read", ""];
    CacheImageWriteTokens: "cache_image_write_tokens", 1_000_000, ["tokens", "input", "image", "cache_write", ""];
    CacheImageWrite5mTokens: "cache_image_write_5m_tokens", 1_000_000, ["tokens", "input", "image", "cache_write", "5m"];
    CacheImageWrite1hTokens: "cache_image_write_1h_tokens", 1_000_000, ["tokens", "input", "image", "cache_write", "1h"];
    InputVideoTokens: "input_video_tokens", 1_000_000, ["tokens", "input", "video", "", ""];
    OutputVideoTokens: "output_video_tokens", 1_000_000, ["tokens", "output", "video", "", ""];
    CacheVideoReadTokens: "cache_video_read_tokens", 1_000_000, ["tokens", "input", "video", "cache_read", ""];
    CacheVideoWriteTokens: "cache_video_write_tokens", 1_000_000, ["tokens", "input", "video", "cache_write", ""];
    CacheVideoWrite5mTokens: "cache_video_write_5m_tokens", 1_000_000, ["tokens", "input", "video", "cache_write", "5m"];
    CacheVideoWrite1hTokens: "cache_video_write_1h_tokens", 1_000_000, ["tokens", "input", "video", "cache_write", "1h"];
    InputToolTokens: "input_tool_tokens", 1_000_000, ["tokens", "input", "", "tool", ""];
    InputTextToolTokens: "input_text_tool_tokens", 1_000_000, ["tokens", "input", "text", "tool", ""];
    InputAudioToolTokens: "input_audio_tool_tokens", 1_000_000, ["tokens", "input", "audio", "tool", ""];
    InputImageToolTokens: "input_image_tool_tokens", 1_000_000, ["tokens", "input", "image", "tool", ""];
    InputVideoToolTokens: "input_video_tool_tokens", 1_000_000, ["tokens", "input", "video", "tool", ""];
    OutputReasoningTokens: "output_reasoning_tokens", 1_000_000, ["tokens", "output", "", "reasoning", ""];
    OutputTextReasoningTokens: "output_text_reasoning_tokens", 1_000_000, ["tokens", "output", "text", "reasoning", ""];
    OutputAudioReasoningTokens: "output_audio_reasoning_tokens", 1_000_000, ["tokens", "output", "audio", "reasoning", ""];
    OutputImageReasoningTokens: "output_image_reasoning_tokens", 1_000_000, ["tokens", "output", "image", "reasoning", ""];
    OutputVideoReasoningTokens: "output_video_reasoning_tokens", 1_000_000, ["tokens", "output", "video", "reasoning", ""];
    OutputCitationTokens: "output_citation_tokens", 1_000_000, ["tokens", "output", "", "citation", ""];
    OutputTextCitationTokens: "output_text_citation_tokens", 1_000_000, ["tokens", "output", "text", "citation", ""];
    OutputAudioCitationTokens: "output_audio_citation_tokens", 1_000_000, ["tokens", "output", "audio", "citation", ""];
    OutputImageCitationTokens: "output_image_citation_tokens", 1_000_000, ["tokens", "output", "image", "citation", ""];
    OutputVideoCitationTokens: "output_video_citation_tokens", 1_000_000, ["tokens", "output", "video", "citation", ""];
    InputCharacters: "input_characters", 1_000_000, ["characters", "input", "", "", ""];
    InputTextMessages: "input_text_messages", 1_000, ["messages", "input", "text", "", ""];
    AudioSeconds: "audio_seconds", 3_600, ["durations", "", "audio", "", ""];
    InputAudioSeconds: "input_audio_seconds", 3_600, ["durations", "input", "audio", "", ""];
    OutputAudioSeconds: "output_audio_seconds", 3_600, ["durations", "output", "audio", "", ""];
    InputPixels: "input_pixels", 1_000_000_000, ["pixels", "input", "", "", ""];
    InputDocumentPages: "input_document_pages", 1_000, ["document_pages", "input", "", "", ""];
    InputAnnotatedDocumentPages: "input_annotated_document_pages", 1_000, ["document_pages", "input", "", "annotated", ""];
    RerankSearches: "rerank_searches", 1_000, ["rerank", "", "", "", ""];
    WebSearches: "web_searches", 1_000, ["tool_calls", "", "", "web_search", ""];
    SocialSearches: "social_searches", 1_000, ["tool_calls", "", "", "social_search", ""];
    StorageSearches: "storage_searches", 1_000, ["tool_calls", "", "", "storage_search", ""];
    CodeExecutions: "code_executions", 1_000, ["tool_calls", "", "", "code_execution", ""];
    Requests: "requests", 1_000, ["requests", "", "", "", ""];
}

/// Which side of a call a unit belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Sent to the model.
    Input,
    /// Produced by the model.
    Output,
    /// Neither: searches, requests, whole durations.
    Neither,
}

struct Relations {
    /// Of each unit: the units strictly inside it.
    inside: Vec<UnitSet>,
    /// Of each unit: itself and the units that contain it.
    around: Vec<UnitSet>,
}

static RELATIONS: LazyLock<Relations> = LazyLock::new(|| {
    let mut inside = vec![UnitSet::default(); Unit::ALL.len()];
    let mut around = vec![UnitSet::default(); Unit::ALL.len()];
    for outer in Unit::ALL {
        for inner in Unit::ALL {
            let pairs = outer.dimensions().into_iter().zip(inner.dimensions());
            if !pairs
                .into_iter()
                .all(|(wide, narrow)| wide.is_empty() || wide == narrow)
            {
                continue;
            }
            around[*inner as usize].insert(*outer);
            if outer != inner {
                inside[*outer as usize].insert(*inner);
            }
        }
    }
    Relations { inside, around }
});

impl Unit {
    fn bit(self) -> u128 {
        1 << (self as u8)
    }

    /// Units strictly inside this one.
    pub fn parts(self) -> UnitSet {
        RELATIONS.inside[self as usize]
    }

    /// Whether `other` is strictly inside this unit.
    pub fn contains(self, other: Unit) -> bool {
        self.parts().contains(other)
    }

    /// This unit and all that contain it.
    pub fn wholes(self) -> UnitSet {
        RELATIONS.around[self as usize]
    }

    /// How many dimensions are fixed; a part has more than its whole.
    pub fn depth(self) -> usize {
        self.dimensions()
            .iter()
            .filter(|dimension| !dimension.is_empty())
            .count()
    }

    /// Input, output or neither.
    pub fn direction(self) -> Direction {
        match self.dimensions()[1] {
            "input" => Direction::Input,
            "output" => Direction::Output,
            _ => Direction::Neither,
        }
    }

    /// The unit where both overlap, when they can overlap, neither contains the other, and it has a name.
    pub fn overlap(self, other: Unit) -> Option<Unit> {
        if self == other || self.contains(other) || other.contains(self) {
            return None;
        }
        let mut joined = [""; 5];
        let pairs = self.dimensions().into_iter().zip(other.dimensions());
        for (slot, (left, right)) in joined.iter_mut().zip(pairs) {
            if !left.is_empty() && !right.is_empty() && left != right {
                return None;
            }
            *slot = if left.is_empty() { right } else { left };
        }
        Unit::ALL.iter().copied().find(|unit| unit.dimensions() == joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_inside_their_wholes() {
        assert!(Unit::InputTokens.contains(Unit::CacheTextReadTokens));
        assert!(Unit::CacheReadTokens.contains(Unit::CacheTextReadTokens));
        assert!(!Unit::InputTokens.contains(Unit::OutputTokens));
        assert!(!Unit::InputTokens.contains(Unit::InputTokens));
        assert!(Unit::AudioSeconds.contains(Unit::InputAudioSeconds));
    }

    #[test]
    fn overlaps_are_named_once() {
        assert_eq!(
            Unit::CacheReadTokens.overlap(Unit::InputAudioTokens),
            Some(Unit::CacheAudioReadTokens)
        );
        assert_eq!(Unit::CacheReadTokens.overlap(Unit::CacheWriteTokens), None);
        assert_eq!(Unit::InputTokens.overlap(Unit::CacheReadTokens), None);
    }

    #[test]
    fn keys_name_units_and_back() {
        for unit in Unit::ALL {
            assert_eq!(Unit::from_key(unit.key()), Some(*unit));
        }
        assert_eq!(Unit::from_key("unheard_of"), None);
    }
}
