//! What `amana doctor` asks of an institution: from the outside in, and how to mend what is wrong.

use crate::bank::{CheckError, CheckReport, Checked};
use crate::connector::FdxBank;
use crate::error::BankErrorClass;
use crate::fdx::{INTERACTION_HEADER, is_echoed};
use crate::oauth::DpopKey;
use crate::profile::{ClientAuthMethod, InteractionEcho, Par, RevocationBy, Sender, Status};
use url::Url;

/// A refresh token that no server has given: a server that knows the client answers `invalid_grant`.
const NO_SUCH_TOKEN: &str = "amana-doctor-no-such-token";

impl FdxBank {
    pub(crate) async fn examine(&self) -> Result<CheckReport, CheckError> {
        let mut report = CheckReport::default();
        match self.steps(&mut report.checked).await {
            Ok(()) => Ok(report),
            Err((what, mend)) => Err(CheckError {
                institution: self.config.id.clone(),
                what,
                mend: mend.to_owned(),
                checked: report.checked,
            }),
        }
    }

    async fn steps(&self, done: &mut Vec<Checked>) -> Result<(), (String, &'static str)> {
        let profile = &self.config.profile;
        done.push(Checked {
            what: "profile",
            found: format!("{} (fdx {})", profile.name, profile.api.fdx_version),
            warning: (profile.status == Status::Unverified).then(|| {
                let tried =
                    "this profile was written from public papers and not tried against the bank itself";
                match profile.guesses.as_slice() {
                    [] => tried.to_owned(),
                    guesses => format!("{tried}; these are guesses, ask the bank: {}", guesses.join(", ")),
                }
            }),
        });
        let plain =
            [&self.config.issuer, self.config.api_url.as_str()].iter().any(|u| u.starts_with("http:"));
        done.push(Checked {
            what: "tls",
            found: if plain { "plain http" } else { "https" }.to_owned(),
            warning: if plain {
                Some("tokens travel unprotected: only for a sandbox on this machine".to_owned())
            } else if self.http.has_roots {
                None
            } else {
                Some(
                    "this machine has no root certificates: install the package `ca-certificates`".to_owned(),
                )
            },
        });

        self.oauth.forget_metadata().await;
        let metadata =
            self.oauth.metadata().await.map_err(|class| (class.to_string(), mend_metadata(class)))?;
        done.push(Checked { what: "issuer", found: metadata.issuer.clone(), warning: None });

        let method = self.oauth.method();
        let word = match method {
            ClientAuthMethod::ClientSecretBasic => "client_secret_basic",
            ClientAuthMethod::ClientSecretPost => "client_secret_post",
            ClientAuthMethod::PrivateKeyJwt => "private_key_jwt",
            ClientAuthMethod::TlsClientAuth => "tls_client_auth",
        };
        let offers =
            |m: &String| m == word || (word == "tls_client_auth" && m == "self_signed_tls_client_auth");
        let offered = metadata.token_endpoint_auth_methods_supported.as_ref();
        done.push(Checked {
            what: "client authentication",
            found: word.to_owned(),
            warning: offered
                .is_some_and(|all| !all.iter().any(offers))
                .then(|| format!("the server's metadata do not offer `{word}`")),
        });
        done.push(Checked {
            what: "tokens",
            found: match self.oauth.sender() {
                Sender::None => "bearer",
                Sender::Dpop => "bound to a key of each connection (dpop)",
                Sender::Mtls => "bound to our certificate",
            }
            .to_owned(),
            warning: self.oauth.doubts(&metadata),
        });
        let has_par = metadata.pushed_authorization_request_endpoint.is_some();
        done.push(Checked {
            what: "authorization requests",
            found: format!(
                "{}{}",
                if profile.oauth.signed_requests { "signed, " } else { "" },
                if has_par && profile.oauth.par != Par::None { "pushed" } else { "in the url" },
            ),
            warning: None,
        });
        done.push(match (profile.oauth.revocation, &metadata.revocation_endpoint) {
            (RevocationBy::Portal, _) => Checked {
                what: "revocation",
                found: "on the bank's own pages".to_owned(),
                warning: Some(
                    "a customer's stop ends everything here and does not reach the bank: each is told to remove us there"
                        .to_owned(),
                ),
            },
            (RevocationBy::Endpoint, Some(endpoint)) => {
                Checked { what: "revocation", found: endpoint.to_string(), warning: None }
            }
            (RevocationBy::Endpoint, None) => Checked {
                what: "revocation",
                found: "none".to_owned(),
                warning: Some(
                    "the server has no revocation endpoint: a customer's stop reaches the bank only through its consent \
                     api"
                    .to_owned(),
                ),
            },
        });
        if let Some(scopes) = &metadata.scopes_supported {
            let missing: Vec<&str> = profile
                .oauth
                .scopes
                .iter()
                .map(String::as_str)
                .filter(|scope| !scopes.iter().any(|s| s == scope))
                .collect();
            done.push(Checked {
                what: "scopes",
                found: format!("{} offered", scopes.len()),
                warning: (!missing.is_empty())
                    .then(|| format!("the server's metadata do not offer {}", missing.join(", "))),
            });
        }
        done.push(self.try_credentials(&metadata.token_endpoint).await?);
        self.try_api(done).await
    }

