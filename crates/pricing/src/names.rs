//! The names one model goes by.

/// Other spellings of a lower-case model name to try when the name itself is unknown, in order.
///
/// - a date without dashes, as some routers write it: `gpt-5.2-20251211` for `gpt-5.2-2025-12-11`
/// - the resource of an ARN, and that without its region: `us.anthropic.claude-...` for `anthropic.claude-...`
/// - the last part of a resource path: `publishers/google/models/gemini-2.5-pro`
/// - the base of a fine-tuned model as price lists name it: `ft:gpt-4o-2024-08-06:org::id`
pub(crate) fn other_names(name: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(dashed) = dashed_date(name) {
        names.push(dashed);
    }
    let is_path = name.starts_with("arn:") || name.starts_with("models/") || name.contains("publishers/");
    let resource = if is_path {
        name.rsplit_once('/').map(|(_, tail)| tail)
    } else {
        None
    };
    names.extend(resource.map(str::to_owned));
    let plain = resource.unwrap_or(name);
    if let Some((region, rest)) = plain.split_once('.')
        && matches!(
            region,
            "us" | "eu" | "apac" | "global" | "jp" | "au" | "ca" | "us-gov"
        )
    {
        names.push(rest.to_owned());
    }
    if let Some(rest) = name.strip_prefix("ft:") {
        names.extend(rest.split(':').next().map(|base| format!("ft:{base}")));
    }
    names
}

/// `-20251211` as `-2025-12-11`, where it ends the name or `-` or `:` follows, for every such part.
fn dashed_date(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len() + 4);
    let mut copied = 0;
    for start in memchr_dashes(bytes) {
        let Some(digits) = bytes.get(start + 1..start + 9) else {
            continue;
        };
        let ends = matches!(bytes.get(start + 9), None | Some(b'-' | b':'));
        if !ends || !digits.iter().all(u8::is_ascii_digit) {
            continue;
        }
        // ASCII digits, so these are character boundaries.
        let (year, month, day) = (
            &name[start + 1..start + 5],
            &name[start + 5..start + 7],
            &name[start + 7..start + 9],
        );
        let number = |text: &str| text.parse::<u8>().unwrap_or(0);
        let month_of_year = time::Month::try_from(number(month)).ok();
        let exists = month_of_year.is_some_and(|month| {
            let year = year.parse::<i32>().unwrap_or(0);
            time::Date::from_calendar_date(year, month, number(day)).is_ok()
        });
        if year.starts_with("20") && exists {
            out.push_str(&name[copied..=start]);
            out.push_str(&format!("{year}-{month}-{day}"));
            copied = start + 9;
        }
    }
    (copied > 0).then(|| {
        out.push_str(&name[copied..]);
        out
    })
}

fn memchr_dashes(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'-')
        .map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_dates_get_their_dashes() {
        assert_eq!(
            dashed_date("gpt-5.2-20251211").as_deref(),
            Some("gpt-5.2-2025-12-11")
        );
        assert_eq!(
            dashed_date("m-20251211:free").as_deref(),
            Some("m-2025-12-11:free")
        );
        assert_eq!(dashed_date("m-20251311"), None);
        assert_eq!(dashed_date("m-202512111"), None);
        assert_eq!(dashed_date("modèle-2025"), None);
    }

    #[test]
    fn arns_regions_and_fine_tunes_are_unwrapped() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-v2:1";
        assert_eq!(
            other_names(arn),
            ["us.anthropic.claude-v2:1", "anthropic.claude-v2:1"]
        );
        assert_eq!(other_names("ft:gpt-4o-mini:acme::x1"), ["ft:gpt-4o-mini"]);
        assert_eq!(
            other_names("publishers/google/models/gemini-2.5-pro"),
            ["gemini-2.5-pro"]
        );
        assert!(other_names("gpt-4o").is_empty());
    }
}
