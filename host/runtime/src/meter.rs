//! What a guest may still use, and what it has used.

use host_model::limits::Limits;
use wasmtime::ResourceLimiter;

use crate::end::Refusal;

/// Ends the call from inside a host function or an allocation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// The guest asked for more memory than it may have.
    #[error("the guest asked for more than {0} bytes of memory")]
    Memory(u64),
    /// The guest went beyond another limit.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A replay came to where the transcript does not go on.
    #[error("the transcript does not go on like this")]
    Replay,
}

/// Counts what a guest uses of what it may use.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    memory: u64,
    peak_memory: u64,
    table: u64,
    host_calls: u64,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: 0,
            peak_memory: 0,
            table: 0,
            host_calls: 0,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The most memory that was in use, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.peak_memory
    }

    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// The calls of host functions that are left.
    pub(crate) fn host_calls_left(&self) -> u64 {
        self.limits.host_calls.saturating_sub(self.host_calls)
    }

    /// Counts calls of host functions that others made on behalf of this guest.
    pub(crate) fn charge_host_calls(&mut self, calls: u64) {
        self.host_calls += calls;
    }

    /// Counts a call of a host function.
    pub(crate) fn host_call(&mut self) -> Result<(), Stop> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            return Err(Refusal::HostCalls(self.limits.host_calls).into());
        }
        Ok(())
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current) as u64);
        if total > self.limits.memory_bytes {
            return Err(wasmtime::Error::new(Stop::Memory(self.limits.memory_bytes)));
        }
        self.memory = total;
        self.peak_memory = self.peak_memory.max(total);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table.saturating_add(desired.saturating_sub(current) as u64);
        if total > self.limits.table_elements {
            return Err(wasmtime::Error::new(Stop::from(Refusal::Table(
                self.limits.table_elements,
            ))));
        }
        self.table = total;
        Ok(true)
    }
}
