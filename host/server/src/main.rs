//! The `taskwarden` binary.

fn main() -> std::process::ExitCode {
    host_server::main()
}
