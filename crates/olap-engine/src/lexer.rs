//! ClickHouse SQL cut into tokens, as far as telling statements apart needs it (`src/Parsers/Lexer.cpp`).

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A bare word or number.
    Word,
    /// `'string'`, `"name"`, `` `name` `` or `$tag$heredoc$tag$`.
    Quoted,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// `.`
    Dot,
    /// `;`
    Semicolon,
    /// Any other byte.
    Other,
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    /// Whether this is the given keyword, in any case.
    pub(crate) fn is_word(self, text: &[u8], word: &str) -> bool {
        self.kind == TokenKind::Word && text[self.start..self.end].eq_ignore_ascii_case(word.as_bytes())
    }
}

/// Walks over a text; never fails: what is not closed ends with the text.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The next token that is neither white space nor a comment.
    pub(crate) fn next_significant(&mut self) -> Option<Token> {
        self.skip_blanks_and_comments();
        let start = self.at;
        let byte = *self.text.get(start)?;
        let (kind, end) = match byte {
            b'\'' | b'"' | b'`' => (TokenKind::Quoted, self.quoted_end(start, byte)),
            b'$' => match self.heredoc_end(start) {
                Some(end) => (TokenKind::Quoted, end),
                None => (TokenKind::Word, self.word_end(start)),
            },
            b'(' | b'[' | b'{' => (TokenKind::Open, start + 1),
            b')' | b']' | b'}' => (TokenKind::Close, start + 1),
            b'.' => (TokenKind::Dot, start + 1),
            b';' => (TokenKind::Semicolon, start + 1),
            _ if is_word_byte(byte) => (TokenKind::Word, self.word_end(start)),
            _ => (TokenKind::Other, start + 1),
        };
        self.at = end;
        Some(Token { kind, start, end })
    }

    fn rest(&self, from: usize) -> &'a [u8] {
        &self.text[from.min(self.text.len())..]
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = self.rest(self.at);
            let Some(&byte) = rest.first() else { return };
            if byte.is_ascii_whitespace() || byte == 0x0b {
                self.at += 1;
            } else if rest.starts_with(b"--") || rest.starts_with(b"# ") || rest.starts_with(b"#!") {
                self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                self.at += memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4);
            } else {
                return;
            }
        }
    }

    /// The end of a quoted token: the quote may be doubled or stand after a backslash.
    fn quoted_end(&self, start: usize, quote: u8) -> usize {
        let mut at = start + 1;
        while let Some(found) = memchr::memchr2(quote, b'\\', self.rest(at)) {
            at += found;
            let escaped = self.text[at] == b'\\' || self.text.get(at + 1) == Some(&quote);
            if !escaped {
                return at + 1;
            }
            at += 2;
        }
        self.text.len()
    }

    /// `$tag$ .. $tag$`, where the tag may be empty.
    fn heredoc_end(&self, start: usize) -> Option<usize> {
        let rest = self.rest(start);
        let tag_length = memchr::memchr(b'$', &rest[1..])? + 2;
        let tag = &rest[..tag_length];
        let name = &tag[1..tag_length - 1];
        if !name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            return None;
        }
        let close = memchr::memmem::find(&rest[tag_length..], tag)?;
        Some(start + tag_length + close + tag_length)
    }

    fn word_end(&self, start: usize) -> usize {
        let rest = self.rest(start);
        start
            + rest
                .iter()
                .position(|byte| !is_word_byte(*byte))
                .unwrap_or(rest.len())
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
