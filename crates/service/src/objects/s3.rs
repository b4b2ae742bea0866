//! S3 and what speaks its protocol.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, Checksum};
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use serde::Deserialize;

use super::{ObjectsConfig, ObjectsError};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// AWS's own default, and what other servers expect when nothing is configured.
const DEFAULT_REGION: &str = "us-east-1";
/// A bucket's settings are a few hundred bytes.
const MAX_SETTINGS_BYTES: usize = 64 * 1024;

/// A bucket and a folder in it.
#[derive(Debug)]
pub(super) struct Bucket {
    s3: AmazonS3,
    name: String,
    prefix: String,
    endpoint: String,
    region: String,
    client: ClientOptions,
}

impl Bucket {
    /// The bucket of `s3://bucket/prefix`. Credentials come from the environment, as for every AWS client.
    pub(super) fn open(config: &ObjectsConfig) -> Result<Bucket, ObjectsError> {
        let refuse = |reason: String| ObjectsError::Bucket {
            url: config.url.clone(),
            reason,
        };
        let rest = config.url.strip_prefix("s3://").unwrap_or_default();
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name_byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&name.len()) || !name.bytes().all(is_name_byte) {
            return Err(refuse(
                "the bucket's name is not one of S3; write s3://bucket/folder".to_owned(),
            ));
        }
        let client = ClientOptions::new()
            .with_timeout(REQUEST_TIMEOUT)
            .with_allow_http(is_loopback(config.endpoint.as_deref()));
        if config
            .endpoint
            .as_deref()
            .is_some_and(|url| url.starts_with("http://") && !is_loopback(Some(url)))
        {
            return Err(refuse(
                "the endpoint must be https:// unless it is on this machine".to_owned(),
            ));
        }
        let retry = RetryConfig {
            max_retries: 5,
            retry_timeout: Duration::from_secs(60),
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(name)
            .with_client_options(client.clone())
            .with_retry(retry)
            // Object lock needs a checksum with every upload.
            .with_checksum_algorithm(Checksum::SHA256);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        if let Some(region) = &config.region {
            builder = builder.with_region(region);
        }
        let region = builder
            .get_config_value(&AmazonS3ConfigKey::Region)
            .unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let endpoint = builder
            .get_config_value(&AmazonS3ConfigKey::Endpoint)
            .unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let s3 = builder.build().map_err(|error| refuse(error.to_string()))?;
        Ok(Bucket {
            s3,
            name: name.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint,
            region,
            client,
        })
    }

    pub(super) fn into_store(self) -> Arc<dyn ObjectStore> {
        if self.prefix.is_empty() {
            return Arc::new(self.s3);
        }
        Arc::new(PrefixStore::new(self.s3, Path::from(self.prefix)))
    }

    /// Refuses a bucket whose objects can be removed or written over for good before so many days.
    pub(super) async fn require_lock(&self, days: u32) -> Result<(), ObjectsError> {
        let refuse = |reason: String| ObjectsError::Lock {
            bucket: self.name.clone(),
            days,
            reason,
        };
        let text = self.lock_settings().await.map_err(refuse)?;
        check_lock(&text, days).map_err(refuse)
    }

    /// The bucket's object lock settings: `GetObjectLockConfiguration` of the S3 API.
    async fn lock_settings(&self) -> Result<String, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let credential = self
            .s3
            .credentials()
            .get_credential()
            .await
            .map_err(|error| text(&error))?;
        let uri = format!("{}/{}?object-lock=", self.endpoint, self.name);
        let mut request = http::Request::get(uri)
            .body(HttpRequestBody::empty())
            .map_err(|error| text(&error))?;
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| text(&error))?;
        let http = ReqwestConnector::default()
            .connect(&self.client)
            .map_err(|error| text(&error))?;
        let answer = http.execute(request).await.map_err(|error| text(&error))?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(|error| text(&error))?;
        if body.len() > MAX_SETTINGS_BYTES {
            return Err("the answer is no lock configuration".to_owned());
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            return Ok(body);
        }
        if body.contains("ObjectLockConfigurationNotFoundError") {
            return Err(
                "the bucket has no object lock; it can only be given when a bucket is made".to_owned(),
            );
        }
        Err(format!("its object lock configuration cannot be read ({status})"))
    }
}

