//! One real Apache Kafka broker.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use crate::repository;

/// One broker in a directory of its own.
#[derive(Debug)]
pub struct Kafka {
    child: Child,
    _folder: tempfile::TempDir,
    pub address: String,
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a broker on free ports and waits until it answers. A port that was free may be taken before the broker binds
/// it, so a broker that ends at once is followed by another one.
pub fn start_kafka() -> Kafka {
    (0..5)
        .find_map(|_| try_start())
        .expect("kafka did not become ready; `make kafka` fetches it")
}

fn try_start() -> Option<Kafka> {
    let folder = tempfile::Builder::new()
        .prefix("audit-kafka-")
        .tempdir()
        .expect("a temporary directory");
    // Both are held until both are known, so that they differ.
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [port, controller] = free.map(|listener| listener.local_addr().expect("an address").port());
    let mut child = Command::new(repository::root().join("scripts/kafka/start.sh"))
        .arg(folder.path())
        .args([port.to_string(), controller.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the script runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let ready = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains("listening"));
    let kafka = Kafka {
        child,
        _folder: folder,
        address: format!("127.0.0.1:{port}"),
    };
    // Dropping one that is not ready ends it.
    ready.then(|| {
        // Kafka goes on writing: somebody has to read it.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        kafka
    })
}
