//! The README keeps its word: its two commands, and its tour, call by call against the real binary.

use std::process::Command;

use crate::harness::tour::{between, blocks, walk};
use crate::harness::{BINARY, PASSWORD, Process, demo_cache};

fn readme() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("README.md");
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn two_commands_set_everything_up() {
    let readme = readme();
    let (section, _) = between(&readme, "\n## Set up\n", "\n## ");
    let blocks = blocks(section);
    let commands: Vec<&str> = blocks.iter().map(|block| block.text.trim()).collect();
    assert_eq!(commands, ["cargo run --release -- demo", "cargo xtask check"]);
    assert!(blocks.iter().all(|block| block.language == "sh"));
}

#[test]
fn every_call_of_the_tour_answers_as_it_says() {
    let mut demo = Command::new(BINARY);
    demo.args(["demo", "--users", "500", "--listen", "127.0.0.1:0"])
        .env("XDG_CACHE_HOME", demo_cache());
    let server = Process::start(demo.env("TASKWARDEN_ADMIN_PASSWORD", PASSWORD));
    walk("README.md", &readme(), &server.client.base, &[]);
}
