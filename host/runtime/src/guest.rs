//! The host's side of one call: what the host functions know and count.

use std::sync::Arc;

use host_model::clock::Timestamp;
use host_resource::Context;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::account::Account;
use crate::end::LogLine;
use crate::meter::Meter;
use crate::surroundings::Surroundings;
use crate::transcript::Transcript;
use crate::transcript::player::Player;

/// The store data of one call.
pub(crate) struct Guest {
    pub(crate) meter: Meter,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) context: Context,
    pub(crate) account: Arc<Account>,
    now: Timestamp,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_dropped: u64,
    /// The first request that was refused for want of a grant.
    pub(crate) refused: Option<String>,
    pub(crate) transcript: Transcript,
    /// Answers in the place of the host.
    pub(crate) player: Option<Player>,
    /// Moves on with every random number.
    random: u64,
    /// Made when a guest first asks for WASI: most never do.
    wasi: Option<Box<Wasi>>,
}

struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl Guest {
    pub(crate) fn new(
        meter: Meter,
        around: Arc<Surroundings>,
        context: Context,
        account: Arc<Account>,
        now: Timestamp,
        seed: u64,
    ) -> Self {
        Self {
            meter,
            around,
            context: context.charged_to(Arc::clone(&account)),
            account,
            now,
            log: Vec::new(),
            log_dropped: 0,
            refused: None,
            transcript: Transcript::default(),
            player: None,
            random: seed,
            wasi: None,
        }
    }

    /// The next number of the sequence that run and object determine (splitmix64).
    pub(crate) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Milliseconds since the epoch, frozen for the call.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.now.timestamp_millis()).unwrap_or(0)
    }

    /// A WASI world without files, arguments, environment or network, whose clock stands still and whose randomness
    /// repeats: toolchains import WASI whether a program needs it or not.
    fn make_wasi(&mut self) -> Box<Wasi> {
        let frozen = Frozen(std::time::Duration::from_millis(self.now_ms()));
        let seed: Vec<u8> = (0..8).flat_map(|_| self.random().to_le_bytes()).collect();
        let mut builder = WasiCtx::builder();
        builder
            .wall_clock(frozen)
            .monotonic_clock(frozen)
            .secure_random(Deterministic::new(seed.clone()))
            .insecure_random(Deterministic::new(seed))
            .insecure_random_seed(u128::from(self.random()))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        Box::new(Wasi {
            context: builder.build(),
            table: ResourceTable::new(),
        })
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            self.wasi = Some(self.make_wasi());
        }
        let wasi = self.wasi.as_mut().expect("it was made just now");
        WasiCtxView {
            ctx: &mut wasi.context,
            table: &mut wasi.table,
        }
    }
}

#[derive(Clone, Copy)]
struct Frozen(std::time::Duration);

impl HostWallClock for Frozen {
    fn resolution(&self) -> std::time::Duration {
        std::time::Duration::from_millis(1)
    }

    fn now(&self) -> std::time::Duration {
        self.0
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}
