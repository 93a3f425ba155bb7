//! What wit-bindgen makes of `wit/`. The macros of this crate need it to be public; nobody else should.

/// The world `task`, and the interfaces that all worlds import.
pub mod task {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "task",
        pub_export_macro: true,
        export_macro_name: "export_task",
        default_bindings_module: "taskwarden_plugin::bindings::task",
    });
}

/// The world `script`.
pub mod script {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "script",
        pub_export_macro: true,
        export_macro_name: "export_script",
        default_bindings_module: "taskwarden_plugin::bindings::script",
        with: {
            "taskwarden:plugin/context@0.1.0": crate::bindings::task::taskwarden::plugin::context,
            "taskwarden:plugin/log@0.1.0": crate::bindings::task::taskwarden::plugin::log,
            "taskwarden:plugin/objects@0.1.0": crate::bindings::task::taskwarden::plugin::objects,
            "taskwarden:plugin/types@0.1.0": crate::bindings::task::taskwarden::plugin::types,
        },
    });
}

pub use task::taskwarden::plugin::{context, log, objects, types};
