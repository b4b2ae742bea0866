//! What a request's text is: a SELECT whose rows can be streamed, an INSERT followed by its data, or anything else.
//!
//! The C API wants these three apart (a streaming call takes nothing but SELECT, data must never stand in the
//! SQL text), and an embedded engine must refuse what a server would not do for a client: several statements at
//! once, and reading or writing files named in the statement.

use crate::error::{EngineError, code};
use crate::lexer::{Lexer, Token, TokenKind};

/// A request's text, told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// SELECT in any of its spellings: may be streamed. `format` is the FORMAT clause's.
    Select {
        /// The statement without a trailing semicolon.
        sql: String,
        /// The format named in the statement.
        format: Option<String>,
    },
    /// INSERT with data: `sql` ends before VALUES or FORMAT, the data starts at byte `data_at` of the text.
    InsertData {
        /// `INSERT INTO table (columns) [SETTINGS ..]`.
        sql: String,
        /// The data's format; Values when the statement, as far as it goes, names none.
        format: Option<String>,
        /// Where the data starts in the text that was analysed.
        data_at: usize,
    },
    /// Everything that is run as a whole.
    Other {
        /// The statement without a trailing semicolon.
        sql: String,
        /// The format named in the statement.
        format: Option<String>,
    },
    /// Nothing but white space and comments.
    Empty,
}

impl Statement {
    /// The SQL without data; none when there is none.
    pub fn sql(&self) -> Option<&str> {
        match self {
            Self::Select { sql, .. } | Self::InsertData { sql, .. } | Self::Other { sql, .. } => Some(sql),
            Self::Empty => None,
        }
    }
}

/// Tells what `text` is. `text` may go on with the data of an INSERT, which need not be UTF-8 and is not looked at.
///
/// # Errors
/// [`EngineError::Query`] with code 62 for a second statement and text that is not UTF-8, 48 for INTO OUTFILE and
/// FROM INFILE.
pub fn analyse(text: &[u8]) -> Result<Statement, EngineError> {
    let mut lexer = Lexer::new(text);
    let Some(first) = lexer.next_significant() else {
        return Ok(Statement::Empty);
    };
    if first.is_word(text, "INSERT")
        && let Some(statement) = analyse_insert(text, &mut lexer)?
    {
        return Ok(statement);
    }
    analyse_whole(text)
}

/// None when the INSERT takes its rows from a SELECT.
fn analyse_insert(text: &[u8], lexer: &mut Lexer<'_>) -> Result<Option<Statement>, EngineError> {
    let Some(mut token) = lexer.next_significant() else {
        return Ok(None);
    };
    if token.is_word(text, "INTO") {
        match lexer.next_significant() {
            Some(next) => token = next,
            None => return Ok(None),
        }
    }
    if token.is_word(text, "TABLE") || token.is_word(text, "FUNCTION") {
        match lexer.next_significant() {
            Some(next) => token = next,
            None => return Ok(None),
        }
    }
    // `token` is the first part of the name now: whatever word it is, it is not a keyword.
    let mut end = token.end;
    let mut depth = 0_usize;
    let mut opened = false;
    while let Some(token) = lexer.next_significant() {
        let just_opened = std::mem::take(&mut opened);
        match token.kind {
            TokenKind::Open => {
                depth += 1;
                opened = true;
            }
            TokenKind::Close => depth = depth.saturating_sub(1),
            TokenKind::Dot => {
                // The word after a dot is a part of the name.
                end = token.end;
                if let Some(part) = lexer.next_significant() {
                    end = part.end;
                }
                continue;
            }
            TokenKind::Semicolon => break,
            _ if just_opened && starts_query(text, token) => return Ok(None),
            _ if depth > 0 => {}
            _ if starts_query(text, token) => return Ok(None),
            _ if token.is_word(text, "FROM") => return Err(files_refused("FROM INFILE")),
            _ if token.is_word(text, "VALUES") => {
                return insert_data(text, end, Some("Values".to_owned()), token.end).map(Some);
            }
            _ if token.is_word(text, "FORMAT") => {
                let Some(name) = lexer.next_significant() else {
                    break;
                };
                let format = utf8(&text[name.start..name.end])?.to_owned();
                let data_at = if format == "Values" {
                    name.end
                } else {
                    skip_to_data(text, name.end)?
                };
                return insert_data(text, end, Some(format), data_at).map(Some);
            }
            _ => {}
        }
        end = token.end;
    }
    insert_data(text, end, None, text.len()).map(Some)
}

