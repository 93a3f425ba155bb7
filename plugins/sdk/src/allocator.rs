//! The global allocator of a plugin. It starts with memory that is there when the instance is made: an instance lives for
//! one call only, and memory that it grows is taken back by the host at its end, which interrupts all cores.

use core::alloc::Layout;
use core::arch::wasm32::{memory_grow, memory_size};
use core::mem::MaybeUninit;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// Bytes that every instance has from the start. They cost nothing until they are touched.
const FIRST: usize = 256 << 10;

/// Bytes of a page of WebAssembly's.
const PAGE: usize = 64 << 10;

/// Pages by which memory grows at once, if the limit of the call allows: 1 MiB.
const STEP: usize = 16;

/// More than Talc needs for its own notes about memory that it is given.
const OVERHEAD: usize = 4 << 10;

static mut MEMORY: [MaybeUninit<u8>; FIRST] = [MaybeUninit::uninit(); FIRST];

#[global_allocator]
static ALLOCATOR: TalcSyncCell<FirstThenGrow, WasmBinning> = TalcSyncCell::new_wasm(FirstThenGrow { is_first: true });

/// Hands out [`MEMORY`], and when that is used up, pages that the memory grows by.
#[derive(Debug)]
struct FirstThenGrow {
    is_first: bool,
}

// SAFETY: `acquire` does not use the allocator: it neither allocates nor panics nor prints.
unsafe impl Source for FirstThenGrow {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if talc.source.is_first {
            talc.source.is_first = false;
            // SAFETY: MEMORY is named nowhere else, lives as long as the instance, and is given away only once. If it is
            // too small for this allocation, Talc asks again.
            return unsafe { talc.claim((&raw mut MEMORY).cast(), FIRST) }
                .map(drop)
                .ok_or(());
        }
        let needed = layout
            .size()
            .checked_add(layout.align())
            .and_then(|bytes| bytes.checked_add(OVERHEAD))
            .ok_or(())?;
        let needed = needed.div_ceil(PAGE);
        let before = memory_size::<0>();
        let pages = match memory_grow::<0>(needed.max(STEP)) {
            usize::MAX if memory_grow::<0>(needed) == usize::MAX => return Err(()),
            usize::MAX => needed,
            _ => needed.max(STEP),
        };
        // SAFETY: these pages have just been added behind the end of the memory, so nobody has them.
        unsafe { talc.claim((before * PAGE) as *mut u8, pages * PAGE) }
            .map(drop)
            .ok_or(())
    }
}
