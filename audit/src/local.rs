//! A local `audit up`: its control store, its addresses, and signing in by owning the data directory.

use std::{net::SocketAddr, path::Path};

use aal_control::{Application, Control, ControlConfig, ControlError, Role, TenantScope, auth::TokenKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::up::layout::{Layout, LayoutError};

/// Where the running services are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    pub console: SocketAddr,
    pub edge: SocketAddr,
    /// Bootstrap servers.
    pub kafka: String,
    pub clickhouse: SocketAddr,
    /// Of the embedded engine; the file is readable by its owner only.
    pub clickhouse_password: String,
    pub pid: u32,
}

/// Why there is no local pipeline to talk to.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("{path} cannot be read ({reason}): is audit up running on this data directory?")]
    NotRunning { path: String, reason: String },
    #[error("there is no administrator that could sign in")]
    NoAdministrator,
}

/// A local pipeline.
#[derive(Debug)]
pub struct Local {
    layout: Layout,
    control: Control,
}

impl Local {
    /// Opens the control store of a data directory.
    pub async fn open(data: &Path) -> Result<Local, LocalError> {
        if !data.join("keys").is_dir() {
            let path = data.display().to_string();
            return Err(LocalError::NotRunning {
                path,
                reason: "no data directory of audit up".to_owned(),
            });
        }
        let layout = Layout::new(data)?;
        let control = Control::open(&ControlConfig {
            url: layout.control_url(),
            ..ControlConfig::default()
        })
        .await?;
        Ok(Local { layout, control })
    }

    /// Where the running services are.
    pub fn endpoints(&self) -> Result<Endpoints, LocalError> {
        let path = self.layout.endpoints_file();
        let not_running = |reason: String| LocalError::NotRunning {
            path: path.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(&path).map_err(|error| not_running(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| not_running(error.to_string()))
    }

    /// A token of the first administrator, good for an hour.
    pub async fn administrator_token(&self) -> Result<String, LocalError> {
        let users = self.control.users(TenantScope::All).await?;
        let administrator = users
            .iter()
            .find(|user| user.role == Role::Admin && user.tenant == TenantScope::All && !user.disabled)
            .ok_or(LocalError::NoAdministrator)?;
        let key = TokenKey::new(*self.layout.ring()?.derive(aal_seal::purpose::SESSION_TOKENS));
        Ok(key.issue(administrator, aal_service::times::now_us()).0)
    }

    /// Makes sure that an application of a tenant exists and gives a fresh key for it.
    pub async fn application_key(
        &self,
        tenant: &str,
        application: &str,
        phi: bool,
    ) -> Result<ApplicationKey, LocalError> {
        let now_us = aal_service::times::now_us();
        let tenant = self.control.ensure_tenant(tenant, Uuid::new_v4(), now_us).await?;
        let known = self.control.application(tenant.id, application).await?;
        if known.is_none() {
            let application = Application {
                tenant: tenant.id,
                name: application.to_owned(),
                phi,
                content_mode: None,
                policy: serde_json::json!({}),
                created_us: now_us,
            };
            self.control.put_application(&application).await?;
        }
        let made = self
            .control
            .create_api_key(tenant.id, application, "audit command line", now_us)
            .await?;
        Ok(ApplicationKey {
            tenant: tenant.id,
            id: made.key.id,
            presented: made.presented,
        })
    }

    /// Revokes keys that a command made for itself.
    pub async fn revoke(&self, keys: &[ApplicationKey]) -> Result<(), LocalError> {
        for key in keys {
            self.control
                .revoke_api_key(TenantScope::One(key.tenant), key.id, aal_service::times::now_us())
                .await?;
        }
        Ok(())
    }

    /// A setting of the control store.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, LocalError> {
        Ok(self.control.setting(name).await?)
    }

    /// Stores a setting.
    pub async fn put_setting(&self, name: &str, value: &str) -> Result<(), LocalError> {
        Ok(self.control.put_setting(name, value).await?)
    }
}

/// A key that a command made for its own use.
#[derive(Clone)]
pub struct ApplicationKey {
    pub tenant: Uuid,
    pub id: Uuid,
    pub presented: String,
}

impl std::fmt::Debug for ApplicationKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ApplicationKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
