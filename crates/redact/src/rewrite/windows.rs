//! Which parts of a text a later pass looks at: what was replaced can change the verdict on what stands near it, and
//! on nothing else.

/// Bytes around a replacement in which a verdict may change. Words count for a value up to 128 bytes away
/// ([`crate::context`]), and those that lead to a value by themselves stand nearer.
const REACH: usize = 192;
/// Bytes around the place of a value that its verdict is made from.
const CONTEXT: usize = 128;
/// Longest word at the edge of a window; a longer one is cut, far from what the window is for.
const MAX_EDGE: usize = 4096;

/// The places of `text` to look at again after replacements at `replaced` (sorted, disjoint): sorted, disjoint.
pub(super) fn around(text: &str, replaced: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (start, end) in replaced {
        let place = (start.saturating_sub(REACH), text.len().min(end + REACH));
        match places.last_mut() {
            // Windows that would overlap are one.
            Some(last) if place.0 <= last.1 + 2 * CONTEXT => last.1 = last.1.max(place.1),
            _ => places.push(place),
        }
    }
    places
}

/// `place` with the text that a verdict on its values takes into account, from white space to white space.
pub(super) fn with_context(text: &str, place: (usize, usize)) -> (usize, usize) {
    let bytes = text.as_bytes();
    let from = place.0.saturating_sub(CONTEXT);
    let to = bytes.len().min(place.1 + CONTEXT);
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let floor = from.saturating_sub(MAX_EDGE);
    let start = match bytes[floor..from].iter().rposition(is_space) {
        Some(index) => floor + index,
        None => text.floor_char_boundary(floor),
    };
    let ceiling = bytes.len().min(to + MAX_EDGE);
    let end = match bytes[to..ceiling].iter().position(is_space) {
        Some(index) => to + index,
        None => text.ceil_char_boundary(ceiling),
    };
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_merged_and_windows_end_at_white_space() {
        let text = "word ".repeat(1000);
        let places = around(&text, [(100, 110), (700, 730), (4000, 4040)].into_iter());
        assert_eq!(places, [(0, 922), (3808, 4232)]);
        let (start, end) = with_context(&text, places[1]);
        assert!(start <= 3680 && end >= 4360 && end - start < 700);
        assert!(text[start..].starts_with(' ') && text[end..].starts_with(' '));
        let long = "x".repeat(20_000);
        assert_eq!(with_context(&long, (10_000, 10_010)), (5776, 14_234));
    }
}
