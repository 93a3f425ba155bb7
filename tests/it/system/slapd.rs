//! A directory of its own for a test: OpenLDAP's `slapd` in a folder of its own, on free ports.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::program::{free_port, run};
use crate::harness::pause;

/// Who may do everything.
pub(super) const ADMIN: &str = "cn=admin,dc=example,dc=com";
/// And how.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// A running directory. It ends when it is dropped.
pub(super) struct Slapd {
    pub(super) port: u16,
    pub(super) tls_port: u16,
    /// The authority that vouches for it, in PEM.
    pub(super) authority: String,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Slapd {
    /// Starts a directory with these entries (LDIF) below `ou=people`. None, loudly, where there is no slapd; in CI there
    /// has to be one.
    pub(super) fn start(entries: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/slapd").exists() {
            assert!(
                std::env::var_os("CI").is_none(),
                "install slapd: these tests are not skipped in CI"
            );
            eprintln!("SKIPPED: there is no /usr/sbin/slapd (Debian: slapd and ldap-utils)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let authority = certificates(path);
        std::fs::create_dir(path.join("db")).unwrap();
        let at = path.display();
        let configuration = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             pidfile {at}/pid\nTLSCertificateFile {at}/server.pem\nTLSCertificateKeyFile {at}/server.key\n\
             database mdb\nsuffix \"dc=example,dc=com\"\nrootdn \"{ADMIN}\"\nrootpw \"{PASSWORD}\"\n\
             directory {at}/db\nmaxsize 33554432\ndbnosync\n\
             access to attrs=userPassword by anonymous auth by * none\naccess to * by users read by * none\n"
        );
        std::fs::write(path.join("slapd.conf"), configuration).unwrap();
        let base = "dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\n\
                    dn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\nou: people\n\n";
        std::fs::write(path.join("all.ldif"), format!("{base}{entries}")).unwrap();
        run(Command::new("/usr/sbin/slapadd")
            .args(["-q", "-f"])
            .arg(path.join("slapd.conf"))
            .arg("-l")
            .arg(path.join("all.ldif")));
        let (port, tls_port) = (free_port(), free_port());
        let child = Command::new("/usr/sbin/slapd")
            .args(["-d", "0", "-h"])
            .arg(format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"))
            .arg("-f")
            .arg(path.join("slapd.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let slapd = Self {
            port,
            tls_port,
            authority,
            child,
            _folder: folder,
        };
        for _ in 0..2000 {
            let is_up = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
            if is_up(port) && is_up(tls_port) {
                return Some(slapd);
            }
            pause();
        }
        panic!("slapd does not come up");
    }

    /// Changes entries as somebody else would, with LDIF.
    pub(super) fn modify(&self, ldif: &str) {
        let file = self._folder.path().join("change.ldif");
        std::fs::write(&file, ldif).unwrap();
        let url = format!("ldap://127.0.0.1:{}", self.port);
        run(Command::new("ldapmodify")
            .args(["-x", "-H", &url, "-D", ADMIN, "-w", PASSWORD, "-f"])
            .arg(file));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A certificate for 127.0.0.1 and the authority that signed it, which is answered.
pub(super) fn certificates(path: &Path) -> String {
    let openssl = |arguments: &[&str]| run(Command::new("openssl").args(arguments).current_dir(path));
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let request = |rest: &[&str]| openssl(&[&["req"], key.as_slice(), rest].concat());
    request(&[
        "-x509",
        "-days",
        "3650",
        "-subj",
        "/CN=Test CA",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    request(&["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"]);
    std::fs::write(path.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "3650",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
    std::fs::read_to_string(path.join("ca.pem")).unwrap()
}
