//! What a callback belongs to: a run or a call of the host, whose deadline and token hold for what happens in it.

use geppetto_inference::{RunContext, RunToken};
use geppetto_runner::{Frame, Stop};
use geppetto_time::Deadline;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::ThreadId;

/// What a callback belongs to. Runs that it starts are inside that.
#[derive(Debug, Clone)]
pub(crate) enum Around {
    Nothing,
    Run(Box<RunContext>),
    /// A call of a tool outside any run, which its token ends.
    Call(RunToken),
    /// A call of the host, which its token ends.
    Host(RunToken),
}

impl Around {
    pub(crate) fn scope(&self) -> Option<u64> {
        match self {
            Self::Run(run) => Some(run.scope()),
            _ => None,
        }
    }

    /// Whether what happens in it has to end.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Run(run) => run.check().is_err(),
            Self::Call(token) | Self::Host(token) => token.is_cancelled(),
        }
    }

    /// Whether the host itself waits for what becomes of it.
    pub(crate) fn is_heard_by_host(&self) -> bool {
        matches!(self, Self::Host(_))
    }

    pub(crate) fn has_deadline(&self) -> bool {
        matches!(self, Self::Run(run) if run.deadline().is_some())
    }

    /// The deadline and token, as the owner watches them.
    pub(crate) fn frame(&self) -> Frame {
        match self {
            Self::Nothing => Frame::default(),
            Self::Run(run) => frame(run.deadline(), run.token()),
            Self::Call(token) | Self::Host(token) => frame(None, token),
        }
    }

    /// The token that ends it.
    pub(crate) fn token(&self) -> RunToken {
        match self {
            Self::Nothing => RunToken::new(),
            Self::Run(run) => run.token().clone(),
            Self::Call(token) | Self::Host(token) => token.clone(),
        }
    }
}

impl From<Option<RunContext>> for Around {
    fn from(run: Option<RunContext>) -> Self {
        run.map_or(Self::Nothing, |run| Self::Run(Box::new(run)))
    }
}

/// A deadline and a token as the owner watches them.
pub(crate) fn frame(deadline: Option<Deadline>, token: &RunToken) -> Frame {
    Frame { deadline: deadline.map(|deadline| deadline.at()), stop: Some(Arc::new(TokenStop(token.clone()))) }
}

struct TokenStop(RunToken);

impl Stop for TokenStop {
    fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    fn is_stopped_from_outside(&self, owner: ThreadId) -> bool {
        self.0.is_cancelled_by_other_than(owner)
    }

    fn stopped(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async { drop(self.0.cancelled().await) })
    }
}
