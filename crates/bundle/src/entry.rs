//! Record entries, docs/evidence-bundle.md section 4.

use crate::limits::MAX_PART;

/// One record to be written.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Whether it matches the filter and the period.
    pub is_match: bool,
    pub leaf: &'a [u8],
    pub header: &'a [u8],
    /// Ascending by slot.
    pub openings: Vec<Opening<'a>>,
    /// Ascending by slot.
    pub ciphertexts: Vec<Sealed<'a>>,
}

/// A template slot's text with the salt of its commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    pub slot: u16,
    pub salt: &'a [u8; 32],
    pub text: &'a [u8],
}

/// A sealed slot's ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed<'a> {
    pub slot: u16,
    pub ciphertext: &'a [u8],
}

/// One record read in place; its form is right.
#[derive(Clone, Copy, Debug)]
pub struct EntryView<'a> {
    pub is_match: bool,
    pub leaf: &'a [u8],
    pub header: &'a [u8],
    opening_count: u16,
    openings: &'a [u8],
    ciphertext_count: u16,
    ciphertexts: &'a [u8],
}

impl Entry<'_> {
    /// Appends the entry's bytes.
    ///
    /// # Errors
    /// Says what is too long or out of order.
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.push(u8::from(self.is_match));
        let leaf_len = u16::try_from(self.leaf.len()).map_err(|_| "leaf is too long")?;
        out.extend_from_slice(&leaf_len.to_be_bytes());
        out.extend_from_slice(self.leaf);
        put_long(self.header, out)?;
        put_count(self.openings.iter().map(|opening| opening.slot), out)?;
        for opening in &self.openings {
            out.extend_from_slice(&opening.slot.to_be_bytes());
            out.extend_from_slice(opening.salt);
            put_long(opening.text, out)?;
        }
        put_count(self.ciphertexts.iter().map(|sealed| sealed.slot), out)?;
        for sealed in &self.ciphertexts {
            out.extend_from_slice(&sealed.slot.to_be_bytes());
            put_long(sealed.ciphertext, out)?;
        }
        let len = out.len() - start;
        if len as u64 > MAX_PART {
            return Err("entry is longer than 67108864 bytes");
        }
        out[start..start + 4].copy_from_slice(&(len as u32 - 4).to_be_bytes());
        Ok(())
    }
}

fn put_long(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let len = u32::try_from(bytes.len()).map_err(|_| "a text is too long")?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_count(
    slots: impl ExactSizeIterator<Item = u16> + Clone,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let count = u16::try_from(slots.len()).map_err(|_| "too many slots")?;
    if !slots
        .clone()
        .zip(slots.skip(1))
        .all(|(before, after)| before < after)
    {
        return Err("slots do not ascend");
    }
    out.extend_from_slice(&count.to_be_bytes());
    Ok(())
}

impl<'a> EntryView<'a> {
    /// The first entry of these bytes, and the bytes behind it.
    ///
    /// # Errors
    /// Says what is not of the form. Costs no more than the entry's length.
    pub fn split(bytes: &'a [u8]) -> Result<(EntryView<'a>, &'a [u8]), &'static str> {
        let mut outer = Cursor(bytes);
        let len = outer.u32().ok_or("its length is cut off")?;
        if u64::from(len) + 4 > MAX_PART {
            return Err("it is longer than 67108864 bytes");
        }
        let inner = outer.take(len as usize).ok_or("it is cut off")?;
        let mut cursor = Cursor(inner);
        let view = Self::read(&mut cursor).ok_or("a part of it is cut off")??;
        if !cursor.0.is_empty() {
            return Err("bytes follow its last part");
        }
        Ok((view, outer.0))
    }

    /// `None`: cut off.
    fn read(cursor: &mut Cursor<'a>) -> Option<Result<EntryView<'a>, &'static str>> {
        let is_match = match cursor.take(1)?[0] {
            0 => false,
            1 => true,
            _ => return Some(Err("its flags are neither 0 nor 1")),
        };
        let leaf_len = cursor.u16()?;
        let leaf = cursor.take(usize::from(leaf_len))?;
        let header = cursor.long()?;
        let opening_count = cursor.u16()?;
        let from = cursor.0;
        let are_openings_in_order = cursor.skip_slots(opening_count, 32)?;
        let openings = &from[..from.len() - cursor.0.len()];
        let ciphertext_count = cursor.u16()?;
        let from = cursor.0;
        let are_ciphertexts_in_order = cursor.skip_slots(ciphertext_count, 0)?;
        let ciphertexts = &from[..from.len() - cursor.0.len()];
        if !are_openings_in_order || !are_ciphertexts_in_order {
            return Some(Err("its slots do not ascend"));
        }
        Some(Ok(EntryView {
            is_match,
            leaf,
            header,
            opening_count,
            openings,
            ciphertext_count,
            ciphertexts,
        }))
    }

    /// Openings, ascending by slot.
    pub fn openings(&self) -> impl Iterator<Item = Opening<'a>> + use<'a> {
        let mut cursor = Cursor(self.openings);
        // The form was checked, so reading again does not end early.
        (0..self.opening_count).map_while(move |_| {
            let slot = cursor.u16()?;
            let salt = cursor.take(32)?.try_into().ok()?;
            let text = cursor.long()?;
            Some(Opening { slot, salt, text })
        })
    }

    /// Ciphertexts, ascending by slot.
    pub fn ciphertexts(&self) -> impl Iterator<Item = Sealed<'a>> + use<'a> {
        let mut cursor = Cursor(self.ciphertexts);
        (0..self.ciphertext_count).map_while(move |_| {
            let slot = cursor.u16()?;
            let ciphertext = cursor.long()?;
            Some(Sealed { slot, ciphertext })
        })
    }

    /// Numbers of openings and ciphertexts.
    pub fn slot_counts(&self) -> (u16, u16) {
        (self.opening_count, self.ciphertext_count)
    }
}

/// Big-endian pieces from the front of a slice; `None` when it is too short.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Bytes behind their 32-bit length.
    pub(crate) fn long(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    /// Steps over slots with so many bytes between number and length; false when they do not ascend.
    fn skip_slots(&mut self, count: u16, between: usize) -> Option<bool> {
        let mut previous = None;
        let mut is_in_order = true;
        for _ in 0..count {
            let slot = self.u16()?;
            is_in_order &= previous.is_none_or(|previous| previous < slot);
            previous = Some(slot);
            self.take(between)?;
            self.long()?;
        }
        Some(is_in_order)
    }
}
