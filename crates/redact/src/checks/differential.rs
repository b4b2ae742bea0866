//! Every check against python-stdnum on many values: as many that ours calls valid, and as many random ones.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tests::CHECKS;

/// Of each kind, random and valid ones each. `AAL_STDNUM_VALUES` sets another number.
const VALUES: usize = 10_000;
/// Random values tried for each valid one.
const MOST_TRIES: usize = 4_000;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn python() -> PathBuf {
    let script = folder().join("../../scripts/python-venv.sh");
    let output = Command::new(&script)
        .args(["stdnum", "python-stdnum==2.2"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(output.status.success(), "{} failed", script.display());
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn judge(python: &Path, argument: &str, input: &str) -> String {
    let mut child = Command::new(python)
        .arg(folder().join("tests/golden/make_identifiers.py"))
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Numbers by a fixed rule (splitmix64), so that every run judges the same values.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % limit
    }

    fn of(&mut self, alphabet: &[u8]) -> char {
        char::from(alphabet[self.below(alphabet.len() as u64) as usize])
    }

    /// A value of the pattern: `9` digit, `A` letter, `N` either, `D` YYMMDD, `d` DDMMYY, `Y` YYYYMMDD.
    fn fill(&mut self, pattern: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let (day, month, year) = (1 + self.below(28), 1 + self.below(12), 1900 + self.below(125));
        let mut value = String::new();
        for class in pattern.chars() {
            match class {
                '9' => value.push(self.of(&LETTERS[26..])),
                'A' => value.push(self.of(&LETTERS[..26])),
                'N' => value.push(self.of(LETTERS)),
                'D' => value.push_str(&format!("{:02}{month:02}{day:02}", year % 100)),
                'd' => value.push_str(&format!("{day:02}{month:02}{:02}", year % 100)),
                'Y' => value.push_str(&format!("{year:04}{month:02}{day:02}")),
                other => value.push(other),
            }
        }
        value
    }
}

#[test]
fn checks_agree_with_python_stdnum_on_many_values() {
    let wanted = std::env::var("AAL_STDNUM_VALUES")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(VALUES);
    let python = python();
    let patterns = judge(&python, "--patterns", "");
    let mut numbers = Numbers(6);
    let mut lines = String::new();
    let mut verdicts = Vec::new();
    for (name, check) in CHECKS {
        let own: Vec<&str> = patterns
            .lines()
            .filter_map(|line| line.split_once(' ').filter(|(kind, _)| kind == name))
            .map(|(_, pattern)| pattern)
            .collect();
        assert!(!own.is_empty(), "no pattern for {name}");
        let mut add = |value: &str, verdict: bool| {
            lines.push_str(&format!("{name} {value}\n"));
            verdicts.push(verdict);
        };
        let mut valid = 0;
        for index in 0..wanted * MOST_TRIES {
            if index >= wanted && valid >= wanted {
                break;
            }
            let value = numbers.fill(own[index % own.len()]);
            let verdict = check(value.as_bytes());
            if index < wanted || verdict {
                add(&value, verdict);
            }
            valid += usize::from(verdict);
        }
        assert!(valid >= wanted, "only {valid} valid values of {name}");
    }
    let judged = judge(&python, "--judge", &lines);
    assert_eq!(judged.lines().count(), verdicts.len());
    let mut wrong = Vec::new();
    let mut exceptions = 0;
    for ((line, theirs), ours) in lines.lines().zip(judged.lines()).zip(&verdicts) {
        match theirs {
            "exception" => exceptions += 1,
            _ if (theirs == "valid") != *ours => wrong.push(format!("{line}: stdnum says {theirs}")),
            _ => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} disagreements of {}:\n{}",
        wrong.len(),
        verdicts.len(),
        wrong
            .iter()
            .step_by(wrong.len() / 60 + 1)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    println!(
        "{} values agree, {exceptions} are exceptions with a reason",
        verdicts.len()
    );
}
