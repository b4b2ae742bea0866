//! What a caller may see and do, decided in one place.
//!
//! Every query of the store is made by [`crate::sql::Sql::records`], which cannot be called without a
//! scope; so no handler can forget it.

use aal_control::{Role, TenantScope, User};
use aal_redact::{Entity, TokenMaker};
use aal_seal::IndexKey;
use aal_service::Problem;
use uuid::Uuid;

use crate::app::{App, control_problem};

/// The limits of one caller.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) user: User,
    /// The tenants of this request: the user's, or one of them.
    pub(crate) tenants: TenantScope,
    /// Viewers see records of these user ids only; `None` for the other roles.
    own_user_ids: Option<Vec<String>>,
}

impl Scope {
    /// The scope of `user`.
    pub(crate) async fn of(app: &App, user: User) -> Result<Self, Problem> {
        let now_us = aal_service::times::now_us();
        if let Err(error) = app.policies.refresh(&[], now_us, now_us).await {
            // Only how questions are cleaned depends on it here, and that may be by the rules of a moment ago.
            tracing::debug!(%error, "policies not read");
        }
        let own_user_ids = match user.role {
            Role::Admin | Role::ComplianceOfficer => None,
            Role::Viewer => {
                let tenants = tenant_ids(app, user.tenant).await?;
                let mut own = vec![user.id.to_string()];
                // An e-mail address as user id is stored as its token, which differs by tenant; in the clear it is
                // asked for only where a policy keeps it so, for questions stand in the store's own logs.
                own.extend(
                    tenants
                        .iter()
                        .flat_map(|tenant| cleaned(app, *tenant, "user_id", &user.email)),
                );
                Some(own)
            }
        };
        Ok(Self {
            tenants: user.tenant,
            user,
            own_user_ids,
        })
    }

    /// The same scope within one tenant; 403 when that is outside.
    pub(crate) fn narrowed(&self, tenant: Option<Uuid>) -> Result<Self, Problem> {
        let Some(tenant) = tenant else {
            return Ok(self.clone());
        };
        if !self.tenants.contains(tenant) {
            return Err(Problem::forbidden("that tenant is not yours"));
        }
        Ok(Self {
            tenants: TenantScope::One(tenant),
            ..self.clone()
        })
    }

    /// The one tenant that something new belongs to.
    pub(crate) fn one_tenant(&self, tenant: Option<Uuid>) -> Result<Uuid, Problem> {
        match self.narrowed(tenant)?.tenants {
            TenantScope::One(tenant) => Ok(tenant),
            TenantScope::All => Err(Problem::validation("you may act for several tenants")
                .with_error("/tenant", "is required; GET /api/v1/tenants lists them")),
        }
    }

    /// The same tenants without the viewer's limit. Only for questions whose answer is then matched
    /// with records that the full scope admits (the outcomes of visible decisions).
    pub(crate) fn without_user_limit(&self) -> Self {
        Self {
            own_user_ids: None,
            ..self.clone()
        }
    }

    /// The user ids a viewer is limited to.
    pub(crate) fn own_user_ids(&self) -> Option<&[String]> {
        self.own_user_ids.as_deref()
    }

    /// Whether a record of this tenant and user may be shown.
    pub(crate) fn admits(&self, tenant: Uuid, user_id: &str) -> bool {
        let own = self.own_user_ids.as_ref();
        self.tenants.contains(tenant) && own.is_none_or(|own| own.iter().any(|id| id == user_id))
    }

    /// Whether the caller has one of `roles`.
    pub(crate) fn has_role(&self, roles: &[Role]) -> bool {
        roles.contains(&self.user.role)
    }

    /// 403 unless the caller has one of `roles`.
    pub(crate) fn require(&self, roles: &[Role]) -> Result<(), Problem> {
        if self.has_role(roles) {
            return Ok(());
        }
        let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        Err(Problem::forbidden(format!(
            "this needs the role {}",
            names.join(" or ")
        )))
    }

    /// The process's own scope, for what it does on nobody's behalf.
    pub(crate) fn unlimited(user: User) -> Self {
        Self {
            tenants: TenantScope::All,
            user,
            own_user_ids: None,
        }
    }

    /// One tenant's whole chain, for hashes that show nothing of its records.
    pub(crate) fn of_chain(tenant: Uuid) -> Self {
        let nobody = User {
            id: Uuid::nil(),
            email: String::new(),
            role: Role::Viewer,
            tenant: TenantScope::One(tenant),
            disabled: false,
            session_epoch: 0,
            created_us: 0,
        };
        Self {
            tenants: TenantScope::One(tenant),
            user: nobody,
            own_user_ids: None,
        }
    }

    /// A scope for tests.
    #[cfg(test)]
    pub(crate) fn for_test(role: Role, tenants: TenantScope, own_user_ids: Option<Vec<String>>) -> Self {
        let user = User {
            id: Uuid::from_u128(1),
            email: "a@b.example".to_owned(),
            role,
            tenant: tenants,
            disabled: false,
            session_epoch: 0,
            created_us: 0,
        };
        Self {
            user,
            tenants,
            own_user_ids,
        }
    }
}

/// The ids of the tenants inside `scope`.
pub(crate) async fn tenant_ids(app: &App, scope: TenantScope) -> Result<Vec<Uuid>, Problem> {
    match scope {
        TenantScope::One(tenant) => Ok(vec![tenant]),
        TenantScope::All => {
            let tenants = app
                .control
                .tenants(TenantScope::All)
                .await
                .map_err(control_problem)?;
            Ok(tenants.into_iter().map(|tenant| tenant.id).collect())
        }
    }
}

/// The placeholders of a tenant.
pub(crate) struct Tokens<'k>(pub(crate) &'k IndexKey);

impl TokenMaker for Tokens<'_> {
    fn token(&self, entity: Entity, canonical: &str) -> String {
        self.0.placeholder(entity.name(), canonical)
    }
}

/// `value` in the forms in which it is stored in `field` of records of `tenant`: personal data replaced by its tokens,
/// by the rules of today. What cannot be redacted is left out, for then nothing of it is stored either.
pub(crate) fn cleaned(app: &App, tenant: Uuid, field: &str, value: &str) -> Vec<String> {
    let index = app.ring.tenant_index_key(tenant);
    let now_us = aal_service::times::now_us();
    let mut forms: Vec<String> = Vec::new();
    for detector in app.detectors.of_tenant(&app.policies, tenant, now_us) {
        if let Ok(redacted) = detector.redact_text(value, field, &Tokens(&index))
            && !forms.contains(&redacted.template)
        {
            forms.push(redacted.template);
        }
    }
    forms
}