fn insert_data(
    text: &[u8],
    end: usize,
    format: Option<String>,
    data_at: usize,
) -> Result<Statement, EngineError> {
    Ok(Statement::InsertData {
        sql: utf8(&text[..end])?.to_owned(),
        format,
        data_at,
    })
}

/// Data starts after the first newline after the format's name, or after the blanks (ParserInsertQuery).
fn skip_to_data(text: &[u8], mut at: usize) -> Result<usize, EngineError> {
    if text.get(at) == Some(&b';') {
        return Err(syntax(
            "a semicolon stands between FORMAT and the data of the INSERT",
        ));
    }
    while matches!(text.get(at), Some(b' ' | b'\t' | 0x0c)) {
        at += 1;
    }
    if text.get(at) == Some(&b'\r') {
        at += 1;
    }
    if text.get(at) == Some(&b'\n') {
        at += 1;
    }
    Ok(at)
}

fn starts_query(text: &[u8], token: Token) -> bool {
    ["SELECT", "WITH", "EXPLAIN", "WATCH"]
        .iter()
        .any(|word| token.is_word(text, word))
}

fn analyse_whole(text: &[u8]) -> Result<Statement, EngineError> {
    let mut lexer = Lexer::new(text);
    let mut depth = 0_usize;
    let mut first_word = None;
    let mut end = 0;
    let mut closed = false;
    // The last FORMAT at the top level and whether its name has been seen; anything but SETTINGS after it
    // shows that it was no clause.
    let mut format: Option<Option<Token>> = None;
    let mut in_settings = false;
    let mut previous: Option<Token> = None;
    while let Some(token) = lexer.next_significant() {
        if closed {
            if token.kind == TokenKind::Semicolon {
                continue;
            }
            return Err(syntax("multi-statements are not allowed"));
        }
        if token.kind == TokenKind::Semicolon && depth == 0 {
            closed = true;
            continue;
        }
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if token.kind == TokenKind::Word && first_word.is_none() {
            first_word = Some(token);
        }
        let after_into = previous.is_some_and(|p: Token| p.is_word(text, "INTO"));
        if after_into && token.is_word(text, "OUTFILE") {
            return Err(files_refused("INTO OUTFILE"));
        }
        format = match format {
            _ if depth == 0 && !in_settings && token.is_word(text, "FORMAT") => Some(None),
            Some(None) if token.kind == TokenKind::Word => Some(Some(token)),
            Some(Some(name)) if in_settings || token.is_word(text, "SETTINGS") => {
                in_settings = true;
                Some(Some(name))
            }
            _ => None,
        };
        end = token.end;
        previous = Some(token);
    }
    let sql = utf8(&text[..end])?.to_owned();
    let format = match format.flatten() {
        Some(name) => Some(utf8(&text[name.start..name.end])?.to_owned()),
        None => None,
    };
    let Some(first_word) = first_word else {
        return Ok(Statement::Other { sql, format });
    };
    let is_select = ["SELECT", "WITH", "FROM"]
        .iter()
        .any(|word| first_word.is_word(text, word));
    Ok(if is_select {
        Statement::Select { sql, format }
    } else {
        Statement::Other { sql, format }
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, EngineError> {
    std::str::from_utf8(bytes).map_err(|_| syntax("the statement is not UTF-8"))
}

fn syntax(message: &str) -> EngineError {
    EngineError::query(code::SYNTAX_ERROR, "SYNTAX_ERROR", message)
}

fn files_refused(clause: &str) -> EngineError {
    let message = format!("{clause} is not supported over HTTP");
    EngineError::query(code::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
