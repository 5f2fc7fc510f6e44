//! One model of one provider as an engine.

use crate::engines::is_credential;
use crate::http::Guarded;
use crate::overrides::{ForTurn, for_turn};
use crate::providers::lane::TextLane;
use crate::providers::request::{Target, request};
use crate::providers::stream::{Answer, Broken, Told, ask};
use crate::providers::{Asked, connect};
use crate::retry::wait_after;
use crate::{AnswerCheck, Api, Secret, Settings};
use async_trait::async_trait;
use futures_util::future::{Either, pending, select};
use geppetto_events::{ToolCallDelta, ToolCallInfo};
use geppetto_inference::{Engine, Failure, InferenceError, RunContext};
use geppetto_time::Clock;
use geppetto_turns::{BlockKind, Turn, turn_metadata};
use http::{HeaderName, HeaderValue};
use rig_core::completion::CompletionRequest;
use serde_json::Value;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The most of a provider's own words that an error repeats.
const LONGEST_MESSAGE: usize = 1200;
/// How many batches of an answer wait for whoever tells it: the provider is not read faster than that.
const AHEAD: usize = 16;

pub(crate) struct ProviderEngine {
    pub(crate) name: Arc<str>,
    pub(crate) api: Api,
    pub(crate) settings: Settings,
    pub(crate) key: Secret,
    pub(crate) base_url: String,
    pub(crate) origin: String,
    pub(crate) headers: Arc<[(HeaderName, HeaderValue)]>,
    pub(crate) client: reqwest::Client,
    pub(crate) idle: Duration,
    pub(crate) check_answer: Option<AnswerCheck>,
    pub(crate) io: tokio::runtime::Handle,
}

impl ProviderEngine {
    fn model(&self, clock: Arc<dyn Clock>) -> Asked {
        let http = Guarded {
            client: self.client.clone(),
            origin: self.origin.clone(),
            headers: self.headers.clone(),
            clock,
            idle: self.idle,
            lane: Arc::new(TextLane::of(self.api)),
        };
        connect(self.api, &self.settings.model, &self.key, &self.base_url, http)
    }

    /// No text of an error may hold a key, whoever said it.
    fn failed(&self, mut failure: Failure) -> InferenceError {
        let credentials =
            self.settings.headers.iter().filter(|(name, _)| is_credential(&name.to_ascii_lowercase()));
        let credentials = credentials.flat_map(|(_, value)| value.expose().split_whitespace());
        // Words that may stand anywhere are none of the secret.
        let secrets = credentials.filter(|word| word.len() >= 8).map(Secret::new).chain([self.key.clone()]);
        failure.message = secrets.fold(failure.message, |message, secret| secret.redact(&message));
        if let Some((end, _)) = failure.message.char_indices().nth(LONGEST_MESSAGE) {
            failure.message.truncate(end);
            failure.message.push('…');
        }
        InferenceError::engine(self.name.clone(), failure)
    }
}

#[async_trait]
impl Engine for ProviderEngine {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    async fn infer(&self, mut turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let target = Target { api: self.api, model: &self.settings.model, base_url: &self.base_url };
        let asked = for_turn(&self.settings, self.api, &turn).map_err(|failure| self.failed(failure))?;
        let ForTurn { settings, fields, schema } = asked;
        let request = request(&turn, &settings, fields, &target).map_err(|failure| self.failed(failure))?;
        let (told, mut tells) = mpsc::channel(AHEAD);
        let conversation = Conversation {
            model: self.model(ctx.clock().clone()),
            request,
            told,
            ctx: ctx.clone(),
            timeout: settings.timeout,
        };
        let _task = AbortOnDrop(self.io.spawn(conversation.hold()));
        while let Some(batch) = tells.recv().await {
            for told in batch {
                if let Told::Ended(ended) = told {
                    let answer = ended.map_err(|failure| self.failed(failure))?;
                    self.check(&answer, schema.as_ref()).map_err(|failure| self.failed(failure))?;
                    self.add(&mut turn, answer);
                    return Ok(turn);
                }
                tell(ctx, told);
            }
        }
        // The task was cancelled with its run, or the runtime of the provider is gone.
        ctx.check()?;
        Err(self.failed(Failure::new("the connection's runtime is gone")))
    }
}

