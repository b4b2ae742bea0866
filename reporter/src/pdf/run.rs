//! One bounded run of a sandboxed program: bytes in on standard input, bytes out on standard output.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::PdfError;
use super::sandbox::Sandbox;

/// Only the end of standard error is kept, for the diagnosis.
const STDERR_BYTES: u64 = 64 * 1024;

/// What a run gave.
#[derive(Debug)]
pub(super) struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Limits of the run itself; those of the process are the sandbox's.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunLimits {
    pub wall_ms: u64,
    pub stdout_bytes: usize,
}

/// Runs `target` in `sandbox`, feeding it `input`, in an empty directory that is removed afterwards.
///
/// Needs a tokio runtime. A caller that gives up early leaves a run that ends by its own limits.
pub(super) async fn run(
    sandbox: Sandbox,
    target: Vec<OsString>,
    input: Vec<u8>,
    limits: RunLimits,
) -> Result<Finished, PdfError> {
    let task = tokio::spawn(async move {
        let directory = tempfile::Builder::new()
            .prefix("report-")
            .tempdir()
            .map_err(io("cannot make the renderer's directory"))?;
        on_own_thread(sandbox, directory.path().to_owned(), target, input, limits).await
    });
    task.await.map_err(|error| PdfError::Io {
        doing: "renderer's task did not end properly",
        source: std::io::Error::other(error),
    })?
}

/// The run gets a thread of its own because Landlock and the parent-death signal belong to the
/// spawning *thread*: both end with it, and neither touches the rest of this process.
async fn on_own_thread(
    sandbox: Sandbox,
    directory: PathBuf,
    target: Vec<OsString>,
    input: Vec<u8>,
    limits: RunLimits,
) -> Result<Finished, PdfError> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("pdf-sandbox".to_owned())
        .spawn(move || {
            // The receiver is gone only when the runtime is shutting down; there is nobody to tell then.
            let _ = answer.send(run_on_this_thread(&sandbox, &directory, &target, input, limits));
        })
        .map_err(io("cannot start the renderer's thread"))?;
    answered
        .await
        .map_err(|_| io("renderer's thread ended without an answer")(std::io::ErrorKind::Other.into()))?
}

fn run_on_this_thread(
    sandbox: &Sandbox,
    directory: &Path,
    target: &[OsString],
    input: Vec<u8>,
    limits: RunLimits,
) -> Result<Finished, PdfError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(io("cannot start the renderer's event loop"))?;
    let landlock = if sandbox.isolation.landlock {
        sandbox
            .restrict_thread(directory)
            .map_err(|error| io("cannot restrict the renderer's thread")(std::io::Error::other(error)))?
    } else {
        false
    };
    if sandbox.isolation.landlock && !landlock {
        return Err(io("Landlock is no longer available")(
            std::io::ErrorKind::Unsupported.into(),
        ));
    }
    let command = sandbox.command(directory, target);
    let (status, stdout, stderr) = runtime.block_on(bounded(command, input, limits))?;
    Ok(Finished {
        status,
        stdout,
        stderr,
    })
}

/// An [`PdfError::Io`] that says what was being done.
fn io(doing: &'static str) -> impl Fn(std::io::Error) -> PdfError {
    move |source| PdfError::Io { doing, source }
}

async fn bounded(
    mut command: Command,
    input: Vec<u8>,
    limits: RunLimits,
) -> Result<(ExitStatus, Vec<u8>, String), PdfError> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(io("cannot start the renderer"))?;
    let group = child.id();
    let wall = Duration::from_millis(limits.wall_ms);
    let outcome = tokio::time::timeout(wall, converse(&mut child, input, limits)).await;
    if let Ok(Ok(finished)) = outcome {
        return Ok(finished);
    }
    kill_group(group);
    // Killed by SIGKILL, so this wait is short; it also leaves no zombie.
    child.wait().await.map_err(io("cannot reap the renderer"))?;
    match outcome {
        Ok(Ok(finished)) => Ok(finished),
        Ok(Err(error)) => Err(error),
        Err(_elapsed) => Err(PdfError::TimedOut {
            limit_ms: limits.wall_ms,
        }),
    }
}

async fn converse(
    child: &mut Child,
    input: Vec<u8>,
    limits: RunLimits,
) -> Result<(ExitStatus, Vec<u8>, String), PdfError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A program that stops reading early says why in its exit status, so a broken pipe is no error here.
            let _ = stdin.write_all(&input).await;
        }
        Ok(())
    };
    let collect = read_at_most(stdout, limits.stdout_bytes);
    let listen = read_tail(stderr);
    let (status, (), bytes, stderr) = tokio::try_join!(
        async { child.wait().await.map_err(io("cannot wait for the renderer")) },
        feed,
        collect,
        listen
    )?;
    Ok((status, bytes, stderr))
}

