//! Mutations that a seed reproduces.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Values at which length and range checks go wrong.
const EDGES: [u64; 10] = [
    0,
    1,
    127,
    255,
    256,
    65_535,
    65_536,
    u32::MAX as u64,
    i64::MAX as u64,
    u64::MAX,
];
/// Texts that parsers of our formats treat specially.
const TOKENS: [&[u8]; 14] = [
    b"\n",
    b"\n\n",
    b" ",
    b"0",
    b"-",
    b"+",
    b"=",
    b"/",
    b"\0",
    b"\r\n",
    b"[[[[",
    b"{\"\":",
    b"1e400",
    b"\xe2\x80\x94 ",
];

/// A source of mutations.
#[derive(Debug)]
pub struct Mutator {
    rng: StdRng,
}

impl Mutator {
    /// The same seed gives the same mutations.
    pub fn new(seed: u64) -> Mutator {
        Mutator {
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            self.rng.random_range(0..bound)
        }
    }

    /// A place and a length that fit `len` bytes.
    pub fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = (len - start).min(if self.below(4) == 0 { len } else { 16 });
        start..start + self.below(longest + 1)
    }

    /// Flips one bit.
    pub fn flip_bit(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.below(bytes.len());
            bytes[at] ^= 1 << self.below(8);
        }
    }

    /// Changes the bytes in one to four of ten ways; `other` is material to splice in.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            self.once(bytes, other);
        }
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let range = self.range(bytes.len());
        match self.below(10) {
            0 | 1 => self.flip_bit(bytes),
            2 => bytes.truncate(range.start),
            3 => drop(bytes.drain(range)),
            4 => {
                let copy = bytes[range.clone()].to_vec();
                insert(bytes, range.start, &copy);
            }
            5 => {
                let token = TOKENS[self.below(TOKENS.len())];
                insert(bytes, range.start, token);
            }
            6 => {
                let edge = EDGES[self.below(EDGES.len())].to_be_bytes();
                let width = [1, 2, 4, 8][self.below(4)];
                overwrite(bytes, range.start, &edge[8 - width..]);
            }
            7 => {
                let piece = &other[self.range(other.len())];
                insert(bytes, range.start, piece);
            }
            8 => {
                let piece = other[self.range(other.len())].to_vec();
                overwrite(bytes, range.start, &piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte = byte.wrapping_add(if self.below(2) == 0 { 1 } else { 255 });
                }
            }
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn overwrite(bytes: &mut [u8], at: usize, piece: &[u8]) {
    for (old, new) in bytes[at..].iter_mut().zip(piece) {
        *old = *new;
    }
}
