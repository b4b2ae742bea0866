//! The HTTP client towards the providers: kept connections, HTTP/2 where TLS agrees on it, no retries of calls.

use std::{path::Path, sync::Arc, time::Duration};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    config::{GatewayConfig, GatewayConfigError},
    tee::RequestTee,
};

/// Providers close idle connections after a minute or more; the gateway goes first, so that it does not run into that.
const POOL_IDLE: Duration = Duration::from_secs(30);
const POOL_PER_HOST: usize = 1_024;
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
const PING_EVERY: Duration = Duration::from_secs(30);

pub(crate) type ProviderClient = Client<HttpsConnector<HttpConnector>, RequestTee>;

/// Makes the client.
pub(crate) fn provider_client(config: &GatewayConfig) -> Result<ProviderClient, GatewayConfigError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(TCP_KEEPALIVE));
    connector.set_connect_timeout(Some(Duration::from_millis(config.timeouts.connect_ms)));
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| GatewayConfigError::new("ca_file", error.to_string()))?
        .with_root_certificates(roots(config.ca_file.as_deref())?)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    // A request that never left, because its kept connection was closed, goes over another one: that is no second call.
    let client = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_PER_HOST)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(PING_EVERY)
        .build(connector);
    Ok(client)
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, GatewayConfigError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        let wrong =
            |reason: String| GatewayConfigError::new("ca_file", format!("{}: {reason}", path.display()));
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(wrong("holds no certificate".to_owned()));
        }
    }
    if roots.is_empty() {
        tracing::warn!(
            "no trusted certificates were found; https providers cannot be reached: set gateway.ca_file"
        );
    }
    Ok(roots)
}
