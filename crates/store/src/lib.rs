//! The ClickHouse tables and how they are read and written.
