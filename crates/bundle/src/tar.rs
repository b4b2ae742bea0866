//! The one ustar header of a name and a size, docs/evidence-bundle.md section 1.

/// Bytes of a header, and the unit that data is padded to.
pub(crate) const BLOCK: usize = 512;
/// Zero bytes at the end of the archive.
pub(crate) const END: usize = 1_024;
const MAX_NAME: usize = 100;
/// Largest size that 11 octal digits hold.
const MAX_SIZE: u64 = 0o77_777_777_777;

/// The header; `None` when the name or size does not fit.
pub(crate) fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    if name.is_empty() || name.len() > MAX_NAME || size > MAX_SIZE {
        return None;
    }
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644");
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000");
    put(337, b"0000000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(header)
}

/// Name and size of a header that is exactly the one [`header`] makes of them.
pub(crate) fn parse(bytes: &[u8; BLOCK]) -> Option<(String, u64)> {
    let name_len = bytes[..MAX_NAME]
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(MAX_NAME);
    let name = std::str::from_utf8(&bytes[..name_len]).ok()?;
    let digits = std::str::from_utf8(&bytes[124..135]).ok()?;
    let size = u64::from_str_radix(digits, 8).ok()?;
    (header(name, size)? == *bytes).then(|| (name.to_owned(), size))
}

/// Zero bytes after data of that size.
pub(crate) fn padding(size: u64) -> usize {
    let rest = (size % BLOCK as u64) as usize;
    (BLOCK - rest) % BLOCK
}
