//! The walls around `wkhtmltopdf`, strongest first; each is added when the machine grants it.
//!
//! | wall | by | against |
//! |---|---|---|
//! | own user, network, IPC, UTS and PID namespaces | `unshare` | the network, other processes; no capability is left |
//! | file rules, TCP rules | Landlock, on the spawning thread | files other than fonts, libraries and one empty directory; TCP |
//! | memory, processor, file size, open files, no core dump | `prlimit` | exhausting the machine |
//! | no new privileges, dies with its parent | `setpriv` | set-user-id programs; renderers left behind by a crash |
//! | empty environment and working directory | [`Sandbox::command`] | secrets in the environment |
//!
//! Not covered: path-named Unix sockets under the readable directories, and kernel bugs. Without
//! namespaces *and* without Landlock only the switches of `wkhtmltopdf` itself keep files and network
//! away; [`Isolation::is_full`] then says so, and `sandbox_required` refuses to start.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope,
};

use super::PdfError;

/// Rights up to this version of the kernel interface are asked for; older kernels grant what they know.
const LANDLOCK_ABI: ABI = ABI::V6;

/// What the renderer may read: its libraries and the fonts. Missing ones are skipped.
const READABLE: [&str; 9] = [
    "/usr/lib",
    "/lib",
    "/lib64",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/var/cache/fontconfig",
];

/// Devices the C library and Qt open.
const DEVICES: [&str; 3] = ["/dev/null", "/dev/urandom", "/dev/random"];

/// Which namespaces the machine grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceIsolation {
    /// A new user namespace without any mapped user: no capability, no network.
    Unprivileged,
    /// No user namespaces, but this process may make the others (it runs as root); capabilities are dropped after.
    Privileged,
    /// None: the renderer shares the network of this process.
    None,
}

/// The walls that are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isolation {
    /// Namespaces: network, processes, users.
    pub namespaces: NamespaceIsolation,
    /// Landlock refuses files (and TCP, where the kernel knows how).
    pub landlock: bool,
}

impl Isolation {
    /// True when both the network and the file system are closed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.namespaces != NamespaceIsolation::None && self.landlock
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces = match self.namespaces {
            NamespaceIsolation::Unprivileged => "own user and network namespaces",
            NamespaceIsolation::Privileged => "own network namespace, made as root",
            NamespaceIsolation::None => "no namespaces",
        };
        let files = if self.landlock { "Landlock" } else { "no Landlock" };
        write!(f, "{namespaces}, {files}")
    }
}

/// Resource limits of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResourceLimits {
    pub memory_bytes: u64,
    pub cpu_s: u64,
    pub file_bytes: u64,
}

/// Absolute paths of the programs, found once.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub setpriv: PathBuf,
    pub prlimit: PathBuf,
    pub unshare: PathBuf,
    pub wkhtmltopdf: PathBuf,
}

impl Programs {
    /// Looks the programs up in `path`, a list of directories as in `PATH`.
    pub fn find(path: &std::ffi::OsStr) -> Result<Self, PdfError> {
        let find = |program: &'static str, package: &'static str| {
            std::env::split_paths(path)
                .map(|directory| directory.join(program))
                .find(|candidate| candidate.is_file())
                .ok_or(PdfError::ProgramMissing { program, package })
        };
        Ok(Self {
            setpriv: find("setpriv", "util-linux")?,
            prlimit: find("prlimit", "util-linux")?,
            unshare: find("unshare", "util-linux")?,
            wkhtmltopdf: find("wkhtmltopdf", "wkhtmltopdf")?,
        })
    }

    fn all(&self) -> [&Path; 4] {
        [&self.setpriv, &self.prlimit, &self.unshare, &self.wkhtmltopdf]
    }
}

/// Builds sandboxed command lines.
#[derive(Debug, Clone)]
pub(super) struct Sandbox {
    pub programs: Programs,
    pub isolation: Isolation,
    pub limits: ResourceLimits,
}

impl Sandbox {
    /// The command `target` inside every wall but Landlock, which [`restrict_thread`](Self::restrict_thread)
    /// puts up around the thread that spawns it. `directory` is its home, working and temporary directory.
    pub fn command(&self, directory: &Path, target: &[OsString]) -> tokio::process::Command {
        let mut words: Vec<OsString> = Vec::new();
        let mut push = |list: &[&str]| words.extend(list.iter().map(OsString::from));
        push(&["--pdeathsig", "KILL", "--no-new-privs"]);
        words.push(self.programs.prlimit.clone().into());
        let limits = self.limits;
        words.extend([
            format!("--as={}", limits.memory_bytes).into(),
            format!("--cpu={}", limits.cpu_s).into(),
            format!("--fsize={}", limits.file_bytes).into(),
            "--nofile=256".into(),
            "--core=0".into(),
            "--".into(),
        ]);
        self.push_namespaces(&mut words);
        words.extend_from_slice(target);

        let mut command = tokio::process::Command::new(&self.programs.setpriv);
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("HOME", directory)
            .env("TMPDIR", directory)
            .env("XDG_CACHE_HOME", directory)
            .env("XDG_RUNTIME_DIR", directory)
            .env("QT_QPA_PLATFORM", "offscreen")
            // Qt's tables in one order on every run, so that equal documents give equal bytes.
            .env("QT_HASH_SEED", "0")
            .current_dir(directory)
            .process_group(0);
        command
    }

    fn push_namespaces(&self, words: &mut Vec<OsString>) {
        let namespaces =
            ["--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--"].map(OsString::from);
        match self.isolation.namespaces {
            NamespaceIsolation::Unprivileged => {
                words.push(self.programs.unshare.clone().into());
                words.push("--user".into());
                words.extend(namespaces);
            }
            NamespaceIsolation::Privileged => {
                words.push(self.programs.unshare.clone().into());
                words.extend(namespaces);
                words.push(self.programs.setpriv.clone().into());
                words.extend(
                    ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"].map(OsString::from),
                );
            }
            NamespaceIsolation::None => {}
        }
    }

    /// Puts Landlock around the calling thread and everything it will spawn; returns whether it holds.
    ///
    /// Call it on a thread made for one run: it cannot be taken off again.
    pub fn restrict_thread(&self, directory: &Path) -> Result<bool, landlock::RulesetError> {
        let read = AccessFs::from_read(LANDLOCK_ABI);
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK_ABI))?
            .handle_access(AccessNet::from_all(LANDLOCK_ABI))?
            .scope(Scope::from_all(LANDLOCK_ABI))?
            .create()?;
        let programs = self.programs.all();
        let readable = READABLE.iter().map(Path::new).chain(programs);
        for path in readable {
            if let Ok(opened) = PathFd::new(path) {
                let access = if path.is_dir() {
                    read
                } else {
                    read & AccessFs::from_file(LANDLOCK_ABI)
                };
                ruleset = ruleset.add_rule(PathBeneath::new(opened, access))?;
            }
        }
        for path in DEVICES {
            if let Ok(opened) = PathFd::new(path) {
                let access = AccessFs::ReadFile | AccessFs::WriteFile;
                ruleset = ruleset.add_rule(PathBeneath::new(opened, access))?;
            }
        }
        // The directory may be written, but nothing in it may be run.
        let own = AccessFs::from_all(LANDLOCK_ABI) & !AccessFs::Execute;
        if let Ok(opened) = PathFd::new(directory) {
            ruleset = ruleset.add_rule(PathBeneath::new(opened, own))?;
        }
        let status = ruleset.restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}
