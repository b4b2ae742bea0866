//! Passwords in the arguments of commands: `curl -u user:password`, `sshpass -p password`.

use super::placeholder::is_placeholder;
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;

/// Bytes of a command line that are read.
const MAX_LINE: usize = 512;
const SHORTEST: usize = 4;

struct Command {
    name: &'static [u8],
    options: &'static [&'static [u8]],
    /// Whether the password stands behind a user's name and a colon.
    has_user: bool,
}

const COMMANDS: [Command; 2] = [
    Command {
        name: b"curl ",
        options: &[b" -u ", b" --user ", b" -u"],
        has_user: true,
    },
    Command {
        name: b"sshpass ",
        options: &[b" -p ", b" -p"],
        has_user: false,
    },
];

pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    for command in &COMMANDS {
        let mut done_until = 0;
        for found in memchr::memmem::find_iter(bytes, command.name) {
            if found < done_until {
                continue;
            }
            let line = &bytes[found..bytes.len().min(found + MAX_LINE)];
            let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
            done_until = found + line.len();
            let Some((start, end)) = password_in(line, command.options, command.has_user) else {
                continue;
            };
            out.push(Candidate {
                start: found + start,
                end: found + end,
                entity: Entity::Password,
                log_odds: CERTAIN,
                rule: "command_line",
            });
        }
    }
}

fn password_in(line: &[u8], options: &[&[u8]], has_user: bool) -> Option<(usize, usize)> {
    let option = options
        .iter()
        .find_map(|option| memchr::memmem::find(line, option).map(|at| at + option.len()))?;
    let quote = line
        .get(option)
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\''));
    let from = option + usize::from(quote.is_some());
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote,
        None => byte.is_ascii_whitespace(),
    };
    let length = line[from..].iter().position(ends).unwrap_or(line.len() - from);
    let argument = &line[from..from + length];
    let user = match has_user {
        true => memchr::memchr(b':', argument)? + 1,
        false => 0,
    };
    let value = &argument[user..];
    (value.len() >= SHORTEST && !is_placeholder(value)).then_some((from + user, from + length))
}
