//! The control store: users, keys, subjects, jobs, leases.
