//! A timestamping authority made with the openssl program.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the signer's certificate is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// As RFC 3161 wants it.
    TimeStamping,
    NotCritical,
    CodeSigning,
    TimeStampingAndMore,
    None,
}

#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// `rsa:2048`, `ec:P-256` or `ec:P-384`, of all certificates.
    pub key: &'static str,
    pub purpose: Purpose,
    /// `notAfter` of the signer, `YYYYMMDDhhmmssZ`.
    pub until: &'static str,
    /// `notAfter` of the issuer.
    pub issuer_until: &'static str,
    /// Whether the issuer may issue.
    pub issuer_is_authority: bool,
    /// Digest of the signature.
    pub digest: &'static str,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            key: "ec:P-256",
            purpose: Purpose::TimeStamping,
            until: "20991231235959Z",
            issuer_until: "20991231235959Z",
            issuer_is_authority: true,
            digest: "sha256",
        }
    }
}

/// Root, issuer and signer in a directory of their own.
pub struct Authority {
    folder: PathBuf,
    digest: &'static str,
}

fn openssl(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

const CONFIG: &str = "
[req]
distinguished_name = dn
prompt = no
[dn]
CN = placeholder
[ca]
default_ca = ca_default
[ca_default]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[issuer]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign
[no_issuer]
basicConstraints = critical, CA:false
[TimeStamping]
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
[NotCritical]
extendedKeyUsage = timeStamping
[CodeSigning]
extendedKeyUsage = critical, codeSigning
[TimeStampingAndMore]
extendedKeyUsage = critical, timeStamping, codeSigning
[None]
keyUsage = critical, digitalSignature
[tsa]
default_tsa = tsa_default
[tsa_default]
serial = tsa_serial
crypto_device = builtin
digests = sha256, sha384, sha512
default_policy = 1.2.3.4.1
accuracy = secs:1, millisecs:500
ordering = no
tsa_name = no
ess_cert_id_chain = no
";

impl Authority {
    pub fn new(folder: &Path, shape: Shape) -> Authority {
        std::fs::create_dir_all(folder).unwrap();
        for (name, text) in [
            ("config", CONFIG),
            ("index", ""),
            ("serial", "1000\n"),
            ("tsa_serial", "01\n"),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let (algorithm, parameter) = shape.key.split_once(':').unwrap();
        let option = match algorithm {
            "rsa" => format!("rsa_keygen_bits:{parameter}"),
            _ => format!("ec_paramgen_curve:{parameter}"),
        };
        for name in ["root", "issuer", "signer"] {
            let key = format!("{name}.key");
            openssl(
                folder,
                &[
                    "genpkey",
                    "-algorithm",
                    algorithm,
                    "-pkeyopt",
                    &option,
                    "-out",
                    &key,
                ],
            );
        }
        openssl(
            folder,
            &[
                "req",
                "-x509",
                "-config",
                "config",
                "-extensions",
                "root",
                "-key",
                "root.key",
                "-subj",
                "/CN=Test root",
                "-days",
                "3650",
                "-out",
                "root.pem",
            ],
        );
        let issuer_extensions = if shape.issuer_is_authority {
            "issuer"
        } else {
            "no_issuer"
        };
        sign(folder, "issuer", "root", issuer_extensions, shape.issuer_until);
        sign(
            folder,
            "signer",
            "issuer",
            &format!("{:?}", shape.purpose),
            shape.until,
        );
        Authority {
            folder: folder.to_owned(),
            digest: shape.digest,
        }
    }

    /// PEM of the root, for a trust policy.
    pub fn root_pem(&self) -> String {
        std::fs::read_to_string(self.folder.join("root.pem")).unwrap()
    }

    pub fn root_der(&self) -> Vec<u8> {
        openssl(&self.folder, &["x509", "-in", "root.pem", "-outform", "DER"])
    }

    /// What the authority answers to a query.
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        std::fs::write(self.folder.join("query"), query).unwrap();
        let digest = format!("-{}", self.digest);
        openssl(
            &self.folder,
            &[
                "ts",
                "-reply",
                "-config",
                "config",
                "-queryfile",
                "query",
                "-signer",
                "signer.pem",
                "-inkey",
                "signer.key",
                "-chain",
                "issuer.pem",
                &digest,
                "-out",
                "reply",
            ],
        );
        std::fs::read(self.folder.join("reply")).unwrap()
    }

    /// The content of a token signed by this authority, whatever its certificate is for: `openssl ts` would refuse.
    pub fn sign_content(&self, response: &[u8]) -> Vec<u8> {
        std::fs::write(self.folder.join("reply"), response).unwrap();
        openssl(
            &self.folder,
            &["ts", "-reply", "-in", "reply", "-token_out", "-out", "token"],
        );
        openssl(
            &self.folder,
            &[
                "cms",
                "-verify",
                "-noverify",
                "-inform",
                "DER",
                "-in",
                "token",
                "-out",
                "content",
            ],
        );
        openssl(
            &self.folder,
            &[
                "cms",
                "-sign",
                "-binary",
                "-nodetach",
                "-cades",
                "-econtent_type",
                "1.2.840.113549.1.9.16.1.4",
                "-md",
                "sha256",
                "-signer",
                "signer.pem",
                "-inkey",
                "signer.key",
                "-certfile",
                "issuer.pem",
                "-outform",
                "DER",
                "-in",
                "content",
                "-out",
                "token",
            ],
        );
        let token = std::fs::read(self.folder.join("token")).unwrap();
        let mut body = vec![0x30, 3, 2, 1, 0];
        body.extend_from_slice(&token);
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let mut response = vec![0x30, 0x82, length[0], length[1]];
        response.extend_from_slice(&body);
        response
    }

    /// Whether openssl accepts the answer for this digest.
    pub fn openssl_accepts(&self, response: &[u8], imprint: &[u8; 32]) -> bool {
        std::fs::write(self.folder.join("reply"), response).unwrap();
        let digest: String = imprint.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut command = Command::new("openssl");
        command.current_dir(&self.folder);
        command.args([
            "ts", "-verify", "-digest", &digest, "-in", "reply", "-CAfile", "root.pem",
        ]);
        command.output().unwrap().status.success()
    }
}

fn sign(folder: &Path, name: &str, issuer: &str, extensions: &str, until: &str) {
    let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
    let subject = format!("/CN=Test {name}");
    openssl(
        folder,
        &[
            "req", "-new", "-config", "config", "-key", &key, "-subj", &subject, "-out", &request,
        ],
    );
    openssl(
        folder,
        &[
            "ca",
            "-batch",
            "-config",
            "config",
            "-notext",
            "-extensions",
            extensions,
            "-startdate",
            "20200101000000Z",
            "-enddate",
            until,
            "-cert",
            &format!("{issuer}.pem"),
            "-keyfile",
            &format!("{issuer}.key"),
            "-in",
            &request,
            "-out",
            &format!("{name}.pem"),
        ],
    );
}
