//! Secrets out of chance.

use host_model::ids::Ids;

/// 256 bits that nobody can guess.
///
/// This asks more of [`Ids`] than its words do: the implementation that serves real callers has to take `random` from
/// the operating system's cryptographic source. A repeatable one belongs into tests only; tokens made with it can be
/// computed by anyone who knows its seed.
pub(crate) fn secret_bytes(ids: &dyn Ids) -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&ids.random().to_be_bytes());
    }
    bytes
}
