//! A witness that somebody else runs: `audit witness`.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{Pipeline, bin, until};

/// A running witness; dropping it kills it, which it must survive.
#[derive(Debug)]
pub struct Witness {
    child: Child,
    pub address: String,
    /// Its verifier keys: Ed25519 and ML-DSA-44.
    pub keys: Vec<String>,
}

impl Witness {
    /// Starts one for the log of that trust policy, with its files in `folder`.
    pub fn start(folder: &Path, listen: &str, trust_policy: &str) -> Witness {
        let keys = log_keys(trust_policy);
        assert_eq!(keys.len(), 2, "Ed25519 and ML-DSA-44: {trust_policy}");
        let logs: String = keys.iter().map(|key| format!("log {key}\n")).collect();
        std::fs::write(folder.join("logs.policy"), format!("{logs}quorum none\n")).expect("written");
        let mut child = Command::new(bin("audit"))
            .args([
                "witness",
                "--listen",
                listen,
                "--name",
                "witness.example/e2e",
                "--json",
            ])
            .arg("--data")
            .arg(folder.join("witness"))
            .arg("--policy")
            .arg(folder.join("logs.policy"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("audit witness starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let keys = said["verifier_keys"].as_array().expect("keys").iter();
        Witness {
            child,
            address: said["address"].as_str().expect("an address").to_owned(),
            keys: keys.map(|key| key.as_str().expect("text").to_owned()).collect(),
        }
    }

    /// The trust policy with this witness: both of its keys must sign, and both of the log's.
    pub fn pinned_in(&self, trust_policy: &str) -> String {
        let (keys, address) = (&self.keys, &self.address);
        format!(
            "require_every_algorithm = true\nmax_witness_delay_s = 30\nwitness_policy = '''\nwitness a {} {address}\nwitness b {} {address}\ngroup both all a b\nquorum both\n'''\n{trust_policy}",
            keys[0], keys[1]
        )
    }

    /// The newest checkpoint that it keeps.
    pub async fn kept_head(&self) -> String {
        let text = async |url: String| {
            let answer = reqwest::get(url).await.expect("it answers");
            answer.text().await.expect("text")
        };
        let digests = text(format!("{}/checkpoints", self.address)).await;
        let digest = digests.split(' ').next().expect("a digest");
        text(format!("{}/checkpoints/{digest}", self.address)).await
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // SIGKILL: a witness must survive it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_keys(trust_policy: &str) -> Vec<&str> {
    trust_policy
        .lines()
        .skip_while(|line| *line != "[[log_key]]")
        .take_while(|line| *line != "[[receipt_key]]")
        .filter_map(|line| line.strip_prefix("vkey = \"")?.strip_suffix('"'))
        .collect()
}

impl Pipeline {
    /// Number of the newest epoch.
    pub async fn newest_epoch(&self) -> u64 {
        let token = self.token().await;
        let (_, answer) = self.get(&token, "/api/v1/checkpoints?limit=1").await;
        answer["latest"]["epoch"].as_u64().expect("an epoch")
    }

    /// Waits until an epoch from `from` on is cosigned.
    pub async fn witnessed(&self, from: u64) {
        let token = self.token().await;
        until("a quorum cosigned", || async {
            let (_, answer) = self.get(&token, "/api/v1/verify/witnessed").await;
            let epoch = answer["cosigned"]["epoch"].as_u64()?;
            (epoch >= from).then_some(())
        })
        .await;
    }
}
