//! What a unit of work may write.

use host_model::limits::Limits;

/// How much one unit of work may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimits {
    /// Documents.
    pub rows: usize,
    /// Bytes of their bodies, each write counted.
    pub bytes: usize,
}

impl WriteLimits {
    /// For the house's own work, whose size its code decides.
    pub const NONE: Self = Self {
        rows: usize::MAX,
        bytes: usize::MAX,
    };
}

impl From<&Limits> for WriteLimits {
    fn from(limits: &Limits) -> Self {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            rows: size(limits.written_rows),
            bytes: size(limits.written_bytes),
        }
    }
}
