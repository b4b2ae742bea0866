//! Credentials in a provider's address never enter an event (DESIGN.md, "Capture").

/// Query parameters that carry a credential, in lower case.
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

/// Prefixes of the parameters of signed addresses (AWS, Google Cloud, Alibaba).
const SIGNED_PREFIXES: [&str; 3] = ["x-amz-", "x-goog-", "x-oss-"];

/// Removes user-info, credential parameters and the fragment's parameters of the same names from an address.
/// `None` when there is nothing to remove. Names are compared percent-decoded and in any case.
pub fn without_credentials(url: &str) -> Option<String> {
    let (rest, fragment) = split_once_keeping(url, '#');
    let (address, query) = split_once_keeping(rest, '?');
    let address = without_user_info(address);
    let cleaned_query = query.map(clean_parameters);
    // Implicit-flow tokens travel in the fragment; a fragment without `=` is a plain anchor.
    let cleaned_fragment = fragment.map(clean_parameters);

    let mut cleaned = address.into_owned();
    for (separator, part) in [('?', cleaned_query), ('#', cleaned_fragment)] {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            cleaned.push(separator);
            cleaned.push_str(&part);
        }
    }
    (cleaned != url).then_some(cleaned)
}

fn split_once_keeping(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn without_user_info(address: &str) -> std::borrow::Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.into();
    };
    let authority_len = rest.find(['/', '\\']).unwrap_or(rest.len());
    match rest[..authority_len].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]).into(),
        None => address.into(),
    }
}

fn clean_parameters(query: &str) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| !is_credential(parameter))
        .collect();
    kept.join("&")
}

fn is_credential(parameter: &str) -> bool {
    let Some((name, _)) = parameter.split_once('=') else {
        return false;
    };
    let name = percent_decoded(name).to_ascii_lowercase();
    CREDENTIAL_PARAMETERS.contains(&name.as_str())
        || SIGNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = match bytes[index..] {
            [b'%', high, low, ..] => hex_digit(high)
                .zip(hex_digit(low))
                .map(|(high, low)| high * 16 + low),
            _ => None,
        };
        decoded.push(escaped.unwrap_or(bytes[index]));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    // A hexadecimal digit's value is below 16.
    char::from(byte).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        assert_eq!(without_credentials(url).as_deref(), expected, "{url}");
    }

    #[test]
    fn credentials_are_removed_and_the_rest_is_left_alone() {
        check("https://api.openai.com/v1/chat/completions", None);
        check("https://x.example/a?api-version=2024-10-21&n=1", None);
        check(
            "https://x.example/a?api-version=1&api-key=SECRET&n=1",
            Some("https://x.example/a?api-version=1&n=1"),
        );
        check(
            "https://x.example/v1beta/m:generateContent?key=SECRET",
            Some("https://x.example/v1beta/m:generateContent"),
        );
        check("https://x.example/a?API-KEY=S&Sig=T", Some("https://x.example/a"));
        check(
            "https://x.example/a?api%2Dkey=S&b=%6B",
            Some("https://x.example/a?b=%6B"),
        );
        check(
            "https://x.example/a?X-Amz-Signature=S&X-Amz-Date=D&b=1",
            Some("https://x.example/a?b=1"),
        );
        check("https://user:pass@x.example/a@b", Some("https://x.example/a@b"));
        check(
            "https://x.example/a#access_token=S&b=1",
            Some("https://x.example/a#b=1"),
        );
        check("https://x.example/a#anchor", None);
        check("not a url", None);
        check("https://x.example/?keyword=k&tokens=3", None);
        check("https://x.example/a?%zz=1&%=2&key", None);
    }
}
