//! Values that stand in for a secret: `<password>`, `${TOKEN}`, `your-api-key`, `********`.

/// Whether `value` is no secret but a hole for one, or code that fetches one.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let encloses = |open: &[u8], close: &[u8]| value.starts_with(open) && value.ends_with(close);
    let formatted = value.starts_with(b"%(") && memchr::memmem::find(value, b")s").is_some();
    let starts_like_one = matches!(value, [b'<', ..] | [b'$', b'{', ..] | [b'{', b'{', ..])
        || encloses(b"{", b"}")
        || encloses(b"[", b"]")
        || encloses(b"$(", b")")
        || formatted;
    let shell_variable = value.len() > 1
        && value[0] == b'$'
        && value[1..]
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let one_character = value.iter().all(|byte| *byte == value[0]);
    let masked = value
        .iter()
        .filter(|byte| matches!(byte, b'*' | b'.' | b'x' | b'X' | b'_' | b'-'))
        .count()
        == value.len();
    if value.is_empty() || starts_like_one || shell_variable || one_character || masked {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    let whole: [&[u8]; 22] = [
        b"null",
        b"none",
        b"nil",
        b"true",
        b"false",
        b"undefined",
        b"string",
        b"required",
        b"optional",
        b"password",
        b"passwd",
        b"secret",
        b"token",
        b"apikey",
        b"api_key",
        b"redacted",
        b"hidden",
        b"empty",
        b"unknown",
        b"value",
        b"changeme",
        b"example",
    ];
    let part: [&[u8]; 9] = [
        b"your_",
        b"your-",
        b"yourpass",
        b"yourtoken",
        b"yoursecret",
        b"placeholder",
        b"my_password",
        b"xxxx",
        b"****",
    ];
    whole.contains(&lower.as_slice())
        || part
            .iter()
            .any(|part| memchr::memmem::find(&lower, part).is_some())
}

/// Whether `value` is an expression of a program (a call, a member, an index, a path) or a link.
pub(crate) fn is_code(value: &[u8]) -> bool {
    let call = value.iter().position(|byte| *byte == b'(').is_some_and(|open| {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':');
        let named = open > 0
            && (value[0].is_ascii_alphabetic() || value[0] == b'_')
            && value[..open].iter().all(is_name);
        let dotted = value[..open]
            .iter()
            .any(|byte| matches!(byte, b'_' | b'.' | b':'));
        let word = open >= 4 && value[..open].iter().all(u8::is_ascii_alphabetic);
        named && (dotted || word || matches!(value.last(), Some(b'(' | b')')))
    });
    let role = value.len() > 1
        && matches!(value[0], b':' | b'(')
        && value[1..]
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_'));
    let environment = [
        &b"process.env"[..],
        b"os.environ",
        b"os.getenv",
        b"env::",
        b"ENV[",
        b"getenv",
        b"System.",
    ]
    .iter()
    .any(|prefix| value.starts_with(prefix));
    let is_identifier = |part: &[u8]| {
        part.first()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let few_digits = digits * 2 <= value.len();
    // `config.password`, `ed25519.Ed25519PrivateKey`, and with an index `self._options[`.
    let name = value.split(|byte| *byte == b'[').next().unwrap_or_default();
    let parts = name.split(|byte| *byte == b'.');
    // `Str0ng.Pass9` is no member: names of types do not end in a digit.
    let ends_unlike_name = parts.clone().next_back().is_some_and(|last| {
        last.last().is_some_and(u8::is_ascii_digit) && last.iter().any(u8::is_ascii_uppercase)
    });
    let member =
        few_digits && !ends_unlike_name && parts.clone().count() > 1 && parts.clone().all(is_identifier);
    let index = name.len() < value.len() && !name.is_empty() && parts.clone().all(is_identifier);
    let path = memchr::memmem::find(value, b"::").is_some();
    let link = value.starts_with(b"https://") || value.starts_with(b"http://");
    call || role || environment || member || index || path || link
}