async fn read_at_most(
    source: Option<impl AsyncRead + Unpin>,
    limit_bytes: usize,
) -> Result<Vec<u8>, PdfError> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        let ceiling = limit_bytes as u64 + 1;
        source
            .take(ceiling)
            .read_to_end(&mut bytes)
            .await
            .map_err(io("cannot read the renderer's output"))?;
    }
    if bytes.len() > limit_bytes {
        return Err(PdfError::PdfTooLarge { limit_bytes });
    }
    Ok(bytes)
}

/// Reads to the end, so that the program never blocks on its own messages, and keeps the last part.
async fn read_tail(source: Option<impl AsyncRead + Unpin>) -> Result<String, PdfError> {
    let mut tail: Vec<u8> = Vec::new();
    if let Some(mut source) = source {
        let mut chunk = [0u8; 4096];
        while let Ok(count @ 1..) = source.read(&mut chunk).await {
            tail.extend_from_slice(&chunk[..count]);
            let surplus = tail.len().saturating_sub(STDERR_BYTES as usize);
            tail.drain(..surplus);
        }
    }
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

fn kill_group(group: Option<u32>) {
    let pid = group
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // Fails only when the group is already gone.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::sandbox::{Isolation, NamespaceIsolation, Programs, ResourceLimits};
    use super::*;

    const LIMITS: RunLimits = RunLimits {
        wall_ms: 60_000,
        stdout_bytes: 1 << 20,
    };

    fn sandbox(namespaces: NamespaceIsolation, landlock: bool) -> Sandbox {
        let programs = Programs::find(&std::env::var_os("PATH").unwrap()).unwrap();
        let limits = ResourceLimits {
            memory_bytes: 3 << 30,
            cpu_s: 30,
            file_bytes: 1 << 24,
        };
        Sandbox {
            programs,
            isolation: Isolation { namespaces, landlock },
            limits,
        }
    }

    /// Asks the renderer itself to open `url`, which no document can do.
    async fn open(sandbox: &Sandbox, url: &str) -> Finished {
        let target = vec![
            sandbox.programs.wkhtmltopdf.clone().into(),
            url.into(),
            "-".into(),
        ];
        run(sandbox.clone(), target, Vec::new(), LIMITS).await.unwrap()
    }

    #[tokio::test]
    async fn landlock_hides_files_that_the_renderer_is_told_to_open() {
        let page = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
        std::fs::write(page.path(), "<p>secret</p>").unwrap();
        let path = page.path().to_str().unwrap();
        let without = open(&sandbox(NamespaceIsolation::None, false), path).await;
        assert!(without.status.success(), "{}", without.stderr);
        let with = open(&sandbox(NamespaceIsolation::None, true), path).await;
        assert!(!with.status.success());
    }

    #[tokio::test]
    async fn namespaces_hide_the_network_from_a_renderer_told_to_call_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        for (namespaces, landlock) in [
            (NamespaceIsolation::Unprivileged, false),
            (NamespaceIsolation::Unprivileged, true),
            (NamespaceIsolation::None, true),
        ] {
            let finished = open(&sandbox(namespaces, landlock), &url).await;
            assert!(!finished.status.success());
            assert_eq!(
                listener.accept().unwrap_err().kind(),
                std::io::ErrorKind::WouldBlock
            );
        }
    }

    #[tokio::test]
    async fn a_timed_out_run_leaves_no_process() {
        let walls = sandbox(NamespaceIsolation::Unprivileged, false);
        let directory = tempfile::tempdir().unwrap();
        let marker = format!("90{}", std::process::id());
        let target: Vec<OsString> = [
            "/bin/sh".into(),
            "-c".into(),
            format!("sleep {marker} & sleep {marker}").into(),
        ]
        .into();
        let limits = RunLimits {
            wall_ms: 300,
            ..LIMITS
        };
        let error = bounded(walls.command(directory.path(), &target), Vec::new(), limits)
            .await
            .unwrap_err();
        assert!(matches!(error, PdfError::TimedOut { limit_ms: 300 }));
        let lists_marker = |entry: std::io::Result<std::fs::DirEntry>| {
            let arguments = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
            String::from_utf8_lossy(&arguments)
                .split('\0')
                .any(|word| word == marker)
                .then_some(())
        };
        // The kernel kills the PID namespace as a whole, but its last members may need a moment to go.
        let gone = || {
            std::fs::read_dir("/proc")
                .unwrap()
                .find_map(lists_marker)
                .is_none()
        };
        assert!(
            (0..1000).any(|_| gone() || {
                std::thread::yield_now();
                false
            }),
            "a process was left behind"
        );
    }

    #[tokio::test]
    async fn output_beyond_the_limit_is_an_error() {
        let walls = sandbox(NamespaceIsolation::Unprivileged, false);
        let directory = tempfile::tempdir().unwrap();
        let target: Vec<OsString> = ["/usr/bin/yes".into()].into();
        let limits = RunLimits {
            stdout_bytes: 10_000,
            ..LIMITS
        };
        let error = bounded(walls.command(directory.path(), &target), Vec::new(), limits)
            .await
            .unwrap_err();
        assert!(matches!(error, PdfError::PdfTooLarge { limit_bytes: 10_000 }));
    }
}
