//! A request of ClickHouse's HTTP interface, taken apart: URL parameters, headers, form fields.
//! <https://clickhouse.com/docs/interfaces/http>

use crate::engine::SessionOptions;
use crate::error::{EngineError, code};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

/// Everything a request says besides its body.
#[derive(Debug, Default)]
pub struct Request {
    /// The `query` parameter or form field.
    pub query: Option<String>,
    /// `param_NAME` parameters and form fields, without the prefix.
    pub parameters: Vec<(String, String)>,
    /// Database and settings, the client's order.
    pub options: SessionOptions,
    /// `default_format` or `X-ClickHouse-Format`: the format when the statement names none.
    pub default_format: Option<String>,
    /// `compress=1`: the answer comes in compressed blocks.
    pub compress: bool,
    /// `decompress=1`: the body comes in compressed blocks.
    pub decompress: bool,
    /// `wait_end_of_query=1`: answer when the statement has ended, so that no error comes late.
    pub wait_end_of_query: bool,
    /// `query_id`, echoed in the answer.
    pub query_id: Option<String>,
    /// The password, from wherever it stood.
    pub password: Option<String>,
    /// GET: a statement that changes something is refused.
    pub read_only: bool,
    /// The boundary when the body is multipart/form-data.
    pub form_boundary: Option<String>,
}

/// URL parameters that are no settings and mean nothing here: there are no users, roles, quotas or sessions, and
/// answers are buffered by `wait_end_of_query` alone.
const IGNORED: [&str; 10] = [
    "user",
    "role",
    "quota_key",
    "session_id",
    "session_timeout",
    "session_check",
    "close_session",
    "buffer_size",
    "stacktrace",
    "client_protocol_version",
];

impl Request {
    /// Reads the head of a request.
    ///
    /// # Errors
    /// [`EngineError::Query`] with code 48 for a `Content-Encoding`, which is not supported.
    pub fn parse(head: &Parts) -> Result<Self, EngineError> {
        let mut request = Self {
            read_only: head.method == Method::GET,
            ..Self::default()
        };
        request.options.database = header(&head.headers, "x-clickhouse-database");
        request.default_format = header(&head.headers, "x-clickhouse-format");
        request.password =
            header(&head.headers, "x-clickhouse-key").or_else(|| basic_password(&head.headers));
        request.form_boundary = header(&head.headers, CONTENT_TYPE.as_str())
            .as_deref()
            .and_then(form_boundary);
        if let Some(encoding) = header(&head.headers, CONTENT_ENCODING.as_str())
            && !encoding.eq_ignore_ascii_case("identity")
        {
            let message =
                format!("Content-Encoding {encoding:?} of the request (decompress=1 is understood)");
            return Err(EngineError::query(
                code::NOT_IMPLEMENTED,
                "NOT_IMPLEMENTED",
                message,
            ));
        }
        let query = head.uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            request.set(&name, value.into_owned());
        }
        Ok(request)
    }

    fn set(&mut self, name: &str, value: String) {
        match name {
            "query" => self.query = Some(value),
            "database" => self.options.database = Some(value),
            "default_format" => self.default_format = Some(value),
            "compress" => self.compress = is_true(&value),
            "decompress" => self.decompress = is_true(&value),
            "wait_end_of_query" => self.wait_end_of_query = is_true(&value),
            "query_id" => self.query_id = Some(value).filter(|id| !id.is_empty()),
            "password" => self.password = Some(value),
            _ if IGNORED.contains(&name) => {}
            _ => match name.strip_prefix("param_") {
                Some(parameter) => self.parameters.push((parameter.to_owned(), value)),
                None => self.options.settings.push((name.to_owned(), value)),
            },
        }
    }

    /// Adds the fields of a form body.
    ///
    /// # Errors
    /// [`EngineError::Query`]: code 36 when the body is no such form, 48 for a field that is neither `query` nor
    /// `param_NAME` (external tables).
    pub fn add_form(&mut self, body: &[u8], boundary: &str) -> Result<(), EngineError> {
        let malformed = || {
            EngineError::query(
                code::BAD_ARGUMENTS,
                "BAD_ARGUMENTS",
                "malformed multipart/form-data",
            )
        };
        for (name, value) in form_fields(body, boundary).ok_or_else(malformed)? {
            let value = String::from_utf8(value.to_vec()).map_err(|_| malformed())?;
            if name != "query" && !name.starts_with("param_") {
                let message = format!("form field {name:?}: external tables are not supported");
                return Err(EngineError::query(
                    code::NOT_IMPLEMENTED,
                    "NOT_IMPLEMENTED",
                    message,
                ));
            }
            self.set(&name, value);
        }
        Ok(())
    }
}

