//! A database server of its own for a test: PostgreSQL in a folder of its own, on a free port of this machine. The server does
//! not run as root, so the folder is another user's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::program::{free_port, run};
use crate::harness::pause;

/// Who signs in.
pub(super) const USER: &str = "keeper";
/// And how.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// A running server. It ends when it is dropped.
pub(super) struct Postgres {
    pub(super) port: u16,
    bin: PathBuf,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// Starts a server with what this SQL makes. None, loudly, where there is no PostgreSQL; in CI there has to be one.
    pub(super) fn start(sql: &str) -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "install postgresql: these tests are not skipped in CI"
            );
            eprintln!("SKIPPED: there is no /usr/lib/postgresql/*/bin/postgres (Debian: postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // What is in it is for the server's user; the way to it is open.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&data).arg(&password));
        }
        run(as_nobody(&bin.join("initdb"))
            .args(["--auth", "scram-sha-256", "--username", USER, "--encoding", "UTF8"])
            .args(["--locale", "C.UTF-8", "--no-sync", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(&data));
        let mut server = Self {
            port: free_port(),
            bin,
            child: None,
            folder,
        };
        server.resume();
        server.run_sql(sql);
        Some(server)
    }

    /// Starts the server again, on the same port.
    pub(super) fn resume(&mut self) {
        let data = self.folder.path().join("data");
        let child = as_nobody(&self.bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k", ""])
            .args([
                "-c",
                "fsync=off",
                "-c",
                "max_connections=30",
                "-c",
                "log_min_messages=panic",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        for _ in 0..4000 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.answers() {
                return;
            }
            pause();
        }
        panic!("postgres does not come up");
    }

    /// Stops the server at once, as a machine does that loses its power.
    pub(super) fn stop(&mut self) {
        if self.child.is_some() {
            run(as_nobody(&self.bin.join("pg_ctl"))
                .args(["stop", "-m", "immediate", "-w", "-D"])
                .arg(self.folder.path().join("data")));
        }
        if let Some(mut child) = self.child.take() {
            drop(child.wait());
        }
    }

    /// Runs SQL as somebody else would, and answers what it says.
    pub(super) fn run_sql(&self, sql: &str) -> String {
        let mut child = self
            .psql(&["-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Somebody who has run this SQL, and keeps the transaction open until its input ends.
    pub(super) fn hold(&self, sql: &str) -> Child {
        let mut child = self.psql(&[]).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(sql.as_bytes()).unwrap();
        input.flush().unwrap();
        let mut said = [0; 2];
        child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
        child.stdin = Some(input);
        child
    }

    /// Starts the server again with a certificate, and answers who vouches for it.
    pub(super) fn with_tls(&mut self) -> String {
        self.stop();
        let authority = super::slapd::certificates(self.folder.path());
        let data = self.folder.path().join("data");
        for name in ["server.pem", "server.key"] {
            std::fs::copy(self.folder.path().join(name), data.join(name)).unwrap();
            std::fs::set_permissions(data.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(data.join(name)));
            }
        }
        let settings = data.join("postgresql.conf");
        let more = "\nssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n";
        let before = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, before + more).unwrap();
        self.resume();
        authority
    }

    fn answers(&self) -> bool {
        self.psql(&["-c", "SELECT 1"]).output().unwrap().status.success()
    }

    fn psql(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command
            .env("PGPASSWORD", PASSWORD)
            .env("PGSSLMODE", "disable")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                USER,
                "-d",
                "postgres",
                "-XAtq",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The newest PostgreSQL of this machine, where Debian puts it.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|bin| bin.join("postgres").exists() && bin.join("initdb").exists());
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// A command of the server's: as the user that its package makes, if we are root.
fn as_nobody(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}
