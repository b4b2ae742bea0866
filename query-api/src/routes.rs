//! Every call of the API. The OpenAPI document is tested against this table.

use std::sync::LazyLock;

use http::Method;

use crate::router::{ADMIN, ANY, COMPLIANCE, Handler, OFFICER, Route};
use crate::{
    admin, auth_routes, dead_letters, feed, ledger, logs, metrics, openapi, reports, sessions, subjects,
};

macro_rules! table {
    ($($method:ident $path:literal $roles:ident $handler:path;)+) => {
        vec![$(Route { method: Method::$method, path: $path, handler: table!(@ $roles $handler) }),+]
    };
    (@ PUBLIC $handler:path) => { Handler::Public(|app, request| Box::pin($handler(app, request))) };
    (@ $roles:ident $handler:path) => { Handler::Signed($roles, |call| Box::pin($handler(call))) };
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    table! {
        GET "/openapi.json" PUBLIC openapi::document;
        GET "/ws/feed" PUBLIC feed::upgrade_required;
        POST "/api/v1/auth/login" PUBLIC auth_routes::login;
        GET "/api/v1/auth/me" ANY auth_routes::me;
        POST "/api/v1/auth/password" ANY auth_routes::password;
        GET "/api/v1/tenants" ANY admin::tenants;
        GET "/api/v1/users" ADMIN admin::list_users;
        POST "/api/v1/users" ADMIN admin::create_user;
        PATCH "/api/v1/users/{id}" ADMIN admin::update_user;
        GET "/api/v1/api-keys" ADMIN admin::list_keys;
        POST "/api/v1/api-keys" ADMIN admin::create_key;
        DELETE "/api/v1/api-keys/{id}" ADMIN admin::revoke_key;
        GET "/api/v1/keys" ADMIN admin::key_status;
        POST "/api/v1/keys/rotate" ADMIN admin::rotate_keys;
        POST "/api/v1/keys/rewrap" ADMIN admin::rewrap_keys;
        GET "/api/v1/applications" OFFICER admin::list_applications;
        POST "/api/v1/applications" ADMIN admin::put_application;
        GET "/api/v1/models" ANY admin::models;
        GET "/api/v1/prices" ANY admin::prices;
        POST "/api/v1/prices" ADMIN admin::put_prices;
        GET "/api/v1/prices/custom" OFFICER admin::custom_prices;
        POST "/api/v1/prices/reprice" ADMIN admin::reprice;
        GET "/api/v1/policies" OFFICER admin::policies;
        GET "/api/v1/access-log" OFFICER admin::access_log;
        GET "/api/v1/dead-letters" ADMIN dead_letters::list;
        GET "/api/v1/dead-letters/{offset}" ADMIN dead_letters::show;
        POST "/api/v1/dead-letters/{offset}/replay" ADMIN dead_letters::replay;
        GET "/api/v1/audit/logs" ANY logs::list;
        GET "/api/v1/audit/logs/{event_id}" ANY logs::detail;
        GET "/api/v1/audit/logs/{event_id}/proof" ANY ledger::proof;
        POST "/api/v1/audit/logs/{event_id}/outcomes" OFFICER logs::post_outcome;
        POST "/api/v1/audit/logs/{event_id}/break-glass" ANY logs::break_glass;
        GET "/api/v1/break-glass" OFFICER logs::list_break_glass;
        POST "/api/v1/break-glass/{id}/review" OFFICER logs::review_break_glass;
        GET "/api/v1/audit/sessions" ANY sessions::list;
        GET "/api/v1/audit/sessions/{id}" ANY sessions::timeline;
        GET "/api/v1/metrics" ANY metrics::metrics;
        POST "/api/v1/reports/generate" OFFICER reports::generate;
        GET "/api/v1/reports" OFFICER reports::list;
        GET "/api/v1/reports/{id}" OFFICER reports::get;
        GET "/api/v1/checkpoints" ANY ledger::checkpoints;
        GET "/api/v1/checkpoints/{epoch}" ANY ledger::checkpoint;
        POST "/api/v1/verify" ANY ledger::verify;
        GET "/api/v1/verify" OFFICER ledger::list_verifications;
        GET "/api/v1/verify/chains" OFFICER ledger::chains;
        GET "/api/v1/verify/epochs" OFFICER ledger::epochs;
        GET "/api/v1/verify/head" OFFICER ledger::head;
        GET "/api/v1/verify/records" OFFICER ledger::records;
        GET "/api/v1/verify/witnessed" OFFICER ledger::witnessed;
        GET "/api/v1/verify/{id}" OFFICER ledger::get_verification;
        DELETE "/api/v1/verify/{id}" OFFICER ledger::cancel_verification;
        GET "/api/v1/incidents" OFFICER ledger::incidents;
        GET "/api/v1/sources" OFFICER ledger::sources;
        GET "/api/v1/intents" OFFICER ledger::intents;
        GET "/api/v1/subjects/{id}/export" OFFICER subjects::show_export;
        POST "/api/v1/subjects/{id}/export" OFFICER subjects::make_export;
        GET "/api/v1/subjects/{id}/erasure" OFFICER subjects::of_person;
        POST "/api/v1/subjects/{id}/erasure" OFFICER subjects::ask;
        GET "/api/v1/erasures" OFFICER subjects::list;
        GET "/api/v1/erasures/{id}" OFFICER subjects::get;
        GET "/api/v1/erasures/{id}/certificate" OFFICER subjects::certificate;
        POST "/api/v1/erasures/{id}/override" OFFICER subjects::override_waiting;
        POST "/api/v1/erasures/{id}/decision" OFFICER subjects::decide;
        GET "/api/v1/legal-holds" OFFICER subjects::list_holds;
        POST "/api/v1/legal-holds" COMPLIANCE subjects::place;
        POST "/api/v1/legal-holds/{id}/release" COMPLIANCE subjects::release;
        GET "/api/v1/retention" OFFICER subjects::list_rules;
        PUT "/api/v1/retention" OFFICER subjects::put_rule;
        GET "/api/v1/prunes" OFFICER subjects::list_prunes;
        POST "/api/v1/prunes" OFFICER subjects::ask_prune;
        GET "/api/v1/prunes/{id}" OFFICER subjects::get_prune;
        POST "/api/v1/prunes/{id}/approve" OFFICER subjects::approve_prune;
        POST "/api/v1/prunes/{id}/cancel" OFFICER subjects::cancel_prune;
        GET "/ledger/log/checkpoint" PUBLIC ledger::log_checkpoint;
        GET "/ledger/log/{resource}" PUBLIC ledger::log_tile;
        GET "/ledger/chains/{tenant}/{shard}/{resource}" OFFICER ledger::chain_tile;
    }
});

/// The table.
pub(crate) fn routes() -> &'static [Route] {
    &ROUTES
}
