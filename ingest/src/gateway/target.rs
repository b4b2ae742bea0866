//! Which provider a path means. No I/O.

use std::{collections::HashMap, sync::Arc};

use aal_service::Problem;
use aal_sigv4::Signer;
use http::Uri;

use super::config::{GatewayConfig, GatewayConfigError, SignConfig, UpstreamConfig};
use crate::clean::without_credentials;

/// Every path of the gateway begins so.
pub(crate) const PREFIX: &str = "/gateway/";

/// Name, address and OpenTelemetry name of the providers with one public address.
const WELL_KNOWN: [(&str, &str, &str); 13] = [
    ("openai", "https://api.openai.com", "openai"),
    ("anthropic", "https://api.anthropic.com", "anthropic"),
    (
        "gemini",
        "https://generativelanguage.googleapis.com",
        "gcp.gemini",
    ),
    ("vertex", "https://aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("mistral", "https://api.mistral.ai", "mistral"),
    ("cohere", "https://api.cohere.com", "cohere"),
    ("groq", "https://api.groq.com", "groq"),
    ("together", "https://api.together.xyz", "together"),
    ("deepseek", "https://api.deepseek.com", "deepseek"),
    ("xai", "https://api.x.ai", "x_ai"),
    ("openrouter", "https://openrouter.ai", "openrouter"),
    ("fireworks", "https://api.fireworks.ai", "fireworks"),
    ("ollama", "http://127.0.0.1:11434", "ollama"),
];

/// One provider, ready to be called.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    /// In events.
    pub(crate) provider: String,
    /// Without a slash at its end.
    base: String,
    /// Signs calls for this provider.
    pub(crate) signer: Option<Signer>,
}

/// Where one call goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) uri: Uri,
}

impl Target {
    /// The address as it stands in the event: without credentials.
    pub(crate) fn event_url(&self) -> String {
        let url = self.uri.to_string();
        without_credentials(&url).unwrap_or(url)
    }
}

/// All providers by name.
#[derive(Debug)]
pub(crate) struct Upstreams {
    by_name: HashMap<String, Arc<Upstream>>,
}

impl Upstreams {
    /// `variable` gives an environment variable, for the credentials of providers whose calls are signed here.
    pub(crate) fn new(
        config: &GatewayConfig,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, GatewayConfigError> {
        let mut by_name = HashMap::new();
        for (name, url, provider) in WELL_KNOWN {
            if config.well_known {
                by_name.insert(name.to_owned(), Arc::new(upstream(name, url, provider)));
            }
        }
        for (name, configured) in &config.upstreams {
            check(name, configured)?;
            let provider = configured.provider.as_deref();
            let provider = provider.or_else(|| provider_of(name)).unwrap_or(name);
            let mut upstream = upstream(name, &configured.url, provider);
            if let Some(sign) = &configured.sign {
                upstream.signer = Some(signer(name, sign, &variable)?);
            }
            by_name.insert(name.clone(), Arc::new(upstream));
        }
        Ok(Self { by_name })
    }

    /// Where `/gateway/NAME/rest?query` goes.
    ///
    /// # Errors
    /// 404 for an unknown name, 400 for a path that climbs.
    pub(crate) fn target(&self, uri: &Uri) -> Result<Target, Problem> {
        let path = uri.path();
        let after = path.strip_prefix(PREFIX).unwrap_or("");
        let (name, rest) = after.find('/').map_or((after, ""), |at| after.split_at(at));
        let Some(upstream) = self.by_name.get(name) else {
            let mut known: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            known.sort_unstable();
            let known = known.join(", ");
            let detail = format!(
                "the gateway knows no provider {name:?}; it knows {known}; add [gateway.upstreams.{name}]"
            );
            return Err(Problem::not_found(detail));
        };
        if rest.split('/').any(is_dot_segment) {
            return Err(Problem::bad_request(
                "the path must not contain `.` or `..` segments",
            ));
        }
        let mut address = String::with_capacity(upstream.base.len() + rest.len() + 64);
        address.push_str(&upstream.base);
        address.push_str(if rest.is_empty() { "/" } else { rest });
        if let Some(query) = uri.query() {
            address.push('?');
            address.push_str(query);
        }
        let uri = Uri::try_from(address)
            .map_err(|error| Problem::bad_request(format!("the path cannot be forwarded: {error}")))?;
        Ok(Target {
            upstream: Arc::clone(upstream),
            uri,
        })
    }
}

/// What a name stands for when the configuration does not say; Bedrock's addresses differ by region.
fn provider_of(name: &str) -> Option<&'static str> {
    if name == "bedrock" {
        return Some("aws.bedrock");
    }
    let known = WELL_KNOWN.iter().find(|(known, _, _)| *known == name);
    known.map(|(_, _, provider)| *provider)
}

fn upstream(name: &str, url: &str, provider: &str) -> Upstream {
    Upstream {
        name: name.to_owned(),
        provider: provider.to_owned(),
        base: url.trim_end_matches('/').to_owned(),
        signer: None,
    }
}

