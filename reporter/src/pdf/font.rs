//! The font of the page footers, embedded so that a PDF looks the same everywhere.
//!
//! A subset of DejaVu Sans Condensed (see `assets/README.md`): printable ASCII and the middle dot, which is all a
//! footer holds. Encoded as WinAnsi, where those characters have their Latin-1 codes.

use lopdf::{Document, Object, ObjectId, Stream, dictionary};

use super::PdfError;

const FONT_FILE: &[u8] = include_bytes!("../../assets/DejaVuSansCondensed-footer.ttf");

/// Advance widths of U+0020 to U+007E, in thousandths of the font size (`hmtx`, scaled).
const ASCII_WIDTHS: [u16; 95] = [
    286, 360, 414, 754, 572, 855, 702, 247, 351, 351, 450, 754, 286, 325, 286, 303, 572, 572, 572, 572, 572,
    572, 572, 572, 572, 572, 303, 303, 754, 754, 754, 478, 900, 615, 617, 628, 693, 568, 518, 697, 677, 265,
    265, 590, 501, 776, 673, 708, 542, 708, 625, 571, 549, 659, 615, 890, 616, 549, 616, 351, 303, 351, 754,
    450, 450, 551, 571, 495, 571, 554, 316, 571, 570, 250, 250, 521, 250, 876, 570, 550, 571, 571, 370, 469,
    353, 570, 532, 736, 532, 532, 472, 572, 303, 572, 754,
];
const MIDDLE_DOT: char = '\u{b7}';
const MIDDLE_DOT_WIDTH: u16 = 286;
const FIRST_CHAR: u16 = 0x20;
const LAST_CHAR: u16 = 0xb7;

/// Adds the font to `document` once and returns its object.
pub(super) fn embed(document: &mut Document) -> ObjectId {
    let length = i64::try_from(FONT_FILE.len()).unwrap_or(i64::MAX);
    let mut file = Stream::new(dictionary! { "Length1" => length }, FONT_FILE.to_vec());
    // Compression only saves space; uncompressed is just as valid.
    let _ = file.compress();
    let file_id = document.add_object(file);
    let descriptor_id = document.add_object(dictionary! {
        "Type" => "FontDescriptor",
        "FontName" => "AALFTR+DejaVuSansCondensed",
        "Flags" => 32,
        "FontBBox" => vec![(-918).into(), (-463).into(), 1614.into(), 1232.into()],
        "ItalicAngle" => 0,
        "Ascent" => 928,
        "Descent" => -236,
        "CapHeight" => 729,
        "StemV" => 80,
        "FontFile2" => file_id,
    });
    let widths: Vec<Object> = (FIRST_CHAR..=LAST_CHAR)
        .map(|code| i64::from(code_width(code)).into())
        .collect();
    document.add_object(dictionary! {
        "Type" => "Font",
        "Subtype" => "TrueType",
        "BaseFont" => "AALFTR+DejaVuSansCondensed",
        "FirstChar" => i64::from(FIRST_CHAR),
        "LastChar" => i64::from(LAST_CHAR),
        "Widths" => widths,
        "Encoding" => "WinAnsiEncoding",
        "FontDescriptor" => descriptor_id,
    })
}

/// WinAnsi bytes of `text`.
///
/// # Errors
/// `text` has a character the font lacks.
pub(super) fn encode(text: &str) -> Result<Vec<u8>, PdfError> {
    let code = |character: char| match character {
        ' '..='~' => Ok(character as u8),
        MIDDLE_DOT => Ok(0xb7),
        _ => Err(PdfError::FooterText),
    };
    text.chars().map(code).collect()
}

/// Width of encoded text in thousandths of the font size.
pub(super) fn width(encoded: &[u8]) -> u32 {
    encoded
        .iter()
        .map(|&code| u32::from(code_width(u16::from(code))))
        .sum()
}

fn code_width(code: u16) -> u16 {
    if code == LAST_CHAR {
        return MIDDLE_DOT_WIDTH;
    }
    let index = usize::from(code.saturating_sub(FIRST_CHAR));
    ASCII_WIDTHS.get(index).copied().unwrap_or(0)
}
