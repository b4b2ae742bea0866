//! Work that yields: it has the machine while nobody waits for an answer.

use std::future::Future;
use std::panic::resume_unwind;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// How much its thread steps back (`nice`); 0 is everybody else's, 19 the most.
const STEP_BACK: i32 = 10;

/// Runs `work` on a thread and a runtime of its own that yield to the process's other threads.
///
/// A long computation between two awaits then holds up nobody, and where processors are few the others go first. Ends
/// with the work; a panic of the work goes on in the caller.
///
/// # Errors
/// When the thread or its runtime cannot be made.
pub async fn yielding<Work, T>(
    name: &'static str,
    work: impl FnOnce() -> Work + Send + 'static,
) -> std::io::Result<T>
where
    Work: Future<Output = T>,
    T: Send + 'static,
{
    let (sender, ended) = oneshot::channel();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // On Linux niceness is a thread's own, and so is that of the threads it starts.
        if let Err(error) = rustix::process::nice(STEP_BACK) {
            tracing::warn!(%error, name, "background work cannot step back");
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let done = runtime.block_on(work());
        // Nobody waits when the caller was dropped.
        let _ = sender.send(());
        Ok(done)
    })?;
    // An error: the thread panicked, or ended early; joining it tells which.
    let _ = ended.await;
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn only_the_work_steps_back() {
        let before = niceness();
        let within = yielding("test", || async { niceness() }).await.unwrap();
        assert_eq!(within, (before + STEP_BACK).min(19));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn a_panic_goes_on_in_the_caller() {
        let task = tokio::spawn(yielding("test", || async { panic!("of the work") }));
        let joined: Result<std::io::Result<()>, _> = task.await;
        assert!(joined.unwrap_err().is_panic());
    }
}
