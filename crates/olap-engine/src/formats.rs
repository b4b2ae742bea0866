//! What is known of output formats: which ones may be sent chunk by chunk, and their media types.
//!
//! The engine streams a result as pieces of about 65 thousand rows, and each piece is a whole document of its
//! format. Pieces of formats without a frame can be put one after another as they are; two binary formats need
//! their repeated header cut off; everything else (JSON, Parquet, ...) has to be made in one call.

/// How the pieces of a streamed result become one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// One after another.
    Plain,
    /// As [`Joining::Plain`] without the names that every piece after the first repeats.
    DropNames,
    /// The same for names and types.
    DropNamesAndTypes,
    /// Not possible: the result is made in one piece.
    Buffered,
}

/// How results of `format` are joined.
pub fn joining(format: &str) -> Joining {
    const PLAIN: [&str; 16] = [
        "RowBinary",
        "Native",
        "TabSeparated",
        "TSV",
        "TabSeparatedRaw",
        "TSVRaw",
        "CSV",
        "JSONEachRow",
        "JSONLines",
        "NDJSON",
        "JSONStringsEachRow",
        "JSONCompactEachRow",
        "JSONCompactStringsEachRow",
        "TSKV",
        "LineAsString",
        "RawBLOB",
    ];
    match format {
        "RowBinaryWithNamesAndTypes" => Joining::DropNamesAndTypes,
        "RowBinaryWithNames" => Joining::DropNames,
        _ if PLAIN.contains(&format) => Joining::Plain,
        _ => Joining::Buffered,
    }
}

/// The `Content-Type` a ClickHouse server sends for `format`.
pub fn content_type(format: &str) -> &'static str {
    match format {
        "TabSeparated"
        | "TSV"
        | "TabSeparatedWithNames"
        | "TSVWithNames"
        | "TabSeparatedWithNamesAndTypes"
        | "TSVWithNamesAndTypes"
        | "TabSeparatedRaw"
        | "TSVRaw" => "text/tab-separated-values; charset=UTF-8",
        "CSV" | "CSVWithNames" | "CSVWithNamesAndTypes" => "text/csv; charset=UTF-8; header=absent",
        "JSON"
        | "JSONCompact"
        | "JSONStrings"
        | "JSONCompactStrings"
        | "JSONColumns"
        | "JSONColumnsWithMetadata" => "application/json; charset=UTF-8",
        "JSONEachRow"
        | "JSONLines"
        | "NDJSON"
        | "JSONCompactEachRow"
        | "JSONStringsEachRow"
        | "JSONCompactStringsEachRow" => "application/x-ndjson; charset=UTF-8",
        "Native"
        | "RowBinary"
        | "RowBinaryWithNames"
        | "RowBinaryWithNamesAndTypes"
        | "Parquet"
        | "Arrow"
        | "ArrowStream"
        | "ORC"
        | "Avro"
        | "RawBLOB" => "application/octet-stream",
        "XML" => "application/xml; charset=UTF-8",
        _ => "text/plain; charset=UTF-8",
    }
}

impl Joining {
    /// The part of a piece to send. `first` is true for the first piece; an unreadable header is left in place,
    /// where the client will stumble over it, rather than guessed at.
    pub fn payload(self, piece: &[u8], first: bool) -> &[u8] {
        let lists = match self {
            _ if first => 0,
            Self::Plain | Self::Buffered => 0,
            Self::DropNames => 1,
            Self::DropNamesAndTypes => 2,
        };
        &piece[binary_header_bytes(piece, lists).unwrap_or(0)..]
    }
}

/// The length of a RowBinary header: the number of columns, then `lists` lists of that many strings.
fn binary_header_bytes(piece: &[u8], lists: usize) -> Option<usize> {
    if lists == 0 {
        return Some(0);
    }
    let (columns, mut at) = varuint(piece, 0)?;
    for _ in 0..columns.checked_mul(lists)? {
        let (length, start) = varuint(piece, at)?;
        at = start.checked_add(length)?;
        if at > piece.len() {
            return None;
        }
    }
    Some(at)
}

/// LEB128: the value and where the next byte is.
fn varuint(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADED: &[u8] = b"\x02\x01a\x02bb\x05UInt8\x06Stringrest";

    #[test]
    fn a_repeated_header_is_cut_from_later_pieces_only() {
        assert_eq!(Joining::DropNamesAndTypes.payload(HEADED, true), HEADED);
        assert_eq!(Joining::DropNamesAndTypes.payload(HEADED, false), b"rest");
        assert_eq!(
            Joining::DropNames.payload(HEADED, false),
            b"\x05UInt8\x06Stringrest"
        );
        assert_eq!(Joining::Plain.payload(HEADED, false), HEADED);
    }

    #[test]
    fn a_cut_header_is_not_guessed_at() {
        assert_eq!(
            Joining::DropNamesAndTypes.payload(&HEADED[..8], false),
            &HEADED[..8]
        );
    }

    proptest! {
        #[test]
        fn any_piece_is_taken_without_a_panic(piece in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Joining::DropNamesAndTypes.payload(&piece, false);
        }
    }
}
