//! What `wit/` says, as Rust. The worlds share one set of interfaces, those of `task`.

#![expect(unreachable_pub, reason = "generated from wit/, which holds the documentation")]

pub mod task {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "task",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

pub mod script {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "script",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "taskwarden:plugin/types": super::task::taskwarden::plugin::types,
            "taskwarden:plugin/objects": super::task::taskwarden::plugin::objects,
            "taskwarden:plugin/log": super::task::taskwarden::plugin::log,
            "taskwarden:plugin/context": super::task::taskwarden::plugin::context,
        },
    });
}

pub mod engine {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "engine",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "taskwarden:plugin/types": super::task::taskwarden::plugin::types,
            "taskwarden:plugin/objects": super::task::taskwarden::plugin::objects,
            "taskwarden:plugin/log": super::task::taskwarden::plugin::log,
            "taskwarden:plugin/context": super::task::taskwarden::plugin::context,
        },
    });
}

pub use task::taskwarden::plugin::{context, log, objects, types};
