//! The engines of a pipeline as processes.

use rustix::process::{Pid, Signal, kill_process};

use crate::Pipeline;

impl Pipeline {
    /// Sends a signal to an engine, `aal-log-engine` or `aal-olap-engine`.
    pub fn signal(&self, engine: &str, signal: Signal) {
        let processes = std::fs::read_dir("/proc").expect("proc");
        let mut found = processes.filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (head, rest) = stat.rsplit_once(')')?;
            let parent: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
            (parent == self.endpoints.pid && head.contains(engine)).then_some(pid)
        });
        let pid = found.next().expect("the engine runs");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("it exists");
    }
}