    async fn try_credentials(&self, token_endpoint: &Url) -> Result<Checked, (String, &'static str)> {
        let form =
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", NO_SUCH_TOKEN.to_owned())];
        let mend = "check `client_id` and `client_secret` (or `private_key_file` or `certificate_file`, and that the bank knows it), and this machine's clock";
        let key = match self.oauth.sender() {
            Sender::Dpop => DpopKey::fresh(self.entropy.as_ref()).ok(),
            Sender::None | Sender::Mtls => None,
        };
        let answer =
            self.oauth.post_form(token_endpoint, &form, key.as_ref()).await.map_err(|class| {
                (class.to_string(), "check that the token endpoint can be reached from here")
            })?;
        match crate::oauth::answer::class_of(&answer, self.clock.now()) {
            BankErrorClass::OurRequest(what @ ("invalid_client" | "client authentication is refused")) => {
                Err((format!("the server does not accept the client's credentials ({what})"), mend))
            }
            class if class.is_transient() => {
                Err((class.to_string(), "the server fails: try again, then ask the bank"))
            }
            // What it says of the token it says after it knew the client.
            BankErrorClass::RelinkNeeded("invalid_grant") => Ok(Checked {
                what: "client credentials",
                found: "the server knows this client".to_owned(),
                warning: None,
            }),
            class => Ok(Checked {
                what: "client credentials",
                found: class.to_string(),
                warning: Some(
                    "a server that knows the client answers `invalid_grant` to an invented token; whether this one \
                     does cannot be told: if linking fails, check `client_id`, the secret or key, and `client_auth`"
                        .to_owned(),
                ),
            }),
        }
    }

    async fn try_api(&self, done: &mut Vec<Checked>) -> Result<(), (String, &'static str)> {
        let url = self.api(&["accounts"]);
        let interaction = uuid::Builder::from_random_bytes(self.entropy.array()).into_uuid().to_string();
        let request = self.http.get(url.clone()).header(INTERACTION_HEADER, &interaction);
        let answer =
            self.http.send(request).await.map_err(|class| {
                (class.to_string(), "check `api_url`, and that it can be reached from here")
            })?;
        if self.config.profile.api.interaction_id_echo == InteractionEcho::Expected {
            let found = match is_echoed(&answer.headers, &interaction) {
                true => "given back",
                // Of an answer without a token it proves little: a gateway in front of the API may have made it.
                false => {
                    "not given back to a request without a token; `amana_bank_echo_missing_total` counts the others"
                }
            };
            done.push(Checked { what: "interaction id", found: found.to_owned(), warning: None });
        }
        let status = answer.status.as_u16();
        let found = format!("{url} answers {status} without a token");
        match status {
            400 | 401 | 403 => done.push(Checked { what: "api", found, warning: None }),
            200..=299 => {
                return Err((
                    format!("{found}: it asks for no authorization"),
                    "check `api_url`: this is not a bank's data api",
                ));
            }
            404 => {
                return Err((found, "check `api_url`: it must be the base in front of `/accounts`"));
            }
            _ => done.push(Checked {
                what: "api",
                found,
                warning: Some("a bank answers 401 to a request without a token: check `api_url`".to_owned()),
            }),
        }
        Ok(())
    }
}

/// How to mend metadata that cannot be used.
fn mend_metadata(class: BankErrorClass) -> &'static str {
    match class {
        BankErrorClass::Nonsense("the server's metadata name another issuer") => {
            "set `issuer` to exactly what the metadata say, with or without the slash at the end"
        }
        BankErrorClass::Nonsense("its tls certificate is not trusted") => {
            "install the bank's certificate authority on this machine, or the package `ca-certificates`"
        }
        BankErrorClass::OurRequest(_) => {
            "check `issuer`; private addresses need to be allowed in the configuration"
        }
        BankErrorClass::Retry(_) | BankErrorClass::Wait { .. } => {
            "check that `issuer` can be reached from here"
        }
        _ => "check `issuer`; a server without metadata needs a profile with `oauth.endpoints`",
    }
}
