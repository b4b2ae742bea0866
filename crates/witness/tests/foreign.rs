//! Against other people's code: litewitness (Go) cosigns what our client sends, and torchwood (Go) accepts what our
//! witness and our log signed. Both are built once by scripts into a cache; needs go, ssh-agent and python3.

mod common;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aal_ledger::witness_policy::Quorum;
use aal_ledger::{Cosigner, Note, VerifierKey, WitnessPolicy};
use aal_service::Shutdown;
use aal_witness::{Answer, WitnessClient, WitnessConfig};
use common::{Log, ORIGIN};

const PATIENCE: Duration = Duration::from_secs(60);

/// A child that is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn built_by(script: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../scripts")
        .join(script);
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// litewitness with a key of its own in an agent of its own, knowing our log.
struct Litewitness {
    url: String,
    key: VerifierKey,
    _processes: [Process; 2],
}

fn start_litewitness(folder: &Path) -> Litewitness {
    let program = built_by("fetch-litewitness.sh");
    let (socket, key_file, database) = (folder.join("agent"), folder.join("key"), folder.join("db"));
    let agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let agent = Process(agent);
    wait_for("the agent", || socket.exists().then_some(()));
    succeed(
        Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key_file),
    );
    succeed(
        Command::new("ssh-add")
            .arg("-q")
            .arg(&key_file)
            .env("SSH_AUTH_SOCK", &socket),
    );
    let fingerprint = Command::new("ssh-keygen")
        .args(["-l", "-f"])
        .arg(&key_file)
        .output()
        .unwrap();
    let fingerprint = String::from_utf8(fingerprint.stdout).unwrap();
    let fingerprint = fingerprint.split(' ').nth(1).unwrap().to_owned();

    // What `witnessctl add-log` and `add-key` do; that program cannot be built where not every Go module is to be had.
    let script = "import base64, hashlib, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.executescript('''
CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));
''')
empty = base64.b64encode(hashlib.sha256(b'').digest()).decode()
database.execute('INSERT INTO log VALUES (?, 0, ?)', (sys.argv[2], empty))
database.execute('INSERT INTO key VALUES (?, ?)', (sys.argv[2], sys.argv[3]))
database.commit()";
    let log_key = common::log_key().to_string();
    succeed(
        Command::new("python3")
            .args(["-c", script])
            .arg(&database)
            .args([ORIGIN, &log_key]),
    );

    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = Command::new(program)
        .args([
            "-name",
            "witness.example/lite",
            "-key",
            &fingerprint,
            "-listen",
            &address.to_string(),
        ])
        .arg("-db")
        .arg(&database)
        .arg("-ssh-agent")
        .arg(&socket)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let child = Process(child);
    let vkey = lines.by_ref().map(Result::unwrap).find_map(|line| {
        let (_, vkey) = line.split_once("vkey=")?;
        Some(vkey.trim_matches('"').to_owned())
    });
    // Keep reading, so that it never blocks on a full pipe.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    wait_for("litewitness", || std::net::TcpStream::connect(address).ok());
    Litewitness {
        url: format!("http://{address}"),
        key: vkey.expect("litewitness says its key").parse().unwrap(),
        _processes: [child, agent],
    }
}

fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn litewitness_cosigns_our_log_and_refuses_its_fork() {
    let folder = tempfile::tempdir().unwrap();
    let lite = start_litewitness(folder.path());
    let client = WitnessClient::new(&lite.url, vec![lite.key.clone()], PATIENCE).unwrap();
    let log = Log::of(30);
    let policy_text = format!(
        "log {}\nwitness lite {} {}\nquorum lite\n",
        common::log_key(),
        lite.key,
        lite.url
    );
    let policy = WitnessPolicy::parse(policy_text.as_bytes()).unwrap();
    for (old, new) in [(0, 5), (5, 6), (6, 30), (30, 30)] {
        let request = log.request(old, new);
        let Answer::Cosigned(lines) = client.add_checkpoint(&request).await.unwrap() else {
            panic!("{old} to {new} was not cosigned");
        };
        let mut note = request.note;
        note.signatures.extend(lines);
        let witnessed = policy.evaluate(&note).unwrap();
        assert!(matches!(witnessed.quorum, Quorum::Met { at_s } if at_s > 1_600_000_000));
        accepted_by_torchwood(folder.path(), &policy_text, &note, new);
    }
    assert_eq!(
        client.add_checkpoint(&log.request(0, 30)).await.unwrap(),
        Answer::Size(30)
    );
    let fork = Log::forked_at(31, 10);
    let forked = client.add_checkpoint(&fork.request(30, 31)).await.unwrap();
    assert!(
        matches!(forked, Answer::Refused { status: 422, .. }),
        "{forked:?}"
    );
    let mut unsigned = log.request(30, 30);
    unsigned.note.signatures[0].signature[9] ^= 1;
    let refused = client.add_checkpoint(&unsigned).await.unwrap();
    assert!(
        matches!(refused, Answer::Refused { status: 403, .. }),
        "{refused:?}"
    );
}

/// Our note and our policy, judged by the Go implementation; and a changed note is refused by it.
fn accepted_by_torchwood(folder: &Path, policy: &str, note: &Note, size: u64) {
    let program = built_by("fetch-torchwood-check.sh");
    let (policy_file, note_file) = (folder.join("check-policy"), folder.join("check-note"));
    std::fs::write(&policy_file, policy).unwrap();
    let judge = |bytes: Vec<u8>| {
        std::fs::write(&note_file, bytes).unwrap();
        Command::new(&program)
            .arg(&policy_file)
            .arg(&note_file)
            .output()
            .unwrap()
    };
    let output = judge(note.to_bytes());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{size}\n"));
    let mut without = note.clone();
    without.signatures.pop();
    assert_eq!(
        judge(without.to_bytes()).status.code(),
        Some(1),
        "a stripped witness is missed"
    );
}

#[tokio::test]
async fn torchwood_accepts_what_our_witness_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let policy_file = folder.path().join("policy");
    std::fs::write(&policy_file, common::policy_text()).unwrap();
    let shutdown = Shutdown::new();
    let config = WitnessConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        directory: folder.path().join("data"),
        policy: policy_file,
        name: "witness.example/ours".to_owned(),
        requests_per_second: 100,
    };
    let running = aal_witness::run(&config, shutdown.clone()).await.unwrap();
    // Torchwood's policies of this version know Ed25519 only.
    let key = running.verifier_keys[0].clone();
    let url = format!("http://{}", running.bound.addr);
    let client = WitnessClient::new(&url, vec![key.clone()], PATIENCE).unwrap();
    let other = Cosigner::ed25519("witness.example/other", &[33; 32]).unwrap();
    let policy = format!(
        "log {}\nwitness ours {key}\nwitness other {}\ngroup one 1 ours other\nquorum one\n",
        common::log_key(),
        other.verifier_key()
    );
    let log = Log::of(20);
    for (old, new) in [(0, 7), (7, 20)] {
        let request = log.request(old, new);
        let Answer::Cosigned(lines) = client.add_checkpoint(&request).await.unwrap() else {
            panic!("not cosigned");
        };
        let mut note = request.note;
        note.signatures.extend(lines);
        accepted_by_torchwood(folder.path(), &policy, &note, new);
    }
    shutdown.request();
    running.bound.stopped().await;
}
