//! Compressed bodies in the clear, for the event only; bounded, because a few kilobytes can decompress to gigabytes.

use std::io::{self, Read};

const BUFFER_BYTES: usize = 16 * 1024;
/// More codings one upon the other than anybody uses.
const MOST_CODINGS: usize = 3;

/// A decoded body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// The limit was reached, or the compressed data broke off or is damaged.
    pub(crate) is_partial: bool,
}

/// Undoes `Content-Encoding`. `None` when there is nothing to undo or a coding is not known: the body stays as it is.
pub(crate) fn decode(bytes: &[u8], encoding: &str, limit_bytes: usize) -> Option<Decoded> {
    let codings: Vec<String> = encoding
        .split(',')
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    if codings.is_empty() || codings.len() > MOST_CODINGS || bytes.is_empty() {
        return None;
    }
    let mut decoded = Decoded {
        bytes: bytes.to_vec(),
        is_partial: false,
    };
    // Listed in the order in which they were applied (RFC 9110, section 8.4).
    for coding in codings.iter().rev() {
        let step = undo(&decoded.bytes, coding, limit_bytes)?;
        decoded = Decoded {
            is_partial: decoded.is_partial || step.is_partial,
            ..step
        };
    }
    Some(decoded)
}

fn undo(bytes: &[u8], coding: &str, limit_bytes: usize) -> Option<Decoded> {
    match coding {
        "gzip" | "x-gzip" => Some(read(flate2::read::MultiGzDecoder::new(bytes), limit_bytes)),
        // Some servers send the raw form where the specification wants a zlib header (RFC 9110, section 8.4.1.2).
        "deflate" if is_zlib(bytes) => Some(read(flate2::read::ZlibDecoder::new(bytes), limit_bytes)),
        "deflate" => Some(read(flate2::read::DeflateDecoder::new(bytes), limit_bytes)),
        "br" => Some(read(
            brotli_decompressor::Decompressor::new(bytes, BUFFER_BYTES),
            limit_bytes,
        )),
        "zstd" => Some(read(
            zstd::stream::read::Decoder::with_buffer(bytes).ok()?,
            limit_bytes,
        )),
        _ => None,
    }
}

fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..] if method & 0x0F == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

fn read(mut decoder: impl Read, limit_bytes: usize) -> Decoded {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => {
                return Decoded {
                    bytes,
                    is_partial: false,
                };
            }
            Ok(count) => {
                let room = limit_bytes - bytes.len();
                bytes.extend_from_slice(&buffer[..count.min(room)]);
                if count > room {
                    return Decoded {
                        bytes,
                        is_partial: true,
                    };
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                return Decoded {
                    bytes,
                    is_partial: true,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"data: {\"text\":\"hello hello hello hello\"}\n\n";
    /// [`TEXT`], compressed by the reference implementation of Brotli.
    const BROTLI: &str =
        "1b2900f89d07b62df28d3cb18876b9588b28b0bdcd32b4bdd2e96b10111d36298a20fae40116a050627fe41d5c";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        raw.write_all(TEXT).unwrap();
        let zstd = zstd::stream::encode_all(TEXT, 1).unwrap();
        let twice = gzip(&zstd);
        let cases: [(&str, Vec<u8>); 5] = [
            ("gzip", gzip(TEXT)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("zstd", zstd),
            ("zstd, GZIP", twice),
        ];
        for (encoding, bytes) in cases {
            let decoded = decode(&bytes, encoding, 1_000).unwrap();
            assert_eq!(
                (decoded.bytes, decoded.is_partial),
                (TEXT.to_vec(), false),
                "{encoding}"
            );
        }
    }

    #[test]
    fn a_stream_that_broke_off_gives_what_arrived() {
        let mut noise = 1_u32;
        let long: Vec<u8> = (0..40_000)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8 % 64
            })
            .collect();
        let whole = gzip(&long);
        let decoded = decode(&whole[..whole.len() / 2], "gzip", 100_000).unwrap();
        assert!(decoded.is_partial && long.starts_with(&decoded.bytes));
        assert!(decoded.bytes.len() > 10_000, "{}", decoded.bytes.len());
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        let decoded = decode(&bomb, "gzip", 65_536).unwrap();
        assert_eq!((decoded.bytes.len(), decoded.is_partial), (65_536, true));
    }

    #[test]
    fn unknown_codings_leave_the_body_alone() {
        assert_eq!(decode(TEXT, "identity", 100), None);
        assert_eq!(decode(TEXT, "compress", 100), None);
        assert_eq!(decode(TEXT, "gzip,gzip,gzip,gzip", 100), None);
        assert!(
            decode(TEXT, "gzip", 100).unwrap().is_partial,
            "damaged, not a panic"
        );
    }

    #[test]
    fn brotli_from_elsewhere_is_read() {
        let bytes = hex::decode(BROTLI).unwrap();
        let decoded = decode(&bytes, "br", 1_000).unwrap();
        assert_eq!((decoded.bytes, decoded.is_partial), (TEXT.to_vec(), false));
    }
}
