//! A plugin's memory in the sandbox.
//!
//! What belongs here: the allocator, and where it takes memory from. It begins with memory that the component has from
//! the start, and asks for more only when that is used up: the host lends each event a fresh instance, and one that grows
//! costs a change of the process's mappings for growing and another for the next instance's small beginning, which all
//! threads that run plugins wait for.

use core::{alloc::Layout, arch::wasm32::memory_grow, mem::MaybeUninit};

use talc::{
    base::{Talc, binning::Binning},
    cell::TalcSyncCell,
    source::Source,
    wasm::WasmBinning,
};

/// Memory at the start: several times what an event of ordinary size takes. What is not touched costs nothing.
const FIRST_BYTES: usize = 1 << 20;

/// A page of linear memory.
const PAGE_BYTES: usize = 64 << 10;

/// What the allocator itself needs beside an allocation, generously.
const OVERHEAD_BYTES: usize = 4 << 10;

static mut FIRST: [MaybeUninit<u8>; FIRST_BYTES] = [MaybeUninit::uninit(); FIRST_BYTES];

#[global_allocator]
static ALLOCATOR: TalcSyncCell<Memory, WasmBinning> = TalcSyncCell::new_wasm(Memory { has_first: false });

/// Where the allocator takes memory from.
#[derive(Debug)]
struct Memory {
    /// The memory of the start is the allocator's.
    has_first: bool,
}

// SAFETY: it allocates nothing itself.
unsafe impl Source for Memory {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if !talc.source.has_first {
            talc.source.has_first = true;
            // SAFETY: nothing else names the array, and it is handed over once.
            return unsafe { talc.claim((&raw mut FIRST).cast(), FIRST_BYTES) }.map(drop).ok_or(());
        }
        let bytes = layout.size().checked_add(layout.align() + OVERHEAD_BYTES).ok_or(())?;
        let pages = bytes.div_ceil(PAGE_BYTES);
        let begin = match memory_grow::<0>(pages) {
            usize::MAX => return Err(()),
            before => (before * PAGE_BYTES) as *mut u8,
        };
        // SAFETY: the pages are new, so that nobody else has them.
        unsafe { talc.claim(begin, pages * PAGE_BYTES) }.map(drop).ok_or(())
    }
}
