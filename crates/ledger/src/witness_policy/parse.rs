//! The line grammar of tlog-policy, strictly.

use std::collections::HashMap;

use super::{
    Group, MAX_POLICY_BYTES, MAX_POLICY_ENTRIES, Member, PolicyLog, PolicyWitness, WitnessPolicy,
    WitnessPolicyError,
};
use crate::codec::parse_u64;
use crate::vkey::VerifierKey;

/// Not a witness or group: the quorum that asks for nothing.
const NONE: &[u8] = b"none";

pub(super) fn parse(text: &[u8]) -> Result<WitnessPolicy, WitnessPolicyError> {
    if text.len() > MAX_POLICY_BYTES {
        return Err(WitnessPolicyError::TooLong(text.len()));
    }
    if text.last().is_some_and(|byte| *byte != b'\n') {
        return Err(WitnessPolicyError::LastLine);
    }
    let mut reader = Reader::default();
    for (position, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let number = position + 1;
        if line
            .iter()
            .any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f)
        {
            return Err(WitnessPolicyError::Character(number));
        }
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let words: Vec<&[u8]> = line.split(is_blank).filter(|word| !word.is_empty()).collect();
        let is_comment = words.first().is_none_or(|word| word.starts_with(b"#"));
        if !is_comment {
            reader.line(number, &words)?;
        }
    }
    let Reader { policy, quorum, .. } = reader;
    let quorum = quorum.ok_or(WitnessPolicyError::Quorum)?;
    let keys = policy
        .witnesses
        .iter()
        .map(|witness| witness.key.clone())
        .collect();
    Ok(WitnessPolicy {
        quorum,
        keys,
        ..policy
    })
}

struct Reader {
    policy: WitnessPolicy,
    /// What each name stands for, and whether a group has it already.
    names: HashMap<Vec<u8>, (Member, bool)>,
    /// The quorum line, once there was one; inside it `None` stands for `none`.
    quorum: Option<Option<Member>>,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader {
            policy: WitnessPolicy {
                logs: Vec::new(),
                witnesses: Vec::new(),
                groups: Vec::new(),
                quorum: None,
                keys: Vec::new(),
            },
            names: HashMap::new(),
            quorum: None,
        }
    }
}

fn fault<T>(line: usize, what: impl Into<String>) -> Result<T, WitnessPolicyError> {
    let what = what.into();
    Err(WitnessPolicyError::Line { line, what })
}

impl Reader {
    fn line(&mut self, number: usize, words: &[&[u8]]) -> Result<(), WitnessPolicyError> {
        match words {
            [b"log", vkey, url @ ..] => self.log(number, vkey, url),
            [b"witness", name, vkey, url @ ..] => self.witness(number, name, vkey, url),
            [b"group", name, threshold, members @ ..] => self.group(number, name, threshold, members),
            [b"quorum", name] => self.quorum(number, name),
            _ => fault(
                number,
                "expected \"log VKEY [URL]\", \"witness NAME VKEY [URL]\", \"group NAME all|any|K NAME...\" or \"quorum NAME\"",
            ),
        }
    }

    fn log(&mut self, number: usize, vkey: &[u8], url: &[&[u8]]) -> Result<(), WitnessPolicyError> {
        let key = key(number, vkey)?;
        if !key.algorithm().is_for_logs() {
            return fault(number, "a key of type 4 is a witness's, not a log's");
        }
        if self
            .policy
            .logs
            .iter()
            .any(|log| log.key.public_key() == key.public_key())
        {
            return fault(number, "the key stands on an earlier log line");
        }
        check_count(number, self.policy.logs.len())?;
        let url = optional_url(number, url)?;
        self.policy.logs.push(PolicyLog { key, url });
        Ok(())
    }