impl ProviderEngine {
    /// An answer that had to match a schema: one that calls tools is not the last.
    fn check(&self, answer: &Answer, schema: Option<&Value>) -> Result<(), Failure> {
        let calls = answer.blocks.iter().any(|block| block.kind == BlockKind::ToolCall);
        let Some(schema) = schema.filter(|_| !calls) else { return Ok(()) };
        let texts = answer.blocks.iter().filter(|block| block.kind == BlockKind::LlmText);
        let text: String = texts.filter_map(|block| block.text()).collect();
        let wrong = |why: String| Failure {
            retryable: Some(true),
            ..Failure::new(format!("the answer does not match its schema: {why}"))
        };
        let value = serde_json::from_str(&text).map_err(|error| wrong(format!("it is no JSON: {error}")))?;
        self.check_answer.map_or(Ok(()), |check| check(schema, &value)).map_err(wrong)
    }

    fn add(&self, turn: &mut Turn, answer: Answer) {
        turn.blocks.extend(answer.blocks.into_iter().map(Arc::new));
        // What is known of an earlier answer does not hold for this one.
        for key in [turn_metadata::USAGE.as_str(), turn_metadata::STOP_REASON.as_str()] {
            turn.metadata_mut().shift_remove(key);
        }
        turn_metadata::PROVIDER.set(turn, &self.api.name().to_owned());
        turn_metadata::MODEL.set(turn, &answer.model.unwrap_or_else(|| self.settings.model.clone()));
        if let Some(usage) = &answer.usage {
            turn_metadata::USAGE.set(turn, usage);
        }
        if let Some(reason) = &answer.stop_reason {
            turn_metadata::STOP_REASON.set(turn, reason);
        }
    }
}

/// Publishes a piece of the answer. When the run has ended nobody hears it, and whoever drives it drops the call.
fn tell(ctx: &RunContext, told: Told) {
    let _ = match told {
        Told::Text(delta) => ctx.partial(&delta),
        Told::Thinking(delta) => ctx.thinking(&delta),
        Told::Call { name, delta } => {
            ctx.tool_call_delta(ToolCallDelta { id: None, name: Some(name), delta })
        }
        Told::Called { id, name, input } => ctx.tool_call(ToolCallInfo { id, name, input }),
        Told::Ended(_) => Ok(()),
    };
}

/// What goes on with a provider: a task of its own, so that it ends at once when its run is told to, whatever the
/// thread that polls the run is doing.
struct Conversation {
    model: Asked,
    request: CompletionRequest,
    told: mpsc::Sender<Vec<Told>>,
    ctx: RunContext,
    timeout: Option<Duration>,
}

impl Conversation {
    async fn hold(self) {
        let ended = pin!(async {
            drop(select(pin!(self.ctx.token().cancelled()), pin!(self.told.closed())).await);
        });
        let clock = self.ctx.clock();
        let late = pin!(async {
            match self.timeout {
                Some(timeout) => clock.sleep(timeout).await,
                None => pending().await,
            }
        });
        let answer = match select(pin!(self.answer()), select(ended, late)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((Either::Left(_), _)) => return,
            Either::Right((Either::Right(_), _)) => {
                let message =
                    format!("no whole answer within {} ms", self.timeout.unwrap_or_default().as_millis());
                Err(Failure { retryable: Some(true), ..Failure::new(message) })
            }
        };
        let _ = self.told.send(vec![Told::Ended(Box::new(answer))]).await;
    }

    /// Asks until there is an answer, or no use in asking again.
    async fn answer(&self) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            match ask(&self.model, self.request.clone(), &self.told).await {
                Ok(answer) => return Ok(answer),
                Err(Broken { problem, has_begun }) => {
                    let again = problem.again && !has_begun;
                    let Some(wait) = again.then(|| wait_after(attempt, problem.wait)).flatten() else {
                        return Err(problem.failure);
                    };
                    let wait_ms = wait.as_millis();
                    tracing::debug!(
                        attempt,
                        wait_ms,
                        status = problem.failure.status,
                        "a provider is asked again"
                    );
                    self.ctx.clock().sleep(wait).await;
                    attempt += 1;
                }
            }
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
