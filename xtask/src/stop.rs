//! Ctrl-C and `kill`: a flag that every wait looks at, so that servers and browsers are stopped on the way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Tells whether the person (or CI) asked this command to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Watches for SIGINT, SIGTERM and SIGHUP. A second signal ends the process at once.
    pub(crate) fn watch() -> Result<Self> {
        let stop = Self::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
        {
            // Order matters: the conditional exit is registered first, so it sees the flag still unset the first time.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop.asked))
                .context("cannot watch for signals")?;
            signal_hook::flag::register(signal, Arc::clone(&stop.asked))
                .context("cannot watch for signals")?;
        }
        Ok(stop)
    }

    /// True once a signal came.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
