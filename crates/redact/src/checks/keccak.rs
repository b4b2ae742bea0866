//! Keccak-256 as Ethereum uses it (the padding before FIPS 202), for the checksum of EIP-55 addresses.

const ROUND_CONSTANTS: [u64; 24] = [
    0x0000000000000001,
    0x0000000000008082,
    0x800000000000808A,
    0x8000000080008000,
    0x000000000000808B,
    0x0000000080000001,
    0x8000000080008081,
    0x8000000000008009,
    0x000000000000008A,
    0x0000000000000088,
    0x0000000080008009,
    0x000000008000000A,
    0x000000008000808B,
    0x800000000000008B,
    0x8000000000008089,
    0x8000000000008003,
    0x8000000000008002,
    0x8000000000000080,
    0x000000000000800A,
    0x800000008000000A,
    0x8000000080008081,
    0x8000000000008080,
    0x0000000080000001,
    0x8000000080008008,
];
const ROTATIONS: [u32; 24] = [
    1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
];
const LANES: [usize; 24] = [
    10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
];
const RATE: usize = 136;

/// Keccak-256 of at most 135 bytes (one block), which an address is; longer input is cut.
pub(crate) fn keccak_256(message: &[u8]) -> [u8; 32] {
    let length = message.len().min(RATE - 1);
    let mut block = [0_u8; RATE];
    block[..length].copy_from_slice(&message[..length]);
    block[length] ^= 0x01;
    block[RATE - 1] ^= 0x80;

    let mut state = [0_u64; 25];
    for (lane, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    permute(&mut state);

    let mut digest = [0_u8; 32];
    for (bytes, lane) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = lane.to_le_bytes();
    }
    digest
}

/// Keccak-f[1600].
fn permute(state: &mut [u64; 25]) {
    for constant in ROUND_CONSTANTS {
        let mut parity = [0_u64; 5];
        for column in 0..5 {
            parity[column] = (0..5).fold(0, |sum, row| sum ^ state[column + 5 * row]);
        }
        for column in 0..5 {
            let mask = parity[(column + 4) % 5] ^ parity[(column + 1) % 5].rotate_left(1);
            for row in 0..5 {
                state[column + 5 * row] ^= mask;
            }
        }
        let mut carried = state[1];
        for (lane, rotation) in LANES.into_iter().zip(ROTATIONS) {
            let next = state[lane];
            state[lane] = carried.rotate_left(rotation);
            carried = next;
        }
        for row in state.as_chunks_mut::<5>().0 {
            let before = *row;
            for column in 0..5 {
                row[column] = before[column] ^ (!before[(column + 1) % 5] & before[(column + 2) % 5]);
            }
        }
        state[0] ^= constant;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn digest_of_nothing_is_ethereums() {
        let digest: String = super::keccak_256(b"")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest,
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        );
    }
}
