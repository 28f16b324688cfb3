//! Stopping in two stages: softly (take nothing new, finish what is begun), then hard.

use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The two stages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    /// Take nothing new and finish.
    pub(crate) soft: CancellationToken,
    /// Drop everything.
    pub(crate) hard: CancellationToken,
}

impl Stop {
    /// Listens for Ctrl-C and, on Unix, SIGTERM: the first signal stops softly; the second, or the end of `drain`,
    /// hard.
    ///
    /// # Errors
    /// When the system lets no signal handler in.
    pub(crate) fn on_signals(drain: Duration) -> std::io::Result<Self> {
        let stop = Self::default();
        let mut signals = Signals::new()?;
        let after = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = signals.next() => tracing::info!("stopping: finishing what is begun; once more stops at once"),
                // Something else ended the program, such as a failed worker.
                () = after.soft.cancelled() => {}
            }
            after.soft.cancel();
            tokio::select! {
                () = signals.next() => {}
                () = tokio::time::sleep(drain) => {}
            }
            after.hard.cancel();
        });
        Ok(stop)
    }
}

struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
