//! What can go wrong in the control store.

/// Why a call of the control store failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The URL is not one of a supported database.
    #[error("control store url {url:?} is not supported; use sqlite:///path/control.db or postgres://…")]
    UnsupportedUrl {
        /// The URL without its password.
        url: String,
    },
    /// The database file cannot be made.
    #[error("control store file {path}: {source}; check `control.url` and the directory's permissions")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be reached or refused the statement.
    #[error("control store: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration that was applied earlier reads differently now.
    #[error(
        "control store migration {number} ({name}) was changed after it was applied; restore it and add a new one"
    )]
    ChangedMigration {
        /// Its number.
        number: i64,
        /// Its file name.
        name: String,
    },
    /// The database was written by a newer program.
    #[error("control store has migration {number}, which this program does not know; use the newer program")]
    NewerDatabase {
        /// The unknown number.
        number: i64,
    },
    /// A stored value cannot be read back.
    #[error("control store holds an unreadable {what}: {value:?}")]
    Corrupt {
        /// The column.
        what: &'static str,
        /// What was found.
        value: String,
    },
    /// A rotation replaced the key-encryption key in the meantime.
    #[error(
        "key-encryption key {epoch} of tenant {tenant} was replaced; wrap the data key under the current one"
    )]
    KekRetired {
        /// Whose.
        tenant: uuid::Uuid,
        /// Its epoch.
        epoch: u64,
    },
    /// A name or address that must be unique is taken.
    #[error("{what} {value:?} exists already")]
    Exists {
        /// The kind of thing.
        what: &'static str,
        /// The name.
        value: String,
    },
    /// A value that the rules of the store refuse; the text says which rule.
    #[error("{0}")]
    Refused(String),
    /// A password could not be hashed.
    #[error("password hashing failed: {0}")]
    Hashing(String),
}

impl ControlError {
    /// Whether a unique constraint refused the row.
    pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
        error
            .as_database_error()
            .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }
}
