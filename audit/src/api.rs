//! The query API of a running service, for commands that ask it.

use std::path::PathBuf;

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::local::{Local, LocalError};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Which service, and as whom.
#[derive(Debug, Args)]
pub struct ApiArguments {
    /// Address of the running query API; that of the local `audit up` when --data is given, else http://127.0.0.1:8080.
    #[arg(long, global = true)]
    pub server: Option<String>,
    /// A token of somebody who may ask for it: an administrator or compliance officer, of all tenants for some commands.
    #[arg(long, env = "AAL_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// Data directory of a local `audit up`: whoever can read its key file may sign in with it.
    #[arg(long, global = true)]
    pub data: Option<PathBuf>,
}

/// Why the service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("give --token (or AAL_TOKEN), or --data of a local audit up")]
    NoToken,
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url} answered {status}: {detail}")]
    Status {
        url: String,
        status: u16,
        detail: String,
    },
}

/// A service and a token for it.
pub struct Api {
    pub http: reqwest::Client,
    /// Without a slash at the end.
    pub base: String,
    token: String,
}

impl Api {
    /// Finds address and token; asks nothing yet.
    pub async fn new(arguments: &ApiArguments) -> Result<Api, ApiError> {
        let local = match &arguments.data {
            Some(data) => Some(Local::open(data).await?),
            None => None,
        };
        let token = match (&arguments.token, &local) {
            (Some(token), _) => token.clone(),
            (None, Some(local)) => local.administrator_token().await?,
            (None, None) => return Err(ApiError::NoToken),
        };
        let server = match (&arguments.server, &local) {
            (Some(server), _) => server.clone(),
            (None, Some(local)) => format!("http://{}", local.endpoints()?.console),
            (None, None) => DEFAULT_SERVER.to_owned(),
        };
        Ok(Api {
            http: reqwest::Client::new(),
            base: server.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Sends a request signed in; an answer that is no success is an error.
    pub async fn answered(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Result<reqwest::Response, ApiError> {
        let sent = request.bearer_auth(&self.token).send().await;
        let response = sent.map_err(|source| ApiError::Http {
            url: url.to_owned(),
            source,
        })?;
        if !response.status().is_success() {
            return Err(ApiError::Status {
                url: url.to_owned(),
                status: response.status().as_u16(),
                detail: response.text().await.unwrap_or_default(),
            });
        }
        Ok(response)
    }

    /// What a call answers, as text; with a body it is a POST.
    pub async fn call(&self, path: &str, body: Option<&Value>) -> Result<String, ApiError> {
        let url = format!("{}{path}", self.base);
        let request = match body {
            Some(body) => self.http.post(&url).json(body),
            None => self.http.get(&url),
        };
        let answer = self.answered(request, &url).await?;
        answer
            .text()
            .await
            .map_err(|source| ApiError::Http { url, source })
    }

    /// Sends a request and reads the answer's JSON.
    pub async fn json<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Result<T, ApiError> {
        let answer = self.answered(request, url).await?;
        answer.json().await.map_err(|source| ApiError::Http {
            url: url.to_owned(),
            source,
        })
    }
}
