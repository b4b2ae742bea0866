//! Credentials in a provider's address never enter an event. The edge removes them, too (`ingest/src/clean.rs`).

const CREDENTIAL_PARAMETERS: [&str; 17] = [
    "access_key",
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "client_secret",
    "code",
    "key",
    "password",
    "secret",
    "sig",
    "signature",
    "subscription-key",
    "token",
    "x-api-key",
];
const SIGNED_PREFIXES: [&str; 3] = ["x-amz-", "x-goog-", "x-oss-"];

/// The address without user-info, credential parameters and credentials in the fragment.
pub(crate) fn without_credentials(url: &str) -> String {
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut cleaned = without_user_info(address);
    for (mark, parameters) in [('?', query), ('#', fragment)] {
        let kept: Vec<&str> = parameters
            .split('&')
            .filter(|parameter| !is_credential(parameter))
            .collect();
        let kept = kept.join("&");
        if !kept.is_empty() {
            cleaned.push(mark);
            cleaned.push_str(&kept);
        }
    }
    cleaned
}

fn without_user_info(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let authority_len = rest.find(['/', '\\']).unwrap_or(rest.len());
    match rest[..authority_len].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}

fn is_credential(parameter: &str) -> bool {
    let Some((name, _)) = parameter.split_once('=') else {
        return false;
    };
    let name = percent_decoded(name).to_ascii_lowercase();
    CREDENTIAL_PARAMETERS.contains(&name.as_str())
        || SIGNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match after {
            [high, low, after @ ..] if *first == b'%' && digit(high).is_some() && digit(low).is_some() => {
                let value = digit(high)
                    .zip(digit(low))
                    .map_or(0, |(high, low)| high * 16 + low);
                bytes.push(u8::try_from(value).unwrap_or_default());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
