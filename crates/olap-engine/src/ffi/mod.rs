//! The C API of `libchdb.so`: loading it, and safe owners for what it hands out.
//!
//! The only unsafe code of the crate. The contract is that of `chdb.h`, version 26.7: a connection runs one
//! statement at a time (`&mut self`), results and streams are destroyed exactly once (`Drop`), strings come with
//! explicit lengths, and error texts are copied before their owner goes.
#![allow(unsafe_code)]

mod handles;

pub use handles::{Counters, InsertStream, Output, QueryStream};

use crate::error::EngineError;
use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::NonNull;

/// `chdb_connection`: an opaque pointer. `chdb_connect` returns a pointer to one.
type RawConnection = *mut c_void;
/// `chdb_result *`.
type RawResult = *mut c_void;
/// `chdb_insert_stream`.
type RawInsert = *mut c_void;

type TextFn = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type CounterFn = unsafe extern "C" fn(RawResult) -> u64;
type StatementFn<T> = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> T;

/// The functions of the library that are used, resolved once.
pub struct Api {
    connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut RawConnection,
    close: unsafe extern "C" fn(*mut RawConnection),
    query: StatementFn<RawResult>,
    stream_query: StatementFn<RawResult>,
    stream_fetch: unsafe extern "C" fn(RawConnection, RawResult) -> RawResult,
    stream_cancel: unsafe extern "C" fn(RawConnection, RawResult),
    destroy_result: unsafe extern "C" fn(RawResult),
    insert: StatementFn<RawInsert>,
    insert_append: unsafe extern "C" fn(RawInsert, *const c_void, usize) -> c_int,
    insert_done: unsafe extern "C" fn(RawInsert) -> RawResult,
    insert_cancel: unsafe extern "C" fn(RawInsert),
    insert_error: TextFn,
    destroy_insert: unsafe extern "C" fn(RawInsert),
    result_buffer: unsafe extern "C" fn(RawResult) -> *const u8,
    result_length: unsafe extern "C" fn(RawResult) -> usize,
    result_error: TextFn,
    rows_read: CounterFn,
    bytes_read: CounterFn,
    rows_written: CounterFn,
    bytes_written: CounterFn,
    shutdown: unsafe extern "C" fn() -> c_int,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

impl Api {
    /// Loads the library for the life of the process and keeps its hands off the process's signal handlers.
    ///
    /// It is never unloaded: its threads outlive every handle we have.
    ///
    /// # Errors
    /// [`EngineError::Library`] when the file cannot be loaded or is not a libchdb of this API.
    pub fn load(path: &Path) -> Result<&'static Self, EngineError> {
        let failed = |source: libloading::Error| EngineError::Library {
            path: path.to_owned(),
            source,
        };
        // SAFETY: loading runs the library's initialisers. They are those of the ClickHouse engine, built to be
        // loaded into foreign processes; the file is the one the operator named or the pinned package.
        let library: &'static Library = Box::leak(Box::new(unsafe { Library::new(path) }.map_err(failed)?));

        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the field the value goes to states the C declaration of this symbol in chdb.h 26.7.
                // The pointer stays valid because the library is leaked.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }.map_err(failed)?
            };
        }
        let set_signal_handlers: unsafe extern "C" fn(c_int) = symbol!("chdb_set_signal_handlers_enabled");
        let api = Self {
            connect: symbol!("chdb_connect"),
            close: symbol!("chdb_close_conn"),
            query: symbol!("chdb_query_with_params_n"),
            stream_query: symbol!("chdb_stream_query_with_params_n"),
            stream_fetch: symbol!("chdb_stream_fetch_result"),
            stream_cancel: symbol!("chdb_stream_cancel_query"),
            destroy_result: symbol!("chdb_destroy_query_result"),
            insert: symbol!("chdb_stream_insert_with_params_n"),
            insert_append: symbol!("chdb_stream_append"),
            insert_done: symbol!("chdb_stream_done"),
            insert_cancel: symbol!("chdb_stream_cancel_insert"),
            insert_error: symbol!("chdb_stream_insert_error"),
            destroy_insert: symbol!("chdb_destroy_insert_stream"),
            result_buffer: symbol!("chdb_result_buffer"),
            result_length: symbol!("chdb_result_length"),
            result_error: symbol!("chdb_result_error"),
            rows_read: symbol!("chdb_result_rows_read"),
            bytes_read: symbol!("chdb_result_bytes_read"),
            rows_written: symbol!("chdb_result_rows_written"),
            bytes_written: symbol!("chdb_result_bytes_written"),
            shutdown: symbol!("chdb_shutdown"),
        };
        // SAFETY: takes an int, callable at any time; it must come before the first connect.
        unsafe { set_signal_handlers(0) };
        Ok(Box::leak(Box::new(api)))
    }

    /// Opens a connection with the given arguments (the first is a program name).
    ///
    /// # Errors
    /// [`EngineError::Connect`]; the reason is only on standard error, the C API does not tell it.
    pub fn connect(&'static self, arguments: &[CString]) -> Result<Connection, EngineError> {
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_| EngineError::Connect)?;
        // SAFETY: `pointers` holds `count` valid NUL-terminated strings that outlive the call; the engine copies
        // them and does not write through them.
        let handle = unsafe { (self.connect)(count, pointers.as_mut_ptr()) };
        NonNull::new(handle)
            .map(|handle| Connection { api: self, handle })
            .ok_or(EngineError::Connect)
    }

    /// Stops the engine's threads after every [`Connection`] is gone. True when all of them stopped.
    pub fn shutdown(&self) -> bool {
        // SAFETY: callable from any thread; refuses by itself while a connection is open.
        unsafe { (self.shutdown)() == 0 }
    }

    /// The error of a result or stream, copied. `read` must be the accessor that belongs to `owner`'s type.
    ///
    /// # Safety
    /// `owner` is a live handle of the type that `read` takes.
    unsafe fn error_text(read: TextFn, owner: *mut c_void) -> Option<String> {
        // SAFETY: by the contract of this function.
        let text = unsafe { read(owner) };
        if text.is_null() {
            return None;
        }
        // SAFETY: a non-null error is NUL-terminated and lives as long as `owner`; it is copied here.
        Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }
}

