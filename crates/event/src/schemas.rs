//! Schemas that events may be written with: every one ever committed under `schemas/`, and those that a schema
//! registry hands out.

use std::sync::LazyLock;

use apache_avro::{
    Schema, rabin::Rabin, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter,
};
use sha2::{Digest, Sha256};

use crate::compatible::{check, refuse_endless};
use crate::{AvroError, Event};

/// The schema that this version writes, as committed under `schemas/`.
pub const SCHEMA_JSON: &str = include_str!("../../../schemas/audit_event.v1.avsc");

/// Every schema under `schemas/` but the one that is written, oldest first. A new version moves the present one here;
/// a test compares the list with the directory.
const OLDER: [&str; 0] = [];

/// Other fingerprints under which the present schema is written, by libraries whose canonical form is not quite that
/// of Avro's specification. A new schema needs none: the examples say how to write its fingerprint.
const OTHER_FINGERPRINTS: [[u8; 8]; 2] = [
    // Rust's apache-avro leaves the object around a logical type; the first version of this program wrote so.
    [0xa6, 0x97, 0x41, 0x5b, 0xc2, 0xa7, 0x48, 0xfe],
    // Go's hamba/avro (its package soe) leaves the logical type.
    [0xeb, 0xfd, 0xb9, 0xe9, 0x14, 0xd2, 0xf1, 0x6c],
];

/// A schema is text that people write; more is no schema of ours.
pub const MAX_SCHEMA_BYTES: usize = 256 * 1024;

/// Why a schema cannot be read with.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the schema has {0} bytes, more than the limit of {MAX_SCHEMA_BYTES}")]
    TooLong(usize),
    #[error("the schema is no Avro schema: {0}")]
    NoSchema(String),
    #[error("the schema has no end: {0}")]
    Endless(String),
    #[error("an event cannot be read from what the schema writes: {0}")]
    Incompatible(String),
}

/// A schema that events may be written with.
#[derive(Debug)]
pub struct WriterSchema {
    schema: Schema,
    fingerprint: [u8; 8],
    canonical_sha256: [u8; 32],
    /// Writes the same bytes as the present schema.
    is_present: bool,
}

struct Known {
    present: WriterSchema,
    older: Vec<WriterSchema>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    // Bounds what a forged length prefix may allocate; the edge refuses bodies far below it.
    apache_avro::util::max_allocation_bytes(64 * 1024 * 1024);
    let schema = Schema::parse_str(SCHEMA_JSON).expect("the committed schema parses: tested");
    let canonical = canonical(&schema).expect("the canonical form of a schema is one: tested");
    let present = WriterSchema {
        schema,
        is_present: true,
        ..WriterSchema::of(canonical)
    };
    let read = |text: &&str| {
        WriterSchema::reading_as(text, &present).expect("a committed schema is readable: tested")
    };
    let older = OLDER.iter().map(read).collect();
    Known { present, older }
});