fn is_loopback(endpoint: Option<&str>) -> bool {
    let host = endpoint
        .and_then(|url| url.parse::<http::Uri>().ok())
        .and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LockSettings {
    object_lock_enabled: Option<String>,
    rule: Option<LockRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LockRule {
    default_retention: Option<Retention>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    mode: String,
    days: Option<u32>,
    years: Option<u32>,
}

/// Whether these settings lock every new object in compliance mode for at least so many days.
fn check_lock(settings: &str, days: u32) -> Result<(), String> {
    let settings: LockSettings = quick_xml::de::from_str(settings)
        .map_err(|error| format!("its lock configuration is unreadable: {error}"))?;
    if settings.object_lock_enabled.as_deref() != Some("Enabled") {
        return Err("its object lock is not enabled".to_owned());
    }
    let retention = settings.rule.and_then(|rule| rule.default_retention);
    let Some(retention) = retention else {
        return Err("it has no default retention; set one in COMPLIANCE mode".to_owned());
    };
    if retention.mode != "COMPLIANCE" {
        return Err(format!(
            "its default retention is in {} mode, which administrators can lift; COMPLIANCE is needed",
            retention.mode
        ));
    }
    // Leap days do not count: the rule may only err to the safe side.
    let kept = retention
        .days
        .unwrap_or(0)
        .max(retention.years.unwrap_or(0).saturating_mul(365));
    if kept < days {
        return Err(format!("its default retention is {kept} days"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(enabled: &str, rule: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ObjectLockConfiguration \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ObjectLockEnabled>{enabled}</ObjectLockEnabled>\
             {rule}</ObjectLockConfiguration>"
        )
    }

    fn rule(mode: &str, period: &str) -> String {
        format!("<Rule><DefaultRetention><Mode>{mode}</Mode>{period}</DefaultRetention></Rule>")
    }

    #[test]
    fn only_compliance_mode_of_enough_days_will_do() {
        let ok = |xml: &str, days| check_lock(xml, days);
        assert_eq!(
            ok(&settings("Enabled", &rule("COMPLIANCE", "<Days>30</Days>")), 30),
            Ok(())
        );
        assert_eq!(
            ok(&settings("Enabled", &rule("COMPLIANCE", "<Years>2</Years>")), 730),
            Ok(())
        );
        for (xml, reason) in [
            (
                settings("Enabled", &rule("COMPLIANCE", "<Days>29</Days>")),
                "29 days",
            ),
            (
                settings("Enabled", &rule("GOVERNANCE", "<Days>99</Days>")),
                "GOVERNANCE",
            ),
            (settings("Enabled", ""), "no default retention"),
            (
                settings("Disabled", &rule("COMPLIANCE", "<Days>30</Days>")),
                "not enabled",
            ),
            ("<html>".to_owned(), "unreadable"),
        ] {
            let refused = ok(&xml, 30).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn plain_http_only_on_this_machine() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://localhost", true),
            ("http://10.0.0.1:9000", false),
            ("http://localhost.example.com", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_loopback(Some(endpoint)), expected, "{endpoint}");
        }
        let config = |url: &str, endpoint: &str| ObjectsConfig {
            endpoint: Some(endpoint.to_owned()),
            ..ObjectsConfig::at(url)
        };
        let refused = Bucket::open(&config("s3://bucket/x", "http://minio.example.com")).unwrap_err();
        assert!(refused.to_string().contains("https"), "{refused}");
        for url in ["s3://", "s3:///x", "s3://A/b", "s3://ab"] {
            assert!(
                Bucket::open(&config(url, "https://s3.example.com")).is_err(),
                "{url}"
            );
        }
    }
}
