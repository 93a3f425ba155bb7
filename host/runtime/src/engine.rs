//! The wasmtime engine and its pool. The figures behind the settings are in `docs/performance.md`.

use std::num::NonZeroUsize;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// How often the epoch moves on: the grain of a guest's deadline.
pub(crate) const EPOCH: Duration = Duration::from_millis(10);

/// No guest gets more memory than this, whatever its limits say: the pool is laid out for it.
pub(crate) const MAX_MEMORY: u64 = 256 << 20;

/// No guest gets more table elements than this. Guests in Go and Python need 10,000.
pub(crate) const MAX_TABLE: u64 = 100_000;

/// QuickJS throws its catchable RangeError at a depth that needs 2 MiB; with less, the stack traps first.
const WASM_STACK: usize = 2 << 20;

/// Room on the same stack for the host functions that a guest calls.
const HOST_STACK: usize = 1 << 20;

/// Kept mapped in a slot from one instance to the next; with `pagemap_scan` only what was touched is reset.
const RESIDENT: usize = 1 << 20;

/// Builds the engine for at most `instances` live instances.
pub(crate) fn build(instances: u32) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(8))
        .total_stacks(instances)
        .table_elements(MAX_TABLE as usize)
        .max_memory_size(MAX_MEMORY as usize)
        .max_unused_warm_slots(instances)
        .linear_memory_keep_resident(RESIDENT)
        .table_keep_resident(RESIDENT)
        .async_stack_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + HOST_STACK)
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(16));
    Engine::new(&config)
}
