//! How the client of one institution proves itself: secrets, keys and certificates.

use super::{Reader, shown};
use crate::files::read_text;
use crate::limits::CERTIFICATE_FILE_BYTES_MAX;
use crate::roles::Role;
use amana_bank::profile::{ClientAuthMethod, Sender};
use amana_bank::{ClientAuth, ClientCertificate, Profile, SigningKey, Tls};
use amana_core::Secret;
use std::path::Path;

/// What was read.
pub(super) struct Client {
    pub(super) auth: ClientAuth,
    pub(super) signing_key: Option<SigningKey>,
    pub(super) sender: Option<Sender>,
    pub(super) tls: Tls,
}

impl Reader<'_> {
    /// The client of an institution. Whether the profile takes it is asked where the connector is made.
    pub(super) fn client(&mut self, index: usize, profile: Option<&Profile>) -> Option<Client> {
        let key = |name: &str| format!("institution[{index}].{name}");
        let secret = self.secret(&key("client_secret"));
        if self.role.is_some_and(|role| role != Role::Connector) {
            // The others speak to no bank, and their user may not read the connector's files.
            let auth = ClientAuth::SecretBasic(Secret::new(""));
            return Some(Client { auth, signing_key: None, sender: None, tls: Tls::default() });
        }
        let before = self.problems.len();
        let signing_key = self.text(&key("private_key_file")).and_then(|file| {
            let pem = self.secret_file(&key("private_key_file"), Path::new(&file))?;
            Some(SigningKey { pem, kid: self.text(&key("private_key_id")) })
        });
        let certificate = self.certificate(index);
        let authorities_pem = self.pem_file(&key("ca_file"));
        let sender = self.text(&key("sender")).and_then(|word| {
            let sender = word.parse().ok();
            if sender.is_none() {
                let what = format!("is `{}`; it must be `none`, `dpop` or `mtls`", shown(&word));
                self.wrong(&key("sender"), what);
            }
            sender
        });
        // What could not be read was given all the same.
        if self.problems.len() > before {
            return None;
        }
        let auth = self.client_auth(index, secret, signing_key.is_some(), certificate.is_some(), profile)?;
        Some(Client { auth, signing_key, sender, tls: Tls { certificate, authorities_pem } })
    }

    fn client_auth(
        &mut self,
        index: usize,
        secret: Option<Secret>,
        has_key: bool,
        has_certificate: bool,
        profile: Option<&Profile>,
    ) -> Option<ClientAuth> {
        let key = |name: &str| format!("institution[{index}].{name}");
        let said = self.text(&key("client_auth"));
        let has_secret =
            secret.is_some() || self.said(&key("client_secret_file")) || self.said(&key("client_secret"));
        if said.is_none() && has_secret && has_key {
            let what = "is given beside `client_secret`: take one of them away, or say `client_auth`";
            self.wrong(&key("private_key_file"), what);
            return None;
        }
        let word = match said.as_deref() {
            Some(word) => word,
            None if has_secret => {
                let first =
                    profile.and_then(|p| p.oauth.client_auth.iter().find(|method| method.is_secret()));
                if first == Some(&ClientAuthMethod::ClientSecretPost) {
                    "client_secret_post"
                } else {
                    "client_secret_basic"
                }
            }
            None if has_key => "private_key_jwt",
            None if has_certificate => "tls_client_auth",
            None => {
                let what = "give it, `client_secret_file`, `private_key_file` or `certificate_file`";
                self.missing(&key("client_secret"), what);
                return None;
            }
        };
        let lacks = |reader: &mut Self, name: &str| {
            reader.missing(&key(name), &format!("`client_auth` is `{word}`"));
            None
        };
        match word {
            "client_secret_basic" | "client_secret_post" => match secret {
                Some(secret) if word == "client_secret_post" => Some(ClientAuth::SecretPost(secret)),
                Some(secret) => Some(ClientAuth::SecretBasic(secret)),
                // What is wrong with it has been said.
                None if has_secret => None,
                None => lacks(self, "client_secret"),
            },
            "private_key_jwt" if has_key => Some(ClientAuth::PrivateKeyJwt),
            "private_key_jwt" => lacks(self, "private_key_file"),
            "tls_client_auth" | "self_signed_tls_client_auth" if has_certificate => Some(ClientAuth::Tls),
            "tls_client_auth" | "self_signed_tls_client_auth" => lacks(self, "certificate_file"),
            other => {
                let what = format!(
                    "is `{}`; it must be `client_secret_basic`, `client_secret_post`, `private_key_jwt`, \
                     `tls_client_auth` or `self_signed_tls_client_auth`",
                    shown(other)
                );
                self.wrong(&key("client_auth"), what);
                None
            }
        }
    }

    fn certificate(&mut self, index: usize) -> Option<ClientCertificate> {
        let key = |name: &str| format!("institution[{index}].{name}");
        let key_file = self.text(&key("certificate_key_file"));
        match (self.text(&key("certificate_file")), key_file) {
            (None, None) => None,
            (Some(_), Some(key_file)) => {
                let chain_pem = self.pem_file(&key("certificate_file"));
                let key_pem = self.secret_file(&key("certificate_key_file"), Path::new(&key_file));
                Some(ClientCertificate { chain_pem: chain_pem?, key_pem: key_pem? })
            }
            (Some(_), None) => {
                self.missing(&key("certificate_key_file"), "`certificate_file` is of no use without its key");
                None
            }
            (None, Some(_)) => {
                self.missing(&key("certificate_file"), "`certificate_key_file` is of no use without it");
                None
            }
        }
    }

    /// The text of a file that holds no secret.
    fn pem_file(&mut self, key: &str) -> Option<String> {
        let file = self.text(key)?;
        match read_text(Path::new(&file), CERTIFICATE_FILE_BYTES_MAX) {
            Ok(text) => Some(text),
            Err(why) => {
                self.wrong(key, format!("names `{file}`, which {why}"));
                None
            }
        }
    }
}