    fn witness(
        &mut self,
        number: usize,
        name: &[u8],
        vkey: &[u8],
        url: &[&[u8]],
    ) -> Result<(), WitnessPolicyError> {
        let key = key(number, vkey)?;
        if !key.algorithm().is_for_witnesses() {
            return fault(
                number,
                "a witness needs a key of type 4 (ed25519 cosignature) or 6 (ml-dsa-44)",
            );
        }
        let witnesses = &self.policy.witnesses;
        if witnesses
            .iter()
            .any(|witness| witness.key.public_key() == key.public_key())
        {
            return fault(number, "the key stands on an earlier witness line");
        }
        check_count(number, witnesses.len())?;
        let url = optional_url(number, url)?;
        self.define(number, name, Member::Witness(witnesses.len()))?;
        self.policy.witnesses.push(PolicyWitness {
            name: name.to_vec(),
            key,
            url,
        });
        Ok(())
    }

    fn group(
        &mut self,
        number: usize,
        name: &[u8],
        threshold: &[u8],
        names: &[&[u8]],
    ) -> Result<(), WitnessPolicyError> {
        check_count(number, self.policy.groups.len())?;
        let threshold = match threshold {
            b"all" => names.len(),
            b"any" => 1,
            decimal => {
                let decimal = std::str::from_utf8(decimal).ok().and_then(parse_u64);
                decimal
                    .and_then(|decimal| usize::try_from(decimal).ok())
                    .unwrap_or(0)
            }
        };
        if names.is_empty() || threshold == 0 || threshold > names.len() {
            let what = "a group needs members, and a threshold \"all\", \"any\" or from 1 to their number";
            return fault(number, what);
        }
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let Some((found, is_in_a_group)) = self.names.get_mut(*member) else {
                return fault(number, format!("{} is defined on no earlier line", shown(member)));
            };
            if std::mem::replace(is_in_a_group, true) {
                return fault(
                    number,
                    format!("{} is a member of a group already", shown(member)),
                );
            }
            members.push(*found);
        }
        self.define(number, name, Member::Group(self.policy.groups.len()))?;
        self.policy.groups.push(Group { threshold, members });
        Ok(())
    }

    fn quorum(&mut self, number: usize, name: &[u8]) -> Result<(), WitnessPolicyError> {
        if self.quorum.is_some() {
            return Err(WitnessPolicyError::Quorum);
        }
        let member = match self.names.get(name) {
            _ if name == NONE => None,
            Some((member, _)) => Some(*member),
            None => return fault(number, format!("{} is defined on no earlier line", shown(name))),
        };
        self.quorum = Some(member);
        Ok(())
    }

    fn define(&mut self, number: usize, name: &[u8], member: Member) -> Result<(), WitnessPolicyError> {
        if name == NONE {
            return fault(
                number,
                "the name none is taken: it is the quorum that asks for nothing",
            );
        }
        if self.names.insert(name.to_vec(), (member, false)).is_some() {
            return fault(number, format!("{} is defined on an earlier line", shown(name)));
        }
        Ok(())
    }
}

fn key(number: usize, vkey: &[u8]) -> Result<VerifierKey, WitnessPolicyError> {
    let Ok(text) = std::str::from_utf8(vkey) else {
        return fault(number, "the verifier key is not UTF-8");
    };
    text.parse()
        .map_err(|source| WitnessPolicyError::Key { line: number, source })
}

fn optional_url(number: usize, words: &[&[u8]]) -> Result<Option<String>, WitnessPolicyError> {
    match words {
        [] => Ok(None),
        [url] => match std::str::from_utf8(url) {
            Ok(url) => Ok(Some(url.to_owned())),
            Err(_) => fault(number, "the URL is not UTF-8"),
        },
        _ => fault(number, "nothing may follow the URL"),
    }
}

fn check_count(number: usize, count: usize) -> Result<(), WitnessPolicyError> {
    if count >= MAX_POLICY_ENTRIES {
        return fault(
            number,
            format!("more than {MAX_POLICY_ENTRIES} lines of this kind"),
        );
    }
    Ok(())
}

fn shown(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}
