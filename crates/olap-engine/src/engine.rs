//! The engine of this process: opened once, then one session of it per request.

use crate::config::Config;
use crate::error::{EngineError, code};
use crate::ffi::{Api, Connection, Statement};
use rustix::fs::{FlockOperation, flock};
use std::ffi::CString;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const OPEN_RETRY: Duration = Duration::from_millis(100);

/// An open data directory. The engine library allows one per process.
#[derive(Debug)]
pub struct Engine {
    api: &'static Api,
    arguments: Vec<CString>,
    /// Keeps the engine up: closing the last connection shuts it down.
    root: Mutex<Option<Connection>>,
    /// Held for the life of the engine.
    _lock: File,
}

/// What a session is made with.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// The current database; `default` when none.
    pub database: Option<String>,
    /// Names and values of settings, later ones win.
    pub settings: Vec<(String, String)>,
}

impl Engine {
    /// Loads the library and opens the data directory. Blocks, up to [`Config::open_timeout`] while a dead
    /// predecessor has not been reaped.
    ///
    /// # Errors
    /// [`EngineError`]; `DirectoryInUse` when another process holds it.
    pub fn open(config: &Config) -> Result<Self, EngineError> {
        let deadline = Instant::now() + config.open_timeout;
        let io = |source| EngineError::Io {
            what: config.data.display().to_string(),
            source,
        };
        std::fs::create_dir_all(&config.data).map_err(io)?;
        // The engine says only on standard error why it does not open; a lock of our own tells "in use" from the rest.
        let lock = lock_directory(&config.data, deadline)?;
        let api = Api::load(&config.library)?;

        let mut path = b"--path=".to_vec();
        path.extend_from_slice(config.data.as_os_str().as_bytes());
        let mut arguments = vec![b"audit-olap-engine".to_vec(), path];
        if let Some(bytes) = config.max_memory_bytes {
            arguments.push(format!("--max_server_memory_usage={bytes}").into_bytes());
        }
        let arguments: Vec<CString> = arguments
            .into_iter()
            .map(CString::new)
            .collect::<Result<_, _>>()
            .map_err(|_| EngineError::Connect)?;

        let root = loop {
            match api.connect(&arguments) {
                Ok(connection) => break connection,
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => std::thread::sleep(OPEN_RETRY),
            }
        };
        Ok(Self {
            api,
            arguments,
            root: Mutex::new(Some(root)),
            _lock: lock,
        })
    }

    /// A new session. Costs about 0.3 ms.
    ///
    /// # Errors
    /// [`EngineError::Query`] for an unknown setting, a value that does not fit, or an unknown database.
    pub fn session(&self, options: &SessionOptions) -> Result<Connection, EngineError> {
        let mut connection = self.api.connect(&self.arguments)?;
        // SET and USE say what is wrong; the same as connect arguments would be ignored or fail without a reason.
        if !options.settings.is_empty() {
            let mut sql = String::from("SET ");
            for (index, (name, value)) in options.settings.iter().enumerate() {
                if !is_setting_name(name) {
                    let message = format!("unknown setting or parameter {name:?}");
                    return Err(EngineError::query(
                        code::UNKNOWN_SETTING,
                        "UNKNOWN_SETTING",
                        message,
                    ));
                }
                if index > 0 {
                    sql.push_str(", ");
                }
                sql.push_str(name);
                sql.push_str(" = ");
                push_quoted(&mut sql, value, '\'');
            }
            connection.query(plain(&sql))?;
        }
        if let Some(database) = options.database.as_deref().filter(|name| !name.is_empty()) {
            let mut sql = String::from("USE ");
            push_quoted(&mut sql, database, '`');
            connection.query(plain(&sql))?;
        }
        Ok(connection)
    }

    /// Cancels the statement whose session has this `log_comment`. True when one was found.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn kill(&self, log_comment: &str) -> Result<bool, EngineError> {
        self.kill_where(&format!("Settings['log_comment'] = {}", quoted(log_comment)))
    }

    /// Cancels every statement that runs.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn kill_all(&self) -> Result<bool, EngineError> {
        self.kill_where("query NOT LIKE 'KILL %'")
    }

    fn kill_where(&self, condition: &str) -> Result<bool, EngineError> {
        let mut connection = self.api.connect(&self.arguments)?;
        let sql = format!("KILL QUERY WHERE {condition} ASYNC");
        let output = connection.query(Statement {
            sql: &sql,
            format: "TabSeparated",
            parameters: &[],
        })?;
        Ok(!output.bytes().is_empty())
    }

    /// Closes the data directory. To be called when no session is open; true when the engine stopped cleanly.
    pub fn close(&self) -> bool {
        // A poisoned lock means that a thread panicked here before; the connection is still there to close.
        let mut root = self.root.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        drop(root.take());
        self.api.shutdown()
    }
}

fn plain(sql: &str) -> Statement<'_> {
    Statement {
        sql,
        format: "TabSeparated",
        parameters: &[],
    }
}

fn is_setting_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn quoted(value: &str) -> String {
    let mut sql = String::new();
    push_quoted(&mut sql, value, '\'');
    sql
}

fn push_quoted(sql: &mut String, value: &str, quote: char) {
    sql.push(quote);
    for c in value.chars() {
        if c == quote || c == '\\' {
            sql.push('\\');
        }
        sql.push(c);
    }
    sql.push(quote);
}

/// Takes the lock file of the data directory; the kernel frees it when its holder ends, however it ends.
fn lock_directory(data: &Path, deadline: Instant) -> Result<File, EngineError> {
    let path = data.join("engine.lock");
    let io = |source| EngineError::Io {
        what: path.display().to_string(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io)?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() >= deadline => {
                return Err(EngineError::DirectoryInUse {
                    path: data.to_owned(),
                });
            }
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(OPEN_RETRY),
            Err(error) => return Err(io(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        assert_eq!(quoted(r"it's \n"), r"'it\'s \\n'");
    }

    #[test]
    fn only_plain_names_become_settings() {
        assert!(is_setting_name("max_threads") && is_setting_name("_x1"));
        for name in ["", "1x", "a b", "a=1, b", "a.b", "a-b"] {
            assert!(!is_setting_name(name), "{name}");
        }
    }
}
