//! The components that come with the host. `cargo xtask plugins` builds them from `plugins/`.

use host_runtime::script::Shipped;

/// The engine for `text/javascript`.
pub(crate) const JAVASCRIPT: &[u8] = include_bytes!("../../../plugins/dist/javascript.wasm");

/// The ready-made actions.
pub(crate) const SHIPPED: &[Shipped] = &[Shipped {
    name: "sunset-task",
    version: "0.1.0",
    bytes: include_bytes!("../../../plugins/dist/sunset-task.wasm"),
}];
