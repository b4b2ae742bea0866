//! Every recording that the project is given becomes an event.

use std::{fs, path::Path};

use aal_demo::replay_event;

#[test]
fn every_recorded_exchange_becomes_an_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let mut lines_read = 0;
    for entry in fs::read_dir(&folder).expect("the recordings lie beside the repository") {
        let path = entry.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let event = replay_event(line, "replay", "once")
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(event["response"]["status"].is_u64());
            assert_ne!(event["operation"], "other", "{}", event["request"]["url"]);
            assert!(event["request"]["url"].as_str().unwrap().starts_with("http"));
            lines_read += 1;
        }
    }
    assert!(lines_read >= 160, "{lines_read} recordings read");
}
