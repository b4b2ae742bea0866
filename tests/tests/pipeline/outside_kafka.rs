//! The same pipeline against one real Apache Kafka broker.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use audit_tests::{Pipeline, Start, repository};

/// One broker in a directory of its own.
pub(crate) struct Kafka {
    child: Child,
    _folder: tempfile::TempDir,
    pub(crate) address: String,
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker on free ports. A port that was free may be taken before the broker binds it, so a broker that ends at once
/// is followed by another one.
pub(crate) fn start_kafka() -> Kafka {
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

#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_pass_through_apache_kafka() {
    let kafka = start_kafka();
    let pipeline = Pipeline::start(Start {
        kafka: Some(kafka.address.clone()),
        ..Start::default()
    })
    .await;
    crate::replay::replays_exactly_once(&pipeline).await;
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
}
