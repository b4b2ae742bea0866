//! Reading the archive forward, once (docs/evidence-bundle.md section 1).

use std::io::{self, Read};

use crate::error::{FormError, ReadError};
use crate::limits::MAX_MEMBERS;
use crate::member::MemberKind;
use crate::tar;

/// A member whose data comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub kind: MemberKind,
    /// In bytes, within the kind's limit.
    pub size: u64,
}

/// An archive that is being read. Names, order and sizes are checked as they come; memory is that of one member.
#[derive(Debug)]
pub struct Archive<R> {
    input: R,
    /// Bytes read so far.
    at: u64,
    previous: Option<MemberKind>,
    members: usize,
}

impl<R: Read> Archive<R> {
    /// An archive at its beginning.
    pub fn new(input: R) -> Archive<R> {
        Archive {
            input,
            at: 0,
            previous: None,
            members: 0,
        }
    }

    /// The next member, whose data must be read before the one after; `None` after the archive's end, when nothing
    /// follows it.
    ///
    /// # Errors
    /// On anything that is not the one form; [`FormError::Empty`] and [`FormError::NoBundle`] only at the beginning.
    pub fn next_member(&mut self) -> Result<Option<Member>, ReadError> {
        let mut header = [0; tar::BLOCK];
        let start = self.at;
        let read = fill(&mut self.input, &mut header)?;
        self.at += read as u64;
        if start == 0 {
            return self.first_member(&header, read).map(Some);
        }
        if read < tar::BLOCK {
            return Err(self.truncated().into());
        }
        if header == [0; tar::BLOCK] {
            return self.end().map(|()| None);
        }
        let (name, size) = tar::parse(&header).ok_or(FormError::Header(start))?;
        let kind = MemberKind::parse(&name).ok_or(FormError::Name(name))?;
        self.accept(kind, size).map(Some)
    }

    fn first_member(&mut self, header: &[u8; tar::BLOCK], read: usize) -> Result<Member, ReadError> {
        if read == 0 {
            return Err(FormError::Empty.into());
        }
        // A header cut within its last zeros would look whole.
        if read < tar::BLOCK {
            return Err(FormError::NoBundle.into());
        }
        let parsed = tar::parse(header).filter(|(name, size)| {
            *name == MemberKind::Scope.name() && *size <= MemberKind::Scope.max_size()
        });
        let (_, size) = parsed.ok_or(FormError::NoBundle)?;
        self.accept(MemberKind::Scope, size)
    }

    fn accept(&mut self, kind: MemberKind, size: u64) -> Result<Member, ReadError> {
        if !kind.may_follow(self.previous) {
            let after = self
                .previous
                .map_or_else(|| "the beginning".to_owned(), MemberKind::name);
            let found = kind.name();
            return Err(FormError::Order { after, found }.into());
        }
        if size > kind.max_size() {
            let (name, max) = (kind.name(), kind.max_size());
            return Err(FormError::TooLong { name, size, max }.into());
        }
        self.members += 1;
        if self.members > MAX_MEMBERS {
            return Err(FormError::TooManyMembers(MAX_MEMBERS).into());
        }
        self.previous = Some(kind);
        Ok(Member { kind, size })
    }

    /// All data of the member. Memory grows with what is really there, not with what the header claims.
    ///
    /// # Errors
    /// When the data or its padding is cut off, or the padding is not zeros.
    pub fn data(&mut self, member: Member) -> Result<Vec<u8>, ReadError> {
        let mut data = Vec::new();
        let read = self.input.by_ref().take(member.size).read_to_end(&mut data)?;
        self.at += read as u64;
        if (read as u64) < member.size {
            return Err(self.truncated().into());
        }
        self.padding(member)?;
        Ok(data)
    }

    /// Hands the member's data over piece by piece.
    ///
    /// # Errors
    /// As [`Archive::data`].
    pub fn pieces(&mut self, member: Member, mut take: impl FnMut(&[u8])) -> Result<(), ReadError> {
        let mut buffer = [0; 65_536];
        let mut left = member.size;
        while left > 0 {
            let wanted = left.min(buffer.len() as u64) as usize;
            let read = fill(&mut self.input, &mut buffer[..wanted])?;
            self.at += read as u64;
            if read < wanted {
                return Err(self.truncated().into());
            }
            take(&buffer[..read]);
            left -= read as u64;
        }
        self.padding(member)
    }

    fn padding(&mut self, member: Member) -> Result<(), ReadError> {
        let mut padding = [0; tar::BLOCK];
        let padding = &mut padding[..tar::padding(member.size)];
        let read = fill(&mut self.input, padding)?;
        self.at += read as u64;
        if read < padding.len() {
            return Err(self.truncated().into());
        }
        if padding.iter().any(|byte| *byte != 0) {
            return Err(FormError::Padding(member.kind.name()).into());
        }
        Ok(())
    }

    /// The second half of the end, and nothing after it.
    fn end(&mut self) -> Result<(), ReadError> {
        let last = self.previous.map_or_else(String::new, MemberKind::name);
        if self.previous != Some(MemberKind::Manifest) {
            return Err(FormError::Unfinished(last).into());
        }
        let mut rest = [0; tar::END - tar::BLOCK];
        let read = fill(&mut self.input, &mut rest)?;
        if read < rest.len() || rest.iter().any(|byte| *byte != 0) {
            return Err(FormError::End.into());
        }
        let mut more = [0; 4_096];
        let read = fill(&mut self.input, &mut more)?;
        if read > 0 {
            return Err(FormError::TrailingBytes(read).into());
        }
        Ok(())
    }

    fn truncated(&self) -> FormError {
        FormError::Truncated(
            self.previous
                .map_or_else(|| "its beginning".to_owned(), MemberKind::name),
        )
    }
}

/// Fills the buffer as far as the input goes.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
