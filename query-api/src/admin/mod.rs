//! Users, API keys, applications, and what is known of models and prices.

mod access_log;
mod applications;
mod catalogue;
mod encryption;
mod keys;
mod price_books;
mod reprice;
mod users;

pub(crate) use access_log::access_log;
pub(crate) use applications::{list_applications, put_application};
pub(crate) use catalogue::{models, policies, prices};
pub(crate) use encryption::{key_status, rewrap_keys, rotate_keys};
pub(crate) use keys::{create_key, list_keys, revoke_key};
pub(crate) use price_books::{custom_prices, put_prices};
pub(crate) use reprice::reprice;
pub(crate) use users::{create_user, list_users, tenants, update_user};
