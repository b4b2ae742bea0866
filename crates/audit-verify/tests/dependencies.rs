//! The program builds alone: nothing of the stores, the log or the network is among its dependencies.

use std::process::Command;

#[test]
fn no_store_no_log_no_network() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "audit-verify",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(
        names.contains(&"aal-verify") && names.contains(&"clap"),
        "{names:?}"
    );
    for forbidden in [
        "rdkafka",
        "clickhouse",
        "reqwest",
        "hyper",
        "tokio",
        "warp",
        "sqlx",
        "object_store",
        "rustls",
        "socket2",
        "native-tls",
        "async-trait",
        "libloading",
    ] {
        assert!(!names.contains(&forbidden), "{forbidden} is a dependency");
    }
}
