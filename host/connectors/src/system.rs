//! One connected system at work: so many calls at once, each with its deadline, and none while the breaker is open. So a
//! system that hangs costs those who ask it, and nobody else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use host_model::clock::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::breaker::Breaker;
use crate::connector::Connector;
use crate::definition::{Definition, Operation};
use crate::error::Error;

/// How long a read waits before it is tried again, one try after the other. The first is at once: a connection that was
/// idle too long is the most frequent reason.
const BACK_OFF: [Duration; 3] = [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(400)];
/// So many calls wait for one of those at work to end; more are refused at once.
const MAX_WAITING: usize = 1000;

/// One connected system.
pub(crate) struct System {
    pub(crate) definition: Definition,
    connector: Arc<dyn Connector>,
    clock: Arc<dyn Clock>,
    at_work: Semaphore,
    waiting: Semaphore,
    breaker: Mutex<Breaker>,
    /// Until when the system asked not to be called.
    resting: Mutex<Option<Timestamp>>,
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition.fmt(f)
    }
}

/// A call that runs on its own, so that it can be left behind; it is aborted when nobody waits for it any more.
struct Running<T>(JoinHandle<T>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl System {
    pub(crate) fn new(definition: Definition, connector: Arc<dyn Connector>, clock: Arc<dyn Clock>) -> Self {
        Self {
            at_work: Semaphore::new(definition.at_once),
            waiting: Semaphore::new(MAX_WAITING),
            breaker: Mutex::default(),
            resting: Mutex::default(),
            definition,
            connector,
            clock,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.definition.name
    }

    pub(crate) fn id_attribute(&self) -> Option<&str> {
        self.connector.id_attribute()
    }

    pub(crate) fn has_revisions(&self) -> bool {
        self.connector.has_revisions()
    }

    /// Calls the connector once: for what writes.
    pub(crate) async fn write<T, F>(
        &self,
        operation: Operation,
        call: impl FnOnce(Arc<dyn Connector>) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.attempt(operation, call).await
    }

    /// Calls the connector, and again where the connection was the reason that it failed: for what only reads.
    pub(crate) async fn read<T, F>(
        &self,
        operation: Operation,
        call: impl Fn(Arc<dyn Connector>) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        for pause in BACK_OFF {
            match self.attempt(operation, &call).await {
                // The next attempt waits for as long as the system asks for.
                Err(Error::Throttled(rest)) if rest <= self.definition.patience => {}
                Err(error) if error.is_transient() => {
                    tracing::debug!(system = self.name(), %error, "a read is tried again");
                    if !pause.is_zero() {
                        self.clock.sleep_until(self.clock.now() + pause).await;
                    }
                }
                done => return done,
            }
        }
        self.attempt(operation, &call).await
    }

    async fn attempt<T, F>(&self, operation: Operation, call: impl FnOnce(Arc<dyn Connector>) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        if !self.definition.is_enabled {
            return Err(Error::Disabled);
        }
        let _permit = self.permit().await?;
        self.rest().await?;
        if !self.breaker.lock().admit(self.clock.now()) {
            return Err(Error::Open);
        }
        let mut running = Running(tokio::spawn(call(Arc::clone(&self.connector))));
        let limit = self.definition.timeouts.of(operation);
        let deadline = self.clock.now() + limit;
        let done = tokio::select! {
            biased;
            done = &mut running.0 => done.unwrap_or_else(|_| {
                Err(Error::Failed("the connector failed over what the system answered".to_owned()))
            }),
            () = self.clock.sleep_until(deadline) => Err(Error::Late(limit.as_millis())),
        };
        let mut breaker = self.breaker.lock();
        match &done {
            Err(error) if error.is_illness() => {
                breaker.failed(self.clock.now());
                drop(breaker);
                tracing::warn!(system = self.name(), ?operation, %error, "a connected system failed");
            }
            Err(Error::Throttled(rest)) => {
                let until = self.clock.now() + *rest;
                let mut resting = self.resting.lock();
                *resting = Some(resting.map_or(until, |other| other.max(until)));
                breaker.answered();
            }
            _ => breaker.answered(),
        }
        done
    }

    /// Waits while the system wants to be left alone, if that is not for longer than others are waited for.
    async fn rest(&self) -> Result<(), Error> {
        let Some(until) = *self.resting.lock() else {
            return Ok(());
        };
        let left = (until - self.clock.now()).to_std().unwrap_or_default();
        if left > self.definition.patience {
            return Err(Error::Throttled(left));
        }
        if !left.is_zero() {
            self.clock.sleep_until(until).await;
        }
        Ok(())
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.at_work.try_acquire() {
            return Ok(permit);
        }
        let busy = || Error::Busy("too many calls wait for it".to_owned());
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let deadline = self.clock.now() + self.definition.patience;
        tokio::select! {
            biased;
            permit = self.at_work.acquire() => permit.map_err(|_| busy()),
            () = self.clock.sleep_until(deadline) => Err(busy()),
        }
    }
}
