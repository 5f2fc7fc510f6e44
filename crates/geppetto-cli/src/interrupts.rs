//! Ctrl-C, heard from the moment this is made: a signal that comes before must not find the default handler.

/// Hears of Ctrl-C.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Interrupts {
    /// Listens from now on. Where the system lets nobody listen, Ctrl-C does what it always does.
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        let listening = {
            let kind = tokio::signal::unix::SignalKind::interrupt();
            Self { signals: tokio::signal::unix::signal(kind).ok() }
        };
        #[cfg(not(unix))]
        let listening = Self {};
        listening
    }

    /// The next Ctrl-C.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        let heard = match &mut self.signals {
            Some(signals) => signals.recv().await.is_some(),
            None => false,
        };
        #[cfg(not(unix))]
        let heard = tokio::signal::ctrl_c().await.is_ok();
        if !heard {
            std::future::pending::<()>().await;
        }
    }
}