fn is_true(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)?
        .to_str()
        .ok()
        .map(str::to_owned)
        .filter(|value| !value.is_empty())
}

fn form_boundary(content_type: &str) -> Option<String> {
    let (media_type, rest) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = rest.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    Some(value.trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

/// Names and values of a form (RFC 7578), or none when it is malformed.
fn form_fields<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<(String, &'a [u8])>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    let mut fields = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_length = memchr::memmem::find(rest, b"\r\n\r\n")?;
        let name = field_name(std::str::from_utf8(&rest[..head_length]).ok()?)?;
        rest = &rest[head_length + 4..];
        let length = memchr::memmem::find(rest, delimiter.as_bytes())?;
        fields.push((name, &rest[..length]));
        rest = &rest[length + delimiter.len()..];
    }
}

fn field_name(head: &str) -> Option<String> {
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    disposition.split(';').find_map(|part| {
        let value = part.trim().strip_prefix("name=")?;
        Some(value.trim_matches('"').to_owned())
    })
}

/// The password of basic authentication.
fn basic_password(headers: &HeaderMap) -> Option<String> {
    let value = header(headers, AUTHORIZATION.as_str())?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(base64(credentials.trim())?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Decodes standard base64; padding may be missing.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let mut bits = 0_u32;
    let mut count = 0;
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
        let mut builder = hyper::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Request::parse(&builder.body(()).unwrap().into_parts().0).unwrap()
    }

    #[test]
    fn a_url_is_taken_apart() {
        let uri = "/?query=SELECT+%7Ba%3AString%7D&param_a=x%20y&database=db&max_threads=2&compress=1&session_id=s&query_id=q";
        let request = parse("POST", uri, &[]);
        assert_eq!(request.query.as_deref(), Some("SELECT {a:String}"));
        assert_eq!(request.parameters, [("a".to_owned(), "x y".to_owned())]);
        assert_eq!(request.options.database.as_deref(), Some("db"));
        assert_eq!(
            request.options.settings,
            [("max_threads".to_owned(), "2".to_owned())]
        );
        assert_eq!(request.query_id.as_deref(), Some("q"));
        assert!(request.compress && !request.decompress && !request.read_only);
    }

    #[test]
    fn a_password_is_found_in_each_of_its_places() {
        let basic = [("authorization", "Basic dXNlcjpwYTpzcw==")];
        assert_eq!(parse("GET", "/", &basic).password.as_deref(), Some("pa:ss"));
        assert_eq!(
            parse("GET", "/", &[("x-clickhouse-key", "k")])
                .password
                .as_deref(),
            Some("k")
        );
        assert_eq!(parse("GET", "/?password=p", &[]).password.as_deref(), Some("p"));
    }

    #[test]
    fn a_form_is_read() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT\r\n1\r\n--B\r\n\
                     Content-Disposition: form-data; name=\"param_a\"\r\n\r\n\r\n--B--\r\n";
        let content_type = [("content-type", "multipart/form-data; boundary=B")];
        let mut request = parse("POST", "/", &content_type);
        let boundary = request.form_boundary.clone().unwrap();
        request.add_form(body, &boundary).unwrap();
        assert_eq!(request.query.as_deref(), Some("SELECT\r\n1"));
        assert_eq!(request.parameters, [("a".to_owned(), String::new())]);
    }

    #[test]
    fn bad_forms_are_refused() {
        let mut request = Request::default();
        for body in [
            &b""[..],
            b"--B",
            b"--B\r\n\r\n",
            b"--B\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nx",
        ] {
            assert_eq!(request.add_form(body, "B").unwrap_err().code(), 36, "{body:?}");
        }
        let table = b"--B\r\nContent-Disposition: form-data; name=\"ext\"\r\n\r\n1\r\n--B--";
        assert_eq!(request.add_form(table, "B").unwrap_err().code(), 48);
    }

    proptest! {
        #[test]
        fn any_form_is_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = form_fields(&body, "B");
        }
    }
}
