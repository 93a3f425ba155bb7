//! The JavaScript engine: world `engine` of `taskwarden:plugin`, by QuickJS.
//!
//! [`engine`] owns the interpreter, `prelude.js` gives it what scripts see (`openidm`, `logger`, …), [`host`] carries
//! calls from there to the host's interfaces, [`failure`] turns what a script throws into a problem. Deadlines, memory
//! and the freshness of an instance are the host's: nothing in here tries to contain a script, only to serve it.

mod clock;
mod engine;
mod failure;
mod host;
mod prelude;
mod settle;
mod syntax;

mod bindings {
    wit_bindgen::generate!({ path: "../../wit/v0.1", world: "engine-build" });
}

use std::cell::OnceCell;
use std::panic;

use bindings::taskwarden::plugin::log;
use bindings::{Binding, Guest, Json, Problem, SyntaxError};
use engine::Engine;

thread_local! {
    /// Made by `init` when the component is built, and from then on part of every instance's first memory.
    static ENGINE: OnceCell<Engine> = const { OnceCell::new() };
}

fn with_engine<T>(work: impl FnOnce(&Engine) -> T) -> T {
    ENGINE.with(|engine| work(engine.get_or_init(start)))
}

fn start() -> Engine {
    // Without this a panic reaches the host as a bare `unreachable`.
    panic::set_hook(Box::new(|panic| {
        if clock::is_running() {
            log::write(log::Level::Error, &format!("the JavaScript engine failed: {panic}"));
        }
    }));
    Engine::new().expect("a fresh interpreter has memory for its own objects, and the prelude is part of this build")
}

struct Component;

impl Guest for Component {
    fn init() {
        with_engine(|_| ());
    }

    fn check(source: String) -> Result<(), SyntaxError> {
        clock::run();
        with_engine(|engine| engine.check(source))
    }

    fn eval(source: String, bindings: Vec<Binding>) -> Result<Json, Problem> {
        clock::run();
        with_engine(|engine| engine.eval(source, bindings))
    }
}

bindings::export!(Component with_types_in bindings);
