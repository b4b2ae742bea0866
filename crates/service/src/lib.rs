//! What every service of the audit layer shares: the HTTP server with its limits, problem
//! documents, configuration, logging, health, metrics, orderly shutdown and the object store.
//!
//! A service is a library with `run(config, shutdown)`. A typical one reads:
//!
//! ```no_run
//! use aal_service::{http, problem, shutdown::Shutdown};
//! use warp::Filter;
//!
//! # async fn run() -> Result<(), aal_service::http::ServeError> {
//! let shutdown = Shutdown::on_signals();
//! let routes = warp::path!("hello").and(warp::get()).map(|| "hello").recover(problem::recover);
//! let bound = http::serve(routes, &http::HttpConfig::default(), shutdown.clone()).await?;
//! tracing::info!(address = %bound.addr, "listening");
//! bound.stopped().await;
//! # Ok(())
//! # }
//! ```

pub mod background;
pub mod body;
pub mod config;
pub mod health;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod objects;
pub mod ops;
pub mod problem;
pub mod shutdown;
pub mod times;

pub use health::{Component, Health};
pub use http::{Bound, HttpConfig, ServeError, serve};
pub use metrics::Metrics;
pub use problem::Problem;
pub use shutdown::Shutdown;
