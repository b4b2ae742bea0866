//! ClickHouse's compressed blocks: `compress=1` on answers, `decompress=1` on request bodies.
//!
//! A block is a 16-byte checksum (CityHash 1.0.2, 128 bits) over what follows, a method byte, the block's size
//! with this 9-byte header, the size of the data, both u32 little endian, and the data.
//! <https://clickhouse.com/docs/native-protocol/compression>

use crate::error::{EngineError, code};
use bytes::{Buf, Bytes, BytesMut};

const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;

/// The largest block accepted, compressed or not. Clients send 256 KiB to 1 MiB; a row larger than that makes
/// a block of its own.
pub const MAX_BLOCK_BYTES: usize = 256 << 20;
/// How much data one block of an answer holds.
const ANSWER_BLOCK_BYTES: usize = 1 << 20;

/// Compresses `data` into as many blocks as it needs; nothing for no data.
pub fn encode(data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() / 2);
    for piece in data.chunks(ANSWER_BLOCK_BYTES) {
        let start = out.len();
        let worst = lz4_flex::block::get_maximum_output_size(piece.len());
        out.resize(start + CHECKSUM_BYTES + HEADER_BYTES + worst, 0);
        let body = &mut out[start + CHECKSUM_BYTES + HEADER_BYTES..];
        // The buffer has the size that the library asks for, the only thing that can fail.
        let written = lz4_flex::block::compress_into(piece, body).unwrap_or(0);
        let end = start + CHECKSUM_BYTES + HEADER_BYTES + written;
        out.truncate(end);
        let header = &mut out[start + CHECKSUM_BYTES..];
        header[0] = METHOD_LZ4;
        // Both sizes are near 1 MiB at most.
        header[1..5].copy_from_slice(&((HEADER_BYTES + written) as u32).to_le_bytes());
        header[5..9].copy_from_slice(&(piece.len() as u32).to_le_bytes());
        let checksum = checksum(&out[start + CHECKSUM_BYTES..]);
        out[start..start + CHECKSUM_BYTES].copy_from_slice(&checksum);
    }
    Bytes::from(out)
}

/// CityHash's two halves the way ClickHouse writes them: the low half first.
fn checksum(data: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_rs::cityhash_102_128(data).rotate_right(64).to_le_bytes()
}

/// Takes bytes as they arrive and gives back the data of each complete block.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: BytesMut,
}

impl Decoder {
    /// Adds bytes as they came from the network.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The data of the next complete block, or none until more bytes come.
    ///
    /// # Errors
    /// [`EngineError::Query`] for a wrong checksum, an unknown method, sizes that cannot be, or broken LZ4.
    pub fn next_block(&mut self) -> Result<Option<Bytes>, EngineError> {
        let Some(header) = self.pending.get(CHECKSUM_BYTES..CHECKSUM_BYTES + HEADER_BYTES) else {
            return Ok(None);
        };
        let method = header[0];
        let framed_bytes = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
        let data_bytes = u32::from_le_bytes([header[5], header[6], header[7], header[8]]) as usize;
        if !(HEADER_BYTES..=MAX_BLOCK_BYTES).contains(&framed_bytes) || data_bytes > MAX_BLOCK_BYTES {
            let message =
                format!("a compressed block of {framed_bytes} bytes for {data_bytes} bytes of data");
            return Err(EngineError::query(
                code::CANNOT_DECOMPRESS,
                "CANNOT_DECOMPRESS",
                message,
            ));
        }
        if self.pending.len() < CHECKSUM_BYTES + framed_bytes {
            return Ok(None);
        }
        let block = self.pending.split_to(CHECKSUM_BYTES + framed_bytes).freeze();
        if checksum(&block[CHECKSUM_BYTES..]) != block[..CHECKSUM_BYTES] {
            let message = "the checksum of a compressed block does not match";
            return Err(EngineError::query(
                code::CHECKSUM_DOESNT_MATCH,
                "CHECKSUM_DOESNT_MATCH",
                message,
            ));
        }
        let mut body = block;
        body.advance(CHECKSUM_BYTES + HEADER_BYTES);
        let data = match method {
            METHOD_LZ4 => Bytes::from(
                lz4_flex::block::decompress(&body, data_bytes)
                    .map_err(|e| EngineError::query(code::CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS", e))?,
            ),
            METHOD_NONE => body,
            _ => {
                let message =
                    format!("compression method 0x{method:02x}; LZ4 is the one that is understood here");
                return Err(EngineError::query(432, "UNKNOWN_CODEC", message));
            }
        };
        if data.len() != data_bytes {
            let message = format!("a block promised {data_bytes} bytes and held {}", data.len());
            return Err(EngineError::query(
                code::CANNOT_DECOMPRESS,
                "CANNOT_DECOMPRESS",
                message,
            ));
        }
        Ok(Some(data))
    }

    /// Whether the body may end here.
    ///
    /// # Errors
    /// [`EngineError::Query`] when it ends within a block.
    pub fn finish(&self) -> Result<(), EngineError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let message = "the body ends within a compressed block";
        Err(EngineError::query(
            code::CANNOT_DECOMPRESS,
            "CANNOT_DECOMPRESS",
            message,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8], step: usize) -> Result<Vec<u8>, EngineError> {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            decoder.push(piece);
            while let Some(data) = decoder.next_block()? {
                out.extend_from_slice(&data);
            }
        }
        decoder.finish().map(|()| out)
    }

    /// A block made by the `clickhouse` crate (its own test has the same bytes).
    #[test]
    fn a_foreign_block_is_read_and_made_alike() {
        let data = [
            1, 0, 2, 255, 255, 255, 255, 0, 1, 1, 1, 115, 6, 83, 116, 114, 105, 110, 103, 3, 97, 98, 99,
        ];
        let block = [
            245, 5, 222, 235, 225, 158, 59, 108, 225, 31, 65, 215, 66, 66, 36, 92, 130, 34, 0, 0, 0, 23, 0,
            0, 0, 240, 8, 1, 0, 2, 255, 255, 255, 255, 0, 1, 1, 1, 115, 6, 83, 116, 114, 105, 110, 103, 3,
            97, 98, 99,
        ];
        assert_eq!(decode(&block, 7).unwrap(), data);
        assert_eq!(encode(&data), &block[..]);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let block = encode(b"some data that is compressed");
        for at in 0..block.len() {
            let mut broken = block.to_vec();
            broken[at] ^= 1;
            assert!(decode(&broken, broken.len()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn an_unfinished_block_is_an_error() {
        let block = encode(b"data");
        assert_eq!(decode(&block[..block.len() - 1], 3).unwrap_err().code(), 271);
    }

    #[test]
    fn a_large_piece_becomes_several_blocks() {
        let data: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        assert_eq!(decode(&encode(&data), 65_536).unwrap(), data);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(data in proptest::collection::vec(any::<u8>(), 0..5000), step in 1_usize..700) {
            prop_assert_eq!(decode(&encode(&data), step).unwrap(), data);
        }

        #[test]
        fn any_bytes_are_decoded_without_a_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&data, 50);
        }
    }
}
