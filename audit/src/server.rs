//! A running query API, and somebody who is signed in to it.

use std::path::Path;

use crate::local::{Local, LocalError};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Why it did not answer as asked; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
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

/// Where it is, and with which token.
pub struct Server {
    pub http: reqwest::Client,
    pub base: String,
    token: String,
}

impl Server {
    /// The service at `address`, by default that of the local `audit up` on `data`. Whoever can read that directory's
    /// key file may sign in with it.
    ///
    /// # Errors
    /// No token, or no `audit up` on that directory.
    pub async fn open(
        address: Option<&str>,
        token: Option<&str>,
        data: Option<&Path>,
    ) -> Result<Server, ServerError> {
        let local = match data {
            Some(data) => Some(Local::open(data).await?),
            None => None,
        };
        let token = match (token, &local) {
            (Some(token), _) => token.to_owned(),
            (None, Some(local)) => local.administrator_token().await?,
            (None, None) => return Err(ServerError::NoToken),
        };
        let address = match (address, &local) {
            (Some(address), _) => address.to_owned(),
            (None, Some(local)) => format!("http://{}", local.endpoints()?.console),
            (None, None) => DEFAULT_SERVER.to_owned(),
        };
        Ok(Server {
            http: reqwest::Client::new(),
            base: address.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Sends a request; anything but success is an error.
    ///
    /// # Errors
    /// It does not answer, or with another status.
    pub async fn answered(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Result<reqwest::Response, ServerError> {
        let sent = request.bearer_auth(&self.token).send().await;
        let response = sent.map_err(|source| ServerError::Http {
            url: url.to_owned(),
            source,
        })?;
        if !response.status().is_success() {
            return Err(ServerError::Status {
                url: url.to_owned(),
                status: response.status().as_u16(),
                detail: response.text().await.unwrap_or_default(),
            });
        }
        Ok(response)
    }

    /// As [`Server::answered`], the answer's JSON.
    ///
    /// # Errors
    /// As there, or it is no such JSON.
    pub async fn json<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Result<T, ServerError> {
        let answer = self.answered(request, url).await?;
        answer.json().await.map_err(|source| ServerError::Http {
            url: url.to_owned(),
            source,
        })
    }
}
