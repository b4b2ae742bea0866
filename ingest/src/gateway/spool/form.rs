//! How a segment file looks. No I/O.
//!
//! `AALSPOOL1\n`, then records: length of the payload (u32, big-endian), CRC-32 of the payload (u32), payload. A payload
//! is the length of the Kafka key (u16), the key, and the value.

/// First bytes of a segment.
pub(super) const MAGIC: &[u8] = b"AALSPOOL1\n";
const HEAD_BYTES: usize = 8;
/// Kafka takes no longer record; a longer length is damage.
const MOST_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

/// One event as it goes to Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) records: Vec<Record>,
    /// Where the first record that cannot be read begins, unless all can.
    pub(super) damaged_at: Option<usize>,
}

impl Record {
    /// `None` when it is longer than the form allows.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let key_len = u16::try_from(self.key.len()).ok()?;
        let payload_len = 2 + self.key.len() + self.value.len();
        if payload_len > MOST_PAYLOAD_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + payload_len);
        bytes.extend_from_slice(&(payload_len as u32).to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&key_len.to_be_bytes());
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.value);
        let crc = crc32fast::hash(&bytes[HEAD_BYTES..]);
        bytes[4..HEAD_BYTES].copy_from_slice(&crc.to_be_bytes());
        Some(bytes)
    }
}

/// Reads a file as far as it is whole. A file that ends inside a record was being written when its gateway died.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed {
        records: Vec::new(),
        damaged_at: None,
    };
    if !bytes.starts_with(MAGIC) {
        parsed.damaged_at = Some(0);
        return parsed;
    }
    let mut at = MAGIC.len();
    while at < bytes.len() {
        match one(&bytes[at..]) {
            Some((record, length)) => {
                parsed.records.push(record);
                at += length;
            }
            None => {
                parsed.damaged_at = Some(at);
                return parsed;
            }
        }
    }
    parsed
}

fn one(bytes: &[u8]) -> Option<(Record, usize)> {
    let number = |range: std::ops::Range<usize>| Some(u32::from_be_bytes(bytes.get(range)?.try_into().ok()?));
    let payload_len = usize::try_from(number(0..4)?).ok()?;
    let crc = number(4..HEAD_BYTES)?;
    let end = HEAD_BYTES.checked_add(payload_len)?;
    if !(2..=MOST_PAYLOAD_BYTES).contains(&payload_len) {
        return None;
    }
    let payload = bytes.get(HEAD_BYTES..end)?;
    if crc32fast::hash(payload) != crc {
        return None;
    }
    let key_len = usize::from(u16::from_be_bytes([payload[0], payload[1]]));
    let rest = &payload[2..];
    let (key, value) = rest.split_at_checked(key_len)?;
    let record = Record {
        key: key.to_vec(),
        value: value.to_vec(),
    };
    Some((record, end))
}