impl WriterSchema {
    /// The schema that this version writes.
    pub fn present() -> &'static WriterSchema {
        &KNOWN.present
    }

    /// The committed schema of a fingerprint (CRC-64-AVRO, little-endian).
    pub fn committed(fingerprint: [u8; 8]) -> Option<&'static WriterSchema> {
        let known = &*KNOWN;
        if OTHER_FINGERPRINTS.contains(&fingerprint) {
            return Some(&known.present);
        }
        let mut all = std::iter::once(&known.present).chain(&known.older);
        all.find(|schema| schema.fingerprint == fingerprint)
    }

    /// A schema as a registry hands it out (Avro's JSON).
    ///
    /// # Errors
    /// When it is no schema, or when what it writes cannot be read as an event.
    pub fn parse(json: &str) -> Result<WriterSchema, SchemaError> {
        WriterSchema::reading_as(json, WriterSchema::present())
    }

    fn reading_as(json: &str, present: &WriterSchema) -> Result<WriterSchema, SchemaError> {
        if json.len() > MAX_SCHEMA_BYTES {
            return Err(SchemaError::TooLong(json.len()));
        }
        let schema = Schema::parse_str(json).map_err(|error| SchemaError::NoSchema(error.to_string()))?;
        refuse_endless(&schema).map_err(SchemaError::Endless)?;
        check(&schema, &present.schema).map_err(SchemaError::Incompatible)?;
        // What is left out of the canonical form says nothing of the bytes any more: the units of time are the same.
        let mut written = WriterSchema::of(canonical(&schema)?);
        written.is_present = written.canonical_sha256 == present.canonical_sha256;
        Ok(written)
    }

    /// `schema` is in canonical form.
    fn of(schema: Schema) -> WriterSchema {
        let rabin = schema.fingerprint::<Rabin>();
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&rabin.bytes[..8]);
        let canonical_sha256 = Sha256::digest(schema.canonical_form().as_bytes()).into();
        WriterSchema {
            schema,
            fingerprint,
            canonical_sha256,
            is_present: false,
        }
    }

    /// CRC-64-AVRO of the canonical form, little-endian, as in the single-object encoding.
    pub fn fingerprint(&self) -> [u8; 8] {
        self.fingerprint
    }

    /// SHA-256 of the canonical form: the leaf's `avro_schema_hash`.
    pub fn canonical_sha256(&self) -> [u8; 32] {
        self.canonical_sha256
    }

    /// Decodes an event that this schema wrote. Every byte must belong to it.
    ///
    /// # Errors
    /// [`AvroError::Decode`] or [`AvroError::TrailingBytes`].
    pub fn decode(&self, datum: &[u8]) -> Result<Event, AvroError> {
        if self.is_present {
            return read_present(datum);
        }
        let present = WriterSchema::present();
        let resolving = GenericDatumReader::builder(&self.schema)
            .reader_schema(&present.schema)
            .build()
            .map_err(|_| AvroError::Decode)?;
        let mut watched = Watched {
            rest: datum,
            ran_out: false,
        };
        let value = resolving
            .read_value(&mut watched)
            .map_err(|_| AvroError::Decode)?;
        if watched.ran_out {
            return Err(AvroError::Decode);
        }
        nothing_left(watched.rest)?;
        // By way of the present schema's bytes, so that one reader serves all.
        let writer = GenericDatumWriter::builder(&present.schema)
            .build()
            .map_err(|_| AvroError::Decode)?;
        let mut bytes = Vec::with_capacity(datum.len() + 64);
        writer
            .write_value(&mut bytes, value)
            .map_err(|_| AvroError::Decode)?;
        read_present(&bytes)
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// The Parsing Canonical Form of Avro's specification, as a schema. The library's leaves `{"type":"long"}` where a
/// logical type was; in the form of the form that is `"long"`, as it must be.
fn canonical(schema: &Schema) -> Result<Schema, SchemaError> {
    let parse = |schema: &Schema| {
        Schema::parse_str(&schema.canonical_form()).map_err(|error| SchemaError::NoSchema(error.to_string()))
    };
    parse(&parse(schema)?)
}

/// Made once, as the writer is.
static READER: LazyLock<Option<GenericDatumReader<'static>>> = LazyLock::new(|| {
    GenericDatumReader::builder(&WriterSchema::present().schema)
        .build()
        .ok()
});

fn read_present(datum: &[u8]) -> Result<Event, AvroError> {
    let reader = READER.as_ref().ok_or(AvroError::Decode)?;
    let mut rest = datum;
    let event = reader.read_deser(&mut rest).map_err(|_| AvroError::Decode)?;
    nothing_left(rest).map(|()| event)
}

/// The library takes a union at the end of the input for its null; a datum that breaks off must not pass for whole.
struct Watched<'a> {
    rest: &'a [u8],
    /// More was asked for than there is.
    ran_out: bool,
}

impl std::io::Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.ran_out |= self.rest.is_empty() && !into.is_empty();
        self.rest.read(into)
    }
}

fn nothing_left(rest: &[u8]) -> Result<(), AvroError> {
    if rest.is_empty() {
        return Ok(());
    }
    Err(AvroError::TrailingBytes(rest.len()))
}
