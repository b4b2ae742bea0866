//! Owners of results and open streams.

use super::{Api, Connection, RawResult};
use crate::error::EngineError;
use std::ffi::c_void;
use std::ptr::NonNull;

/// A finished piece of a result.
#[derive(Debug)]
pub struct Output {
    api: &'static Api,
    handle: NonNull<c_void>,
}

/// What a statement read and wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Rows of the result or read for it.
    pub rows_read: u64,
    /// Bytes of the same.
    pub bytes_read: u64,
    /// Rows written, those of materialised views included.
    pub rows_written: u64,
    /// Bytes of the same.
    pub bytes_written: u64,
}

impl Output {
    pub(super) fn from_raw(api: &'static Api, raw: RawResult) -> Result<Self, EngineError> {
        let Some(handle) = NonNull::new(raw) else {
            return Err(EngineError::no_result());
        };
        let output = Self { api, handle };
        // SAFETY: a live result handle and the accessor for results.
        match unsafe { Api::error_text(api.result_error, handle.as_ptr()) } {
            Some(text) => Err(EngineError::from_text(text)),
            None => Ok(output),
        }
    }

    /// The bytes, in the statement's format.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: both accessors take a live result; the buffer has that length and lives as long as the handle,
        // which `self` owns. Nothing writes to it.
        unsafe {
            let length = (self.api.result_length)(self.handle.as_ptr());
            let buffer = (self.api.result_buffer)(self.handle.as_ptr());
            if buffer.is_null() || length == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(buffer, length)
            }
        }
    }

    /// What the statement read and wrote.
    pub fn counters(&self) -> Counters {
        let handle = self.handle.as_ptr();
        // SAFETY: plain accessors of a live result.
        unsafe {
            Counters {
                rows_read: (self.api.rows_read)(handle),
                bytes_read: (self.api.bytes_read)(handle),
                rows_written: (self.api.rows_written)(handle),
                bytes_written: (self.api.bytes_written)(handle),
            }
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { (self.api.destroy_result)(self.handle.as_ptr()) };
    }
}

/// An open SELECT. Dropping it before its end cancels it.
#[derive(Debug)]
pub struct QueryStream<'c> {
    pub(super) connection: &'c mut Connection,
    pub(super) handle: NonNull<c_void>,
    pub(super) finished: bool,
}

impl QueryStream<'_> {
    /// The next piece of the result (about 65 thousand rows), none at the end.
    ///
    /// # Errors
    /// [`EngineError::Query`] when the query fails on the way.
    pub fn fetch(&mut self) -> Result<Option<Output>, EngineError> {
        let api = self.connection.api;
        // SAFETY: the connection and its own open stream, used by one thread at a time through `&mut`.
        let raw = unsafe { (api.stream_fetch)(self.connection.raw(), self.handle.as_ptr()) };
        let output = Output::from_raw(api, raw).inspect_err(|_| self.finished = true)?;
        if output.bytes().is_empty() {
            self.finished = true;
            return Ok(None);
        }
        Ok(Some(output))
    }
}

impl Drop for QueryStream<'_> {
    fn drop(&mut self) {
        let api = self.connection.api;
        // SAFETY: as in `fetch`; the handle is owned and destroyed once.
        unsafe {
            if !self.finished {
                (api.stream_cancel)(self.connection.raw(), self.handle.as_ptr());
            }
            (api.destroy_result)(self.handle.as_ptr());
        }
    }
}

/// An open INSERT. Dropping it without [`InsertStream::finish`] cancels it.
#[derive(Debug)]
pub struct InsertStream<'c> {
    pub(super) connection: &'c mut Connection,
    pub(super) handle: NonNull<c_void>,
}

impl InsertStream<'_> {
    /// Hands over a piece of data, which is copied; blocks while the engine is behind.
    ///
    /// # Errors
    /// [`EngineError::Query`] when the insert has failed; nothing of the open block is stored then.
    pub fn append(&mut self, data: &[u8]) -> Result<(), EngineError> {
        // SAFETY: a live stream and a readable slice, which the engine copies.
        let state = unsafe {
            (self.connection.api.insert_append)(self.handle.as_ptr(), data.as_ptr().cast(), data.len())
        };
        if state == 0 {
            Ok(())
        } else {
            Err(self.error().unwrap_or_else(EngineError::no_result))
        }
    }

    /// Ends the data and commits.
    ///
    /// # Errors
    /// [`EngineError::Query`] when the last block was not stored.
    pub fn finish(self) -> Result<Counters, EngineError> {
        // SAFETY: a live stream that is finalised once; `Drop` then only destroys it (cancelling a finalised
        // stream does nothing, chdb.h).
        let raw = unsafe { (self.connection.api.insert_done)(self.handle.as_ptr()) };
        Output::from_raw(self.connection.api, raw).map(|output| output.counters())
    }

    pub(super) fn error(&self) -> Option<EngineError> {
        // SAFETY: a live insert stream and the accessor for insert streams.
        unsafe { Api::error_text(self.connection.api.insert_error, self.handle.as_ptr()) }
            .map(EngineError::from_text)
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        let api = self.connection.api;
        // SAFETY: owned; cancelling is a no-op on a finalised stream, and every handle must be destroyed once.
        unsafe {
            (api.insert_cancel)(self.handle.as_ptr());
            (api.destroy_insert)(self.handle.as_ptr());
        }
    }
}
