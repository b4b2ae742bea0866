//! Text fields of a multipart form (RFC 7578), for uploads whose model stands in a field.

/// Longest value looked at, in bytes; names of models are shorter, files are longer.
const LONGEST_VALUE: usize = 256;

/// The value of a text field, when the body is a form that has it and the value is short text.
pub(crate) fn field(body: &[u8], name: &str) -> Option<String> {
    if !body.starts_with(b"--") {
        return None;
    }
    let mark = format!("name=\"{name}\"\r\n\r\n");
    let start = memchr::memmem::find(body, mark.as_bytes())? + mark.len();
    let rest = body.get(start..)?;
    let end = memchr::memmem::find(&rest[..rest.len().min(LONGEST_VALUE)], b"\r\n")?;
    let value = std::str::from_utf8(&rest[..end]).ok()?;
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_among_others() {
        let form =
            b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n\xff\xfb\r\n\
            --b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n";
        assert_eq!(field(form, "model").as_deref(), Some("whisper-1"));
        assert_eq!(field(form, "language"), None);
        assert_eq!(field(b"{\"model\":1}", "model"), None);
    }
}
