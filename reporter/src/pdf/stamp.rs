//! Identity and page numbers on every page, stamped after rendering, because Debian's unpatched Qt ignores header
//! and footer switches. The document's own properties are set in the same pass, from the report and not from the
//! clock.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary, text_string};
use time::OffsetDateTime;

use super::{PdfError, font};

/// Name of the footer font in each page's resources; nothing `wkhtmltopdf` writes begins like this.
const FONT_KEY: &str = "AALFooter";
const FONT_SIZE: f32 = 6.5;
/// Distances from the lower edge and the sides of the page, points (1/72 inch).
const RULE_Y: f32 = 43.0;
const FIRST_LINE_Y: f32 = 33.0;
const SECOND_LINE_Y: f32 = 24.0;
const SIDE: f32 = 45.4;

/// What is stamped and what goes into the document's properties.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// First footer line, left; printable ASCII and the middle dot.
    pub heading: String,
    /// Second footer line; printable ASCII and the middle dot.
    pub identity: String,
    /// Title among the document's properties, any text.
    pub title: String,
    /// When the report was generated, microseconds since the Unix epoch.
    pub generated_at_us: i64,
}

/// Stamps every page of `pdf`; returns the new document and its number of pages.
///
/// # Errors
/// `pdf` cannot be read, has no pages, or the footer has a character the font lacks.
pub fn stamp_pages(pdf: &[u8], stamp: &Stamp) -> Result<(Vec<u8>, usize), PdfError> {
    let mut document = Document::load_mem(pdf).map_err(PdfError::Unreadable)?;
    let pages: Vec<ObjectId> = document.get_pages().into_values().collect();
    if pages.is_empty() {
        return Err(PdfError::Unreadable(lopdf::Error::PageNumberNotFound(1)));
    }
    let font_id = font::embed(&mut document);
    let before_id = document.add_object(Stream::new(Dictionary::new(), b"q\n".to_vec()));
    for (index, &page_id) in pages.iter().enumerate() {
        let number = format!("Page {} of {}", index + 1, pages.len());
        let content = footer(stamp, &number, page_width(&document, page_id))?;
        let after_id = document.add_object(Stream::new(Dictionary::new(), content));
        attach(&mut document, page_id, font_id, before_id, after_id).map_err(PdfError::Unreadable)?;
    }
    set_properties(&mut document, stamp);
    let mut bytes = Vec::with_capacity(pdf.len() + 16 * 1024);
    document.save_to(&mut bytes).map_err(|source| PdfError::Io {
        doing: "cannot write the stamped PDF",
        source,
    })?;
    Ok((bytes, pages.len()))
}

/// Drawing operators of one footer. The leading `Q` undoes whatever the page's own content left set.
fn footer(stamp: &Stamp, number: &str, page_width: f32) -> Result<Vec<u8>, PdfError> {
    let right_edge = page_width - SIDE;
    let mut operators = format!(
        "\nQ\nq 0.6 G 0.5 w {SIDE} {RULE_Y} m {right_edge} {RULE_Y} l S 0.25 g BT /{FONT_KEY} {FONT_SIZE} Tf\n"
    )
    .into_bytes();
    let number_bytes = font::encode(number)?;
    let number_x = right_edge - font::width(&number_bytes) as f32 / 1000.0 * FONT_SIZE;
    let lines = [
        (SIDE, FIRST_LINE_Y, font::encode(&stamp.heading)?),
        (number_x, FIRST_LINE_Y, number_bytes),
        (SIDE, SECOND_LINE_Y, font::encode(&stamp.identity)?),
    ];
    for (x, y, text) in lines {
        let text: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        operators.extend(format!("1 0 0 1 {x:.2} {y:.2} Tm <{text}> Tj\n").into_bytes());
    }
    operators.extend(b"ET Q\n");
    Ok(operators)
}

/// Width of the page in points; A4 when it does not say.
fn page_width(document: &Document, page_id: ObjectId) -> f32 {
    const A4_WIDTH: f32 = 595.0;
    let media_box = document
        .get_dictionary(page_id)
        .and_then(|page| page.get(b"MediaBox"))
        .and_then(Object::as_array);
    let corner = |index: usize| {
        media_box
            .as_ref()
            .ok()
            .and_then(|corners| corners.get(index)?.as_float().ok())
    };
    match (corner(0), corner(2)) {
        (Some(left), Some(right)) => right - left,
        _ => A4_WIDTH,
    }
}

/// Puts the page's content between `before` (saves the graphics state) and `after` (restores it and draws).
fn attach(
    document: &mut Document,
    page_id: ObjectId,
    font_id: ObjectId,
    before_id: ObjectId,
    after_id: ObjectId,
) -> lopdf::Result<()> {
    let page = document.get_dictionary(page_id)?;
    let mut resources = resolve(document, page.get(b"Resources").ok());
    let mut fonts = resolve(document, resources.get(b"Font").ok());
    fonts.set(FONT_KEY, font_id);
    resources.set("Font", fonts);
    let own: Vec<Object> = match page.get(b"Contents") {
        Ok(Object::Array(parts)) => parts.clone(),
        Ok(part) => vec![part.clone()],
        Err(_) => Vec::new(),
    };
    let contents: Vec<Object> = [before_id.into()]
        .into_iter()
        .chain(own)
        .chain([Object::Reference(after_id)])
        .collect();
    let page = document.get_dictionary_mut(page_id)?;
    page.set("Resources", resources);
    page.set("Contents", contents);
    Ok(())
}

/// A copy of a dictionary that stands there directly or by reference; empty when absent.
fn resolve(document: &Document, object: Option<&Object>) -> Dictionary {
    match object {
        Some(Object::Reference(id)) => document.get_dictionary(*id).cloned().unwrap_or_default(),
        Some(Object::Dictionary(dictionary)) => dictionary.clone(),
        _ => Dictionary::new(),
    }
}

fn set_properties(document: &mut Document, stamp: &Stamp) {
    let information = dictionary! {
        "Title" => text_string(&stamp.title),
        "Subject" => text_string(&stamp.identity),
        "Creator" => text_string("AI Audit Layer reporter"),
        "Producer" => text_string("wkhtmltopdf, Qt"),
        "CreationDate" => Object::string_literal(pdf_date(stamp.generated_at_us)),
    };
    // In the place of the renderer's own properties, which hold the time by the clock.
    let own = document.trailer.get(b"Info").and_then(Object::as_reference);
    match own {
        Ok(id) => document.set_object(id, information),
        Err(_) => {
            let id = document.add_object(information);
            document.trailer.set("Info", id);
        }
    }
    document.trailer.remove(b"ID");
    if let Ok(catalog) = document.catalog_mut() {
        catalog.set("Lang", text_string("en-GB"));
        catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    }
}

/// PDF 32000-1, 7.9.4: `D:YYYYMMDDHHmmSSZ`.
fn pdf_date(at_us: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at_us.div_euclid(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "D:{:04}{:02}{:02}{:02}{:02}{:02}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}
