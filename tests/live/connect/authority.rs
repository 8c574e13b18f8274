//! A certificate authority for the tests of TLS, made by openssl.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::Command;

use super::server::{NOBODY, Server, is_root, new_directory, succeeded};

/// An authority and what it signed, made by openssl; all keys and certificates are in `0`.
pub(super) struct Authority {
    pub(super) directory: PathBuf,
    /// What openssl is to make keys of.
    keys: &'static str,
}

/// Quick to make.
pub(super) const ELLIPTIC: &str = "ec -pkeyopt ec_paramgen_curve:prime256v1";

/// What most people have.
pub(super) const RSA: &str = "rsa:2048";

/// `(3, 0)` of `OpenSSL 3.0.17 1 Jul 2025 …`.
fn openssl_version() -> (u32, u32) {
    let output = Command::new("openssl").arg("version").output();
    let text = String::from_utf8(output.expect("openssl").stdout).expect("text");
    let number = text.split(' ').nth(1).expect("a version");
    let mut parts = number
        .split('.')
        .map(|part| part.parse().expect("a number"));
    (parts.next().expect("major"), parts.next().expect("minor"))
}

impl Authority {
    pub(super) fn new(keys: &'static str) -> Self {
        let directory = new_directory();
        let authority = Self { directory, keys };
        authority.openssl(&format!("req -x509 -newkey {keys} -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=pgperf-test-ca"));
        authority
    }

    /// Signs a certificate `name.crt` with these extensions.
    pub(super) fn sign(&self, name: &str, common_name: &str, extensions: &str) {
        let keys = self.keys;
        self.openssl(&format!("req -new -newkey {keys} -nodes -keyout {name}.key -out {name}.csr -subj /CN={common_name}"));
        fs::write(self.directory.join("extensions"), extensions).expect("extensions");
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out {name}.crt -days 30 -extfile extensions"
        ));
    }

    /// Signs a certificate of X.509 version 1, which `openssl x509 -req` stopped to make without extensions and got an option
    /// for elsewhere, as for days that are over.
    pub(super) fn sign_old(&self, name: &str, common_name: &str, expired: bool) {
        let keys = self.keys;
        self.openssl(&format!("req -new -newkey {keys} -nodes -keyout {name}.key -out {name}.csr -subj /CN={common_name}"));
        let (command, days) = if openssl_version() >= (3, 4) {
            let over = "-not_before 20200101000000Z -not_after 20200201000000Z";
            // The default configuration would make it an authority's.
            let plain = "[req]\ndistinguished_name=dn\n[dn]\n";
            fs::write(self.directory.join("plain"), plain).expect("configuration");
            let days = if expired { over } else { "-days 30" };
            ("req -x509v1 -config plain", days)
        } else {
            let days = if expired { "-days -1" } else { "-days 30" };
            ("x509 -req -CAcreateserial", days)
        };
        self.openssl(&format!(
            "{command} -in {name}.csr -CA ca.crt -CAkey ca.key -out {name}.crt {days}"
        ));
    }

    pub(super) fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(&self.directory);
        succeeded(&mut command);
    }

    /// Copies files to a server's directory, keys readable only for it.
    pub(super) fn install(&self, server: &Server, names: &[(&str, &str)]) {
        for (from, to) in names {
            let to = server.directory.join(to);
            fs::copy(self.directory.join(from), &to).expect("copy");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("mode");
            if is_root() {
                chown(&to, Some(NOBODY), Some(NOBODY)).expect("chown");
            }
        }
        let settings = [
            "ssl = on",
            "ssl_cert_file = 'DIR/server.crt'",
            "ssl_key_file = 'DIR/server.key'",
            "ssl_ca_file = 'DIR/ca.crt'",
        ];
        for setting in settings {
            server.append(setting);
        }
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.directory);
    }
}
