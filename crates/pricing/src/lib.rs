//! Usage buckets and exact prices.
