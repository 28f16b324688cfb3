//! The connector on a string, for proofs against servers of other people (`outside/connector.mjs`): settings as JSON in
//! the first line, then a command in each: `link` (and in the next line where the browser came back to), `read`,
//! `refresh`,
//! `revoke`. Each is answered by a line of JSON; of what a bank says (made up) counts, balances and sums are told.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program of its own, for tests")]

use std::io::BufRead as _;
use std::sync::Arc;

use amana_bank::profile::Profile;
use amana_bank::{
    Actor, AuthorizeAsk, Bank as _, BankError, Callback, ClientAuth, ClientCertificate, FdxBank,
    HttpClientOptions, InstitutionConfig, SigningKey, Tls, Tokens,
};
use amana_core::{
    Clock, Cluster, Clusters, CustomerId, Direction, Entropy, InstitutionId, Lang, Secret, Timestamp,
};
use amana_gate::Subject;
use ring::rand::SecureRandom as _;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

type Failed = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Settings {
    profile: String,
    signed_requests: bool,
    sender: String,
    issuer: String,
    api_url: Url,
    client_id: String,
    redirect_uri: Url,
    private_key: Option<String>,
    private_key_id: Option<String>,
    certificate: Option<String>,
    certificate_key: Option<String>,
    authorities: Option<String>,
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

struct Random(ring::rand::SystemRandom);

impl Entropy for Random {
    fn fill(&self, buffer: &mut [u8]) {
        assert!(self.0.fill(buffer).is_ok(), "the operating system has no randomness");
    }
}

fn bank(settings: &Settings, id: InstitutionId) -> Result<FdxBank, Failed> {
    let mut profile = Profile::built_in(id.as_str(), &settings.profile)?;
    profile.oauth.signed_requests = settings.signed_requests;
    let certificate = settings.certificate.clone().zip(settings.certificate_key.clone());
    let config = InstitutionConfig {
        name: "A bank of others".to_owned(),
        id,
        profile,
        issuer: settings.issuer.clone(),
        api_url: settings.api_url.clone(),
        provider_id: None,
        client_id: settings.client_id.clone(),
        client_auth: if settings.private_key.is_some() { ClientAuth::PrivateKeyJwt } else { ClientAuth::Tls },
        signing_key: settings
            .private_key
            .clone()
            .map(|pem| SigningKey { pem: Secret::new(pem), kid: settings.private_key_id.clone() }),
        sender: Some(settings.sender.parse().map_err(|()| "`sender` is not known")?),
        tls: Tls {
            certificate: certificate
                .map(|(chain_pem, key)| ClientCertificate { chain_pem, key_pem: Secret::new(key) }),
            authorities_pem: settings.authorities.clone(),
        },
    };
    let options = HttpClientOptions { allow_private_addresses: true, ..HttpClientOptions::default() };
    Ok(FdxBank::new(config, options, Arc::new(Now), Arc::new(Random(ring::rand::SystemRandom::new())))?)
}

struct Drive {
    bank: FdxBank,
    redirect_uri: Url,
    subject: Subject,
    /// The tokens as they are stored, and the bank's consent.
    kept: Option<(Vec<u8>, Option<String>)>,
}

impl Drive {
    fn tokens(&self) -> Result<(Tokens, Option<&str>), Failed> {
        let (bytes, consent) = self.kept.as_ref().ok_or("nothing is linked")?;
        Ok((Tokens::from_bytes(bytes)?, consent.as_deref()))
    }

    async fn link(
        &mut self,
        lines: &mut impl Iterator<Item = std::io::Result<String>>,
    ) -> Result<Value, Failed> {
        let begun = self
            .bank
            .begin(&AuthorizeAsk {
                redirect_uri: self.redirect_uri.clone(),
                clusters: Clusters::of(&[Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions]),
                duration_days: 365,
                lookback_days: 730,
                lang: Lang::English,
                login_only: false,
            })
            .await?;
        println!("{}", json!({ "authorize": begun.url }));
        let back = Url::parse(&lines.next().ok_or("the browser did not come back")??)?;
        let said = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, v)| v.into_owned());
        let callback = Callback {
            code: said("code").map(Secret::new),
            state: said("state"),
            iss: said("iss"),
            error: said("error"),
            error_description: None,
        };
        let granted = self.bank.complete(&begun.pending, &callback).await?;
        let answer = json!({
            "subject": granted.subject,
            "refresh_token": granted.tokens.refresh.is_some(),
            "key": granted.tokens.dpop.is_some(),
        });
        self.kept = Some((granted.tokens.to_bytes(), granted.bank_consent));
        Ok(answer)
    }

    async fn one(
        &mut self,
        command: &str,
        lines: &mut impl Iterator<Item = std::io::Result<String>>,
    ) -> Result<Value, Failed> {
        match command {
            "link" => self.link(lines).await,
            "read" => {
                let (tokens, _) = self.tokens()?;
                let accounts = self.bank.accounts(&tokens, &self.subject, Actor::User).await?;
                let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
                let balances: Vec<Value> = accounts
                    .data
                    .open_in_test()
                    .iter()
                    .map(|account| {
                        json!([
                            account.id.as_str(),
                            account.current.map(|m| m.minor),
                            account.available.map(|m| m.minor)
                        ])
                    })
                    .collect();
                let mut rows = Vec::new();
                for account in &accounts.ids {
                    let page = self
                        .bank
                        .transactions(&tokens, &self.subject, account, from, to, Actor::User)
                        .await?;
                    let page = page.open_in_test();
                    let sum = |direction| -> i64 {
                        page.rows
                            .iter()
                            .filter(|row| row.direction == direction)
                            .map(|row| row.amount.minor)
                            .sum()
                    };
                    rows.push(json!({
                        "of": account.as_str(), "count": page.rows.len(), "whole": !page.truncated,
                        "in": sum(Direction::In), "out": sum(Direction::Out),
                    }));
                }
                Ok(json!({
                    "accounts": accounts.ids.len(), "skipped": accounts.skipped, "balances": balances, "rows": rows,
                }))
            }
            "refresh" => {
                let (tokens, consent) = self.tokens()?;
                let fresh = self.bank.refresh(&tokens).await?;
                let answer = json!({
                    "new_access_token": fresh.access != tokens.access,
                    "same_refresh_token": fresh.refresh == tokens.refresh,
                    "same_key": fresh.dpop == tokens.dpop,
                });
                let consent = consent.map(str::to_owned);
                self.kept = Some((fresh.to_bytes(), consent));
                Ok(answer)
            }
            "revoke" => {
                let (tokens, consent) = self.tokens()?;
                self.bank.revoke(&tokens, consent, amana_bank::TakenBack::BY_CUSTOMER).await?;
                Ok(json!({ "revoked": true }))
            }
            other => Err(format!("`{other}` is no command").into()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let mut lines = std::io::stdin().lock().lines();
    let settings: Settings = serde_json::from_str(&lines.next().ok_or("the settings are missing")??)?;
    let id = InstitutionId::new("outside")?;
    let customer = CustomerId::new(&Now, &Random(ring::rand::SystemRandom::new()));
    let mut drive = Drive {
        bank: bank(&settings, id.clone())?,
        redirect_uri: settings.redirect_uri.clone(),
        subject: Subject { institution: id, customer },
        kept: None,
    };
    while let Some(command) = lines.next().transpose()? {
        let answer = drive.one(&command, &mut lines).await.unwrap_or_else(|e| {
            let class = e.downcast_ref::<BankError>().map_or("none", |e| e.class.as_str());
            json!({ "class": class, "error": e.to_string() })
        });
        println!("{answer}");
    }
    Ok(())
}
