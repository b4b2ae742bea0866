//! The model as HTML: templates compiled into the program, every value escaped, unknown fields an error.

mod helpers;

use handlebars::{Context, Handlebars, RenderErrorReason};

use crate::model::{Body, Report};

/// Version of the templates; a change of what they print changes it.
pub const TEMPLATE_VERSION: &str = "2";

/// Longest text printed in a PDF, in characters; `report.json` has all of it.
pub const CLIP_CHARACTERS: usize = 20_000;

const PARTIALS: [(&str, &str); 10] = [
    ("style", include_str!("../../templates/style.hbs")),
    ("title", include_str!("../../templates/title.hbs")),
    ("value", include_str!("../../templates/value.hbs")),
    ("closing", include_str!("../../templates/closing.hbs")),
    ("groups", include_str!("../../templates/groups.hbs")),
    ("counted", include_str!("../../templates/counted.hbs")),
    ("exceptions", include_str!("../../templates/exceptions.hbs")),
    ("attributes", include_str!("../../templates/attributes.hbs")),
    ("sources", include_str!("../../templates/sources.hbs")),
    ("content", include_str!("../../templates/content.hbs")),
];
const LAYOUT: &str = include_str!("../../templates/layout.hbs");
const DECISION: &str = include_str!("../../templates/decision.hbs");
const RANGE: &str = include_str!("../../templates/range.hbs");
const SUBJECT_EXPORT: &str = include_str!("../../templates/subject-export.hbs");
const CERTIFICATE: &str = include_str!("../../templates/certificate.hbs");

/// Why no HTML was made; a fault of the templates, never of the data.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A template does not parse.
    #[error("report template does not parse")]
    Template(#[from] Box<handlebars::TemplateError>),
    /// A template asks for something the model does not have.
    #[error("report template does not fit the model")]
    Render(#[from] Box<handlebars::RenderError>),
}

/// The parsed templates.
#[derive(Debug)]
pub struct Templates {
    decision: Handlebars<'static>,
    range: Handlebars<'static>,
    subject_export: Handlebars<'static>,
    certificate: Handlebars<'static>,
}

impl Templates {
    /// Parses the templates that are compiled in.
    ///
    /// # Errors
    /// A template does not parse; a test rules that out.
    pub fn load() -> Result<Self, HtmlError> {
        Ok(Self {
            decision: registry(DECISION)?,
            range: registry(RANGE)?,
            subject_export: registry(SUBJECT_EXPORT)?,
            certificate: registry(CERTIFICATE)?,
        })
    }

    /// The report as one HTML document without any outside reference.
    ///
    /// # Errors
    /// The template and the model do not fit; tests with both kinds of report rule that out.
    pub fn render(&self, report: &Report) -> Result<String, HtmlError> {
        let registry = match &report.body {
            Body::Decision(_) => &self.decision,
            Body::Range(_) => &self.range,
        };
        let value = serde_json::to_value(figures(report))
            .map_err(|error| render_error(RenderErrorReason::from(error)))?;
        let context = Context::from(value);
        Ok(registry
            .render_with_context("layout", &context)
            .map_err(Box::new)?)
    }
}

impl Templates {
    /// A data-subject export as one HTML document.
    ///
    /// # Errors
    /// The document is not one that the query API makes.
    pub fn subject_export(&self, document: &serde_json::Value) -> Result<String, HtmlError> {
        Ok(self.subject_export.render("body", document).map_err(Box::new)?)
    }

    /// An erasure certificate as one HTML document.
    ///
    /// # Errors
    /// The document is not one that the eraser makes.
    pub fn certificate(&self, document: &serde_json::Value) -> Result<String, HtmlError> {
        Ok(self.certificate.render("body", document).map_err(Box::new)?)
    }
}

/// The report without the lines of its listing: no template prints them, and handlebars copies the values around a
/// partial at each call.
fn figures(report: &Report) -> Report {
    let mut figures = report.clone();
    if let Body::Range(range) = &mut figures.body {
        range.records.iter_mut().for_each(Vec::clear);
    }
    figures
}

fn render_error(reason: RenderErrorReason) -> HtmlError {
    HtmlError::Render(Box::new(reason.into()))
}

/// HTML escapes, and invisible characters made visible: a control or a change of writing direction inside a value
/// must not make a page read otherwise than it is stored.
fn escape(text: &str) -> String {
    let is_hidden = |character: char| {
        let is_direction = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
        is_direction || (character.is_control() && !matches!(character, '\n' | '\t'))
    };
    let escaped = handlebars::html_escape(text);
    if !escaped.contains(is_hidden) {
        return escaped;
    }
    let show = |character: char| match character {
        '\r' => String::new(),
        hidden if is_hidden(hidden) => format!("[U+{:04X}]", u32::from(hidden)),
        visible => visible.to_string(),
    };
    escaped.chars().map(show).collect()
}

fn registry(body: &'static str) -> Result<Handlebars<'static>, HtmlError> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    // A partial stands inside a table cell: its surroundings must not be indented into it.
    registry.set_prevent_indent(true);
    helpers::register(&mut registry);
    for (name, source) in PARTIALS.into_iter().chain([("layout", LAYOUT), ("body", body)]) {
        registry
            .register_template_string(name, source)
            .map_err(Box::new)?;
    }
    Ok(registry)
}
