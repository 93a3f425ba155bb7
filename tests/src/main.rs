//! The `taskwarden` binary, as `host/server` has it.

fn main() -> std::process::ExitCode {
    host_server::main()
}
