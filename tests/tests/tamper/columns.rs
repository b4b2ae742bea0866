//! Each column of `records`, as the table has them now: a new column cannot be forgotten.

use super::campaign::Campaign;

/// An expression of the same type with another value.
fn other_value(name: &str, of_type: &str) -> String {
    let plain = of_type
        .strip_prefix("LowCardinality(")
        .map_or(of_type, |inner| inner.trim_end_matches(')'));
    match plain {
        "String" => format!("concat({name}, 'x')"),
        "FixedString(32)" => format!("CAST(SHA256({name}) AS FixedString(32))"),
        "UUID" => "toUUID('01890a5d-ac96-774b-bcce-b302099a8057')".to_owned(),
        "Bool" => format!("NOT {name}"),
        "UInt8" | "UInt16" | "UInt32" | "UInt64" | "Int64" => format!("CAST({name} + 1 AS {plain})"),
        _ if plain.starts_with("DateTime64") => format!("addMicroseconds({name}, 1)"),
        _ if plain.starts_with("Nullable(") => format!("CAST(ifNull({name}, 0) + 1 AS {plain})"),
        "Array(UInt16)" => format!("arrayPushBack({name}, 77)"),
        "Array(FixedString(32))" => format!("arrayPushBack({name}, CAST(SHA256('x') AS FixedString(32)))"),
        _ if plain.starts_with("Array(") => format!("CAST(arrayPushBack({name}, 'x') AS {of_type})"),
        _ if plain.starts_with("Map(") => format!("mapUpdate({name}, CAST(map('x', 1) AS {of_type}))"),
        _ => panic!("column {name} has type {of_type}; say how the campaign changes it"),
    }
}

pub async fn run(campaign: &mut Campaign) {
    let columns = campaign
        .pipeline
        .texts("SELECT concat(name, '\\t', type) FROM system.columns WHERE database = currentDatabase() AND table = 'records' ORDER BY position")
        .await;
    assert!(columns.len() > 40, "{columns:?}");
    for column in columns {
        let (name, of_type) = column.split_once('\t').expect("name and type");
        let changed = format!("{} AS {name}", other_value(name, of_type));
        campaign
            .row_case(&format!("column {name} changed"), &changed)
            .await;
    }
}
