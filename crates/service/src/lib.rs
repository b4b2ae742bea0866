//! What every service shares: HTTP serving, problems, configuration, shutdown.
