//! The verifier in Python, kept alive so that thousands of questions need one start.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// Where the second verifier lies.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/second-verifier")
}

/// The Python that has its packages; they are installed first when they are missing.
pub fn python() -> String {
    let output = Command::new(folder().join("python.sh"))
        .output()
        .expect("python.sh runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("a path")
        .trim()
        .to_owned()
}

/// A running `second_verifier batch`.
#[derive(Debug)]
pub struct SecondVerifier {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl SecondVerifier {
    /// Starts it.
    pub fn start() -> SecondVerifier {
        let mut child = Command::new(python())
            .args(["-B", "-m", "second_verifier", "batch"])
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        SecondVerifier {
            child,
            questions,
            answers,
        }
    }

    /// Pins a trust policy under a name for later questions.
    pub fn pin(&mut self, name: &str, policy: &str) {
        let answer = self.ask(json!({"op": "policy-for", "name": name}), policy.as_bytes());
        assert_eq!(answer["ok"], true, "{answer}");
    }

    /// Asks one question about some bytes.
    pub fn ask(&mut self, mut question: Value, bytes: &[u8]) -> Value {
        question["size"] = json!(bytes.len());
        let questions = self.questions.as_mut().expect("it runs");
        let sent = writeln!(questions, "{question}").and_then(|()| questions.write_all(bytes));
        sent.and_then(|()| questions.flush()).expect("python reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("python answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("python ended on {question}"))
    }

    /// Whether it accepts bytes of that kind.
    pub fn accepts(&mut self, kind: &str, policy: &str, bytes: &[u8]) -> bool {
        let answer = self.ask(json!({"op": kind, "policy": policy}), bytes);
        answer["ok"]
            .as_bool()
            .unwrap_or_else(|| panic!("no answer: {answer}"))
    }
}

impl Drop for SecondVerifier {
    fn drop(&mut self) {
        // The end of its questions ends it.
        self.questions = None;
        let _ = self.child.wait();
    }
}