/// Named query parameters as the `_with_params_n` functions take them; borrows from the caller's pairs.
struct Parameters {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl Parameters {
    fn new(pairs: &[(String, String)]) -> Self {
        Self {
            names: pairs.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: pairs.iter().map(|(name, _)| name.len()).collect(),
            values: pairs.iter().map(|(_, value)| value.as_ptr().cast()).collect(),
            value_lengths: pairs.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

/// One statement: its text, its format and its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// SQL without the data of an INSERT.
    pub sql: &'a str,
    /// Input or output format.
    pub format: &'a str,
    /// Values for `{name:Type}` placeholders, without the `param_` prefix, in TSV-escaped form.
    pub parameters: &'a [(String, String)],
}

/// A session of the engine: settings and current database are its own.
#[derive(Debug)]
pub struct Connection {
    api: &'static Api,
    handle: NonNull<RawConnection>,
}

// SAFETY: the engine allows a connection to be used from any thread, one at a time; every use needs `&mut`.
unsafe impl Send for Connection {}

impl Connection {
    fn raw(&self) -> RawConnection {
        // SAFETY: `handle` points to the connection until `close`, which only `Drop` calls.
        unsafe { *self.handle.as_ptr() }
    }

    fn call<T>(&mut self, function: StatementFn<T>, statement: Statement<'_>) -> T {
        let parameters = Parameters::new(statement.parameters);
        // SAFETY: all pointers come with their lengths and live until the call returns; the engine copies what
        // it keeps (chdb.h: parameters are bound for the duration of the call).
        unsafe {
            function(
                self.raw(),
                statement.sql.as_ptr().cast(),
                statement.sql.len(),
                statement.format.as_ptr().cast(),
                statement.format.len(),
                parameters.names.as_ptr(),
                parameters.name_lengths.as_ptr(),
                parameters.values.as_ptr(),
                parameters.value_lengths.as_ptr(),
                statement.parameters.len(),
            )
        }
    }

    /// Runs a statement to its end and returns its whole result.
    ///
    /// # Errors
    /// [`EngineError::Query`] with the engine's text.
    pub fn query(&mut self, statement: Statement<'_>) -> Result<Output, EngineError> {
        let raw = self.call(self.api.query, statement);
        Output::from_raw(self.api, raw)
    }

    /// Starts a SELECT. Returns when the first rows are known, which for a full aggregation is its end.
    ///
    /// # Errors
    /// [`EngineError::Query`], also for statements that are no SELECT.
    pub fn stream(&mut self, statement: Statement<'_>) -> Result<QueryStream<'_>, EngineError> {
        let raw = self.call(self.api.stream_query, statement);
        let Some(handle) = NonNull::new(raw) else {
            return Err(EngineError::no_result());
        };
        let api = self.api;
        let stream = QueryStream {
            connection: self,
            handle,
            finished: false,
        };
        // SAFETY: a live result handle and the accessor for results.
        match unsafe { Api::error_text(api.result_error, handle.as_ptr()) } {
            Some(text) => Err(EngineError::from_text(text)),
            None => Ok(stream),
        }
    }

    /// Starts an INSERT whose data follows by [`InsertStream::append`].
    ///
    /// # Errors
    /// [`EngineError::Query`].
    pub fn insert(&mut self, statement: Statement<'_>) -> Result<InsertStream<'_>, EngineError> {
        let raw = self.call(self.api.insert, statement);
        let Some(handle) = NonNull::new(raw) else {
            return Err(EngineError::no_result());
        };
        let stream = InsertStream {
            connection: self,
            handle,
        };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle came from `connect` and is closed once; streams borrow the connection, so none is open.
        unsafe { (self.api.close)(self.handle.as_ptr()) };
    }
}
