//! Every call of the API. The OpenAPI document is tested against this table.

use std::sync::LazyLock;

use http::Method;

use crate::router::{ADMIN, ANY, Handler, OFFICER, Route};
use crate::{admin, auth_routes, feed, ledger, logs, metrics, openapi, reports, sessions};

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
        GET "/api/v1/applications" OFFICER admin::list_applications;
        POST "/api/v1/applications" ADMIN admin::put_application;
        GET "/api/v1/models" ANY admin::models;
        GET "/api/v1/prices" ANY admin::prices;
        POST "/api/v1/prices" ADMIN admin::put_prices;
        GET "/api/v1/prices/custom" OFFICER admin::custom_prices;
        POST "/api/v1/prices/reprice" ADMIN admin::reprice;
        GET "/api/v1/policies" OFFICER admin::policies;
        GET "/api/v1/access-log" OFFICER admin::access_log;
        GET "/api/v1/audit/logs" ANY logs::list;
        GET "/api/v1/audit/logs/{event_id}" ANY logs::detail;
        GET "/api/v1/audit/logs/{event_id}/proof" ANY ledger::proof;
        POST "/api/v1/audit/logs/{event_id}/outcomes" OFFICER logs::post_outcome;
        GET "/api/v1/audit/sessions" ANY sessions::list;
        GET "/api/v1/audit/sessions/{id}" ANY sessions::timeline;
        GET "/api/v1/metrics" ANY metrics::metrics;
        POST "/api/v1/reports/generate" OFFICER reports::generate;
        GET "/api/v1/reports" OFFICER reports::list;
        GET "/api/v1/reports/{id}" OFFICER reports::get;
        GET "/api/v1/checkpoints" ANY ledger::checkpoints;
        GET "/api/v1/checkpoints/{epoch}" ANY ledger::checkpoint;
        POST "/api/v1/verify" ANY ledger::verify;
        GET "/api/v1/verify/chains" OFFICER ledger::chains;
        GET "/api/v1/verify/epochs" OFFICER ledger::epochs;
        GET "/api/v1/verify/records" OFFICER ledger::records;
        GET "/api/v1/verify/witnessed" OFFICER ledger::witnessed;
        GET "/api/v1/incidents" OFFICER ledger::incidents;
        GET "/api/v1/sources" OFFICER ledger::sources;
        GET "/api/v1/intents" OFFICER ledger::intents;
        GET "/ledger/log/checkpoint" PUBLIC ledger::log_checkpoint;
        GET "/ledger/log/{resource}" PUBLIC ledger::log_tile;
        GET "/ledger/chains/{tenant}/{shard}/{resource}" OFFICER ledger::chain_tile;
    }
});

/// The table.
pub(crate) fn routes() -> &'static [Route] {
    &ROUTES
}
