//! Words that hold a digit, and the regions of a text where numbers mean nothing.

/// A maximal run of ASCII letters and digits with at least one digit, in offsets of the folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    pub start: usize,
    pub end: usize,
    pub digits: usize,
}

impl Word {
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    pub fn all_digits(&self) -> bool {
        self.digits == self.len()
    }
}

/// Adds the regions of `bytes` in which no number may be found to `regions`: UUIDs and, if there are any, the
/// payloads of `data:` URIs. Sorted, disjoint.
pub(crate) fn vetoed_regions(
    bytes: &[u8],
    words: &[Word],
    has_data: bool,
    regions: &mut Vec<(usize, usize)>,
) {
    if has_data {
        for found in memchr::memmem::find_iter(bytes, b";base64,") {
            let start = found + b";base64,".len();
            let length = bytes[start..].iter().take_while(|byte| is_base64(**byte)).count();
            regions.push((start, start + length));
        }
    }
    let mut covered_until = 0;
    for word in words {
        let joined = bytes.get(word.end) == Some(&b'-') || before(bytes, word.start) == Some(b'-');
        if word.start < covered_until || !joined || !matches!(word.len(), 4 | 8 | 12) {
            continue;
        }
        // A UUID's first group may hold letters only, so it is looked for around each of its words.
        if let Some((start, end)) = uuid_around(bytes, word) {
            regions.push((start, end));
            covered_until = end;
        }
    }
    regions.sort_unstable();
}

/// The UUID (8-4-4-4-12 hexadecimal digits) that contains `word`, if there is one.
fn uuid_around(bytes: &[u8], word: &Word) -> Option<(usize, usize)> {
    const STARTS: [usize; 5] = [0, 9, 14, 19, 24];
    const LENGTH: usize = 36;
    STARTS.iter().find_map(|offset| {
        let start = word.start.checked_sub(*offset)?;
        let text = bytes.get(start..start + LENGTH)?;
        let shaped = text.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
        let bounded = !before(bytes, start).is_some_and(|byte| byte.is_ascii_alphanumeric())
            && !bytes.get(start + LENGTH).is_some_and(u8::is_ascii_alphanumeric);
        (shaped && bounded).then_some((start, start + LENGTH))
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Adds the paths and queries of links in `bytes` to the empty `regions`: from the authority to white space or a quote. Sorted, disjoint.
pub(crate) fn link_regions(bytes: &[u8], regions: &mut Vec<(usize, usize)>) {
    for found in memchr::memmem::find_iter(bytes, b"://") {
        if regions.last().is_some_and(|region| region.1 > found) {
            continue;
        }
        let start = found + b"://".len();
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>`".contains(byte);
        let length = bytes[start..]
            .iter()
            .position(ends)
            .unwrap_or(bytes.len() - start);
        regions.push((start, start + length));
    }
}

/// Whether `start..end` meets one of `regions` (sorted, disjoint).
pub(crate) fn meets_region(regions: &[(usize, usize)], start: usize, end: usize) -> bool {
    let next = regions.partition_point(|region| region.1 <= start);
    regions.get(next).is_some_and(|region| region.0 < end)
}

/// The byte before `at`, or `None` at the start.
pub(crate) fn before(bytes: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|index| bytes.get(index)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_and_data_uris_are_vetoed() {
        let text = b"id ff8ea867-d9f5-cd93-0ea8-42428be11805 data:image/png;base64,QGv12345== 7";
        let word = |start, end| Word {
            start,
            end,
            digits: 1,
        };
        let mut regions = Vec::new();
        vetoed_regions(text, &[word(3, 11), word(27, 39)], true, &mut regions);
        assert_eq!(regions, [(3, 39), (62, 72)]);
    }
}
