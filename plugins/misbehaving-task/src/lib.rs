//! A task that does wrong what a guest can do wrong, for the tests of the host. The object's property `misbehave`
//! chooses; without it the task behaves.

use std::hint::black_box;

use serde::Deserialize;
use taskwarden_plugin::{Problem, Value, log, objects};

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    misbehave: Misbehave,
    /// How many bytes, for `big-write` and `big-output`.
    #[serde(default)]
    size: usize,
    /// The path of the object whose count goes up, for `increment`.
    #[serde(default)]
    counter: String,
    /// The path to read, for `read-other`.
    #[serde(default)]
    path: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Misbehave {
    #[default]
    None,
    Loop,
    Memory,
    Recursion,
    Trap,
    Panic,
    No,
    False,
    WriteThenTrap,
    WriteThenNo,
    Hostcalls,
    LogFlood,
    BigWrite,
    BigOutput,
    Increment,
    ReadOther,
}

taskwarden_plugin::task!(run);

fn run(object_id: &str, input: Input) -> Result<bool, Problem> {
    match input.misbehave {
        Misbehave::None => touch(object_id),
        Misbehave::Loop => spin(),
        Misbehave::Memory => allocate(),
        Misbehave::Recursion => Ok(descend(1) > 0),
        Misbehave::Trap => trap(),
        Misbehave::Panic => panic!("a task that panics"),
        Misbehave::No => no(),
        Misbehave::False => Ok(false),
        Misbehave::WriteThenTrap => {
            touch(object_id)?;
            trap()
        }
        Misbehave::WriteThenNo => {
            touch(object_id)?;
            no()
        }
        Misbehave::Hostcalls => loop {
            // A refusal is no reason to stop.
            let _ = objects::read::<Value>(object_id);
        },
        Misbehave::LogFlood => loop {
            log::info!("a line among very many");
        },
        Misbehave::BigWrite => {
            objects::patch(object_id)
                .replace("/blob", "x".repeat(input.size))
                .send()?;
            Ok(true)
        }
        Misbehave::BigOutput => Err(Problem::conflict("x".repeat(input.size))),
        Misbehave::Increment => {
            objects::patch(input.counter).increment("/count", 1).send()?;
            Ok(true)
        }
        Misbehave::ReadOther => {
            let seen = match objects::read::<Value>(&input.path) {
                Ok(Some(object)) => object,
                Ok(None) => "nothing".into(),
                Err(problem) => problem.to_string().into(),
            };
            objects::patch(object_id).replace("/seen", seen).send()?;
            Ok(true)
        }
    }
}

fn touch(object_id: &str) -> Result<bool, Problem> {
    objects::patch(object_id).replace("/touched", true).send()?;
    Ok(true)
}

fn no() -> Result<bool, Problem> {
    Err(Problem::conflict("this task says no"))
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

fn allocate() -> ! {
    const BLOCK: usize = 1 << 20;
    let mut blocks = Vec::new();
    loop {
        // Written to, so that the pages are really asked for.
        blocks.push(black_box(vec![1_u8; BLOCK]));
    }
}

/// Recurses until the stack ends. What happens after the inner call keeps it from becoming a loop.
#[expect(unconditional_recursion, reason = "that is the point")]
fn descend(depth: u64) -> u64 {
    black_box(descend(black_box(depth + 1))) + depth
}

/// What `unreachable` is in WebAssembly.
fn trap() -> ! {
    std::process::abort()
}
