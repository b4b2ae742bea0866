//! Addresses of crypto-currencies.

use sha2::{Digest, Sha256};

use super::keccak::keccak_256;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Base58Check address of Bitcoin, Litecoin, Dogecoin, Dash, Tron and relatives: 25 bytes with a known version.
pub(crate) fn base58check(text: &[u8]) -> bool {
    if !(25..=36).contains(&text.len()) {
        return false;
    }
    let mut bytes = [0_u8; 25];
    for character in text {
        let Some(value) = BASE58.iter().position(|known| known == character) else {
            return false;
        };
        let mut carry = value as u32;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, checksum) = bytes.split_at(21);
    let digest = Sha256::digest(Sha256::digest(payload));
    // Bitcoin 0 and 5, Litecoin 48 and 50, Dogecoin 30 and 22, Dash 76 and 16, Tron 65, test networks 111 and 196.
    matches!(payload[0], 0 | 5 | 16 | 22 | 30 | 48 | 50 | 65 | 76 | 111 | 196) && digest[..4] == *checksum
}

/// Bech32 (BIP 173) or Bech32m (BIP 350) address with a known prefix, in one case.
pub(crate) fn bech32(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let mixed = text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    if mixed || text.len() > 108 {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let Some(separator) = lower.iter().rposition(|byte| *byte == b'1') else {
        return false;
    };
    let (prefix, data) = (&lower[..separator], &lower[separator + 1..]);
    if !matches!(prefix, b"bc" | b"tb" | b"bcrt" | b"ltc" | b"addr" | b"cosmos") || data.len() < 14 {
        return false;
    }
    let mut checksum = 1_u32;
    let mut step = |value: u32| {
        let top = checksum >> 25;
        checksum = (checksum & 0x01FF_FFFF) << 5 ^ value;
        for (index, generator) in GENERATOR.iter().enumerate() {
            if top >> index & 1 == 1 {
                checksum ^= generator;
            }
        }
    };
    prefix.iter().for_each(|byte| step(u32::from(byte >> 5)));
    step(0);
    prefix.iter().for_each(|byte| step(u32::from(byte & 31)));
    for byte in data {
        let Some(value) = ALPHABET.iter().position(|known| known == byte) else {
            return false;
        };
        step(value as u32);
    }
    matches!(checksum, 1 | 0x2BC8_30A3)
}

/// What is known of a `0x` address of 40 hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ethereum {
    /// Mixed case and the EIP-55 checksum holds.
    Checksummed,
    /// One case only: no checksum to check.
    Plain,
    /// Mixed case that is not the checksum.
    Wrong,
}

/// Judges the 40 hexadecimal digits after `0x`.
pub(crate) fn ethereum(hex: &[u8]) -> Ethereum {
    let upper = hex.iter().any(u8::is_ascii_uppercase);
    let lower = hex.iter().any(u8::is_ascii_lowercase);
    if !(upper && lower) {
        return Ethereum::Plain;
    }
    let digest = keccak_256(&hex.to_ascii_lowercase());
    let agrees = hex.iter().enumerate().all(|(index, byte)| {
        let nibble = digest[index / 2] >> (4 * (1 - index % 2)) & 15;
        byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble >= 8)
    });
    if agrees {
        Ethereum::Checksummed
    } else {
        Ethereum::Wrong
    }
}