fn signer(
    name: &str,
    sign: &SignConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Signer, GatewayConfigError> {
    let required = |variable_name: &str| {
        let value = variable(variable_name).filter(|value| !value.is_empty());
        let message = format!("needs the environment variable {variable_name}");
        value.ok_or_else(|| GatewayConfigError::new(format!("upstreams.{name}.sign"), message))
    };
    Ok(Signer {
        access_key_id: required("AWS_ACCESS_KEY_ID")?,
        secret_access_key: required("AWS_SECRET_ACCESS_KEY")?.into(),
        session_token: variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
        region: sign.region.clone(),
        service: sign.service.clone(),
    })
}

fn check(name: &str, configured: &UpstreamConfig) -> Result<(), GatewayConfigError> {
    let key = |field: &str| format!("upstreams.{name}{field}");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_plain) {
        let message = "must be 1 to 64 letters, digits, `-`, `_` or `.`";
        return Err(GatewayConfigError::new(key(""), message));
    }
    let uri: Uri = configured
        .url
        .parse()
        .map_err(|error| GatewayConfigError::new(key(".url"), format!("is no address: {error}")))?;
    let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    if !has_scheme
        || uri
            .authority()
            .is_none_or(|authority| authority.as_str().contains('@'))
        || uri.query().is_some()
    {
        let message = "must be http:// or https:// with a host, without user and query";
        return Err(GatewayConfigError::new(key(".url"), message));
    }
    match configured.provider.as_deref() {
        Some(provider) if provider.is_empty() || provider.len() > 128 => Err(GatewayConfigError::new(
            key(".provider"),
            "must have 1 to 128 bytes",
        )),
        _ => Ok(()),
    }
}

/// `.` and `..`, also percent-encoded: they could leave the provider's base path.
fn is_dot_segment(segment: &str) -> bool {
    if segment.len() > 6 {
        return false;
    }
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstreams(text: &str) -> Result<Upstreams, GatewayConfigError> {
        let config = aal_service::config::parse(text, std::path::Path::new("gateway.toml"), []).unwrap();
        Upstreams::new(&config, |_| None)
    }

    #[track_caller]
    fn check_target(path: &str, expected: &str) {
        let upstreams = upstreams("[upstreams.azure]\nurl = \"https://r.openai.azure.com/\"\n[upstreams.vllm]\nurl = \"http://h:8000/base\"\n").unwrap();
        let target = upstreams.target(&path.parse().unwrap()).unwrap();
        assert_eq!(target.uri.to_string(), expected);
    }

    #[test]
    fn the_path_after_the_name_is_the_providers() {
        check_target(
            "/gateway/openai/v1/chat/completions",
            "https://api.openai.com/v1/chat/completions",
        );
        check_target(
            "/gateway/azure/openai/deployments/d/chat/completions?api-version=1",
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
        );
        check_target("/gateway/vllm/v1/models", "http://h:8000/base/v1/models");
        check_target("/gateway/vllm", "http://h:8000/base/");
        // Percent signs stay: Bedrock's model ids have encoded colons.
        check_target(
            "/gateway/vllm/model/a%3A0/converse",
            "http://h:8000/base/model/a%3A0/converse",
        );
    }

    #[test]
    fn what_cannot_be_forwarded_is_refused() {
        let upstreams = upstreams("").unwrap();
        let status = |path: &str| upstreams.target(&path.parse().unwrap()).unwrap_err().status;
        assert_eq!(status("/gateway/nobody/v1"), 404);
        assert_eq!(status("/gateway/"), 404);
        for path in [
            "/gateway/openai/../x",
            "/gateway/openai/a/%2e%2E/x",
            "/gateway/openai/./x",
        ] {
            assert_eq!(status(path), 400, "{path}");
        }
    }

    #[test]
    fn the_events_address_has_no_key() {
        let upstreams = upstreams("").unwrap();
        let path = "/gateway/gemini/v1beta/models/m:generateContent?key=K&alt=sse";
        let target = upstreams.target(&path.parse().unwrap()).unwrap();
        assert!(target.uri.to_string().contains("key=K"));
        assert_eq!(
            target.event_url(),
            "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?alt=sse"
        );
    }

    #[test]
    fn bad_configuration_names_the_key() {
        for (text, key) in [
            ("[upstreams.x]\nurl = \"ftp://h\"\n", "gateway.upstreams.x.url"),
            (
                "[upstreams.x]\nurl = \"https://u:p@h\"\n",
                "gateway.upstreams.x.url",
            ),
            (
                "[upstreams.\"a/b\"]\nurl = \"https://h\"\n",
                "gateway.upstreams.a/b",
            ),
            (
                "[upstreams.x]\nurl = \"https://h\"\nprovider = \"\"\n",
                "gateway.upstreams.x.provider",
            ),
        ] {
            let error = upstreams(text).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
