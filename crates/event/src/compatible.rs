//! Whether everything that one schema writes can be read with another, by Avro's rules of schema resolution.
//!
//! The library's own check is content when one branch of a union can be read; here every branch must be, for any may
//! come. Units of time must be the same: they are no part of the canonical form, and read wrongly nobody would notice.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::Name;

/// Most parts of a schema, references counted as what they refer to. Ours has fewer than 200.
const MAX_PARTS: u64 = 10_000;

type Names<'s> = HashMap<&'s Name, &'s Schema>;

/// Checks that `reader` reads all that `writer` writes.
///
/// # Errors
/// Where, and why not.
pub(crate) fn check(writer: &Schema, reader: &Schema) -> Result<(), String> {
    let mut reader_names = Names::new();
    collect(reader, &mut reader_names);
    let mut writer_names = Names::new();
    collect(writer, &mut writer_names);
    reads(writer, reader, "", &writer_names, &reader_names)
}

fn collect<'s>(schema: &'s Schema, names: &mut Names<'s>) {
    match schema {
        Schema::Array(array) => collect(&array.items, names),
        Schema::Map(map) => collect(&map.types, names),
        Schema::Union(union) => union
            .variants()
            .iter()
            .for_each(|variant| collect(variant, names)),
        Schema::Record(record) => {
            names.insert(&record.name, schema);
            record
                .fields
                .iter()
                .for_each(|field| collect(&field.schema, names));
        }
        _ => {
            names.extend(
                schema
                    .name()
                    .filter(|_| !matches!(schema, Schema::Ref { .. }))
                    .map(|name| (name, schema)),
            );
        }
    }
}

fn resolved<'s>(schema: &'s Schema, names: &Names<'s>) -> &'s Schema {
    match schema {
        Schema::Ref { name } => names.get(name).copied().unwrap_or(schema),
        _ => schema,
    }
}

fn reads(
    writer: &Schema,
    reader: &Schema,
    place: &str,
    writer_names: &Names<'_>,
    reader_names: &Names<'_>,
) -> Result<(), String> {
    let writer = resolved(writer, writer_names);
    let reader = resolved(reader, reader_names);
    let deeper = |writer: &Schema, reader: &Schema, place: &str| {
        reads(writer, reader, place, writer_names, reader_names)
    };
    match (writer, reader) {
        (Schema::Union(written), _) => written
            .variants()
            .iter()
            .try_for_each(|variant| deeper(variant, reader, place)),
        (_, Schema::Union(read)) => {
            let any = read
                .variants()
                .iter()
                .any(|variant| deeper(writer, variant, place).is_ok());
            any.then_some(())
                .ok_or_else(|| format!("{} is of another type", named(place)))
        }
        (Schema::Record(written), Schema::Record(read)) => {
            if written.name != read.name {
                return Err(format!(
                    "{} is a record {}, not {}",
                    named(place),
                    written.name,
                    read.name
                ));
            }
            for field in &read.fields {
                let place = format!("{place}/{}", field.name);
                match written.fields.iter().find(|other| other.name == field.name) {
                    Some(other) => deeper(&other.schema, &field.schema, &place)?,
                    None if field.default.is_some() => {}
                    None => return Err(format!("{place} is missing, and it has no default")),
                }
            }
            Ok(())
        }
        (Schema::Array(written), Schema::Array(read)) => deeper(&written.items, &read.items, place),
        (Schema::Map(written), Schema::Map(read)) => deeper(&written.types, &read.types, place),
        _ if same_values(writer, reader) => Ok(()),
        _ => Err(format!("{} is of another type", named(place))),
    }
}

fn named(place: &str) -> &str {
    if place.is_empty() { "the schema" } else { place }
}

/// Types without parts whose values are read as they were meant.
fn same_values(writer: &Schema, reader: &Schema) -> bool {
    match reader {
        Schema::Null => matches!(writer, Schema::Null),
        Schema::Boolean => matches!(writer, Schema::Boolean),
        Schema::Int => matches!(writer, Schema::Int),
        Schema::Long => matches!(writer, Schema::Int | Schema::Long),
        Schema::TimestampMicros => matches!(writer, Schema::Long | Schema::TimestampMicros),
        Schema::String => matches!(writer, Schema::String),
        Schema::Bytes => matches!(writer, Schema::Bytes),
        _ => false,
    }
}

/// Refuses schemas that contain themselves, and those that a few references make endless: both let few bytes of
/// data stand for many values.
///
/// # Errors
/// The name of the record that contains itself, or "more than ... parts".
pub(crate) fn refuse_endless(schema: &Schema) -> Result<(), String> {
    let mut sizes = HashMap::new();
    let parts = size(schema, &mut Vec::new(), &mut sizes)?;
    if parts > MAX_PARTS {
        return Err(format!("it has {parts} parts, more than {MAX_PARTS}"));
    }
    Ok(())
}

fn size<'s>(
    schema: &'s Schema,
    within: &mut Vec<&'s Name>,
    sizes: &mut HashMap<&'s Name, u64>,
) -> Result<u64, String> {
    let parts = match schema {
        Schema::Array(array) => size(&array.items, within, sizes)?,
        Schema::Map(map) => size(&map.types, within, sizes)?,
        Schema::Union(union) => {
            let mut sum = 0_u64;
            for variant in union.variants() {
                sum = sum.saturating_add(size(variant, within, sizes)?);
            }
            sum
        }
        Schema::Record(record) => {
            within.push(&record.name);
            let mut sum = 0_u64;
            for field in &record.fields {
                sum = sum.saturating_add(size(&field.schema, within, sizes)?);
            }
            within.pop();
            sizes.insert(&record.name, sum);
            sum
        }
        Schema::Ref { name } if within.contains(&name) => return Err(format!("{name} contains itself")),
        Schema::Ref { name } => sizes.get(name).copied().unwrap_or(0),
        _ => 0,
    };
    Ok(parts.saturating_add(1))
}
