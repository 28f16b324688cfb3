//! `amana audit key` and `amana audit export`.

use crate::ambient::OsEntropy;
use crate::cli::Configured;
use crate::config::{self, Log};
use crate::{files, gateway, output, telemetry};
use amana_core::CustomerId;
use amana_flow::BundleAsk;
use amana_gate::Recipient;
use anyhow::{Context as _, bail};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn key(configured: &Configured) -> anyhow::Result<ExitCode> {
    let settings = config::load(&configured.config, config::variables())?;
    let keys = crate::keys::keys(&settings, false)?;
    let Some(keyring) = keys.keyring(false, &OsEntropy)? else {
        bail!("there is no root key yet: `amana serve` makes it at the first start");
    };
    output::line(&gateway::log_signer(&settings, &keyring)?.verifier().to_string());
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn export(
    configured: &Configured,
    customer: &str,
    since: Option<u64>,
    out: Option<&Path>,
    by: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let settings = config::load(&configured.config, config::variables())?;
    telemetry::log(&Log { level: "warn".to_owned(), ..settings.log.clone() })?;
    let id: CustomerId = customer.parse().context("`--customer` must be an id such as `cus_…`")?;
    let connectors = gateway::connectors(&settings)?;
    let gateway = gateway::made(&settings, connectors.sides()).await?;
    let Some(customer) = gateway.store().customer_place(id).await? else {
        bail!("there is no customer `{id}`");
    };
    // The customer sees who it was.
    let by = Recipient::Agent(crate::who::acting(by));
    let mut ask = BundleAsk { since, ..BundleAsk::default() };
    for number in 1_u32.. {
        let part =
            gateway.bundle_of(&customer.institution, customer.shard, customer.id, by.clone(), ask).await?;
        match out {
            Some(path) => {
                let mut name = path.as_os_str().to_owned();
                if number > 1 {
                    name.push(format!(".{number}"));
                }
                let path = Path::new(&name);
                files::write_private(path, part.json.as_bytes())
                    .with_context(|| format!("`{}` cannot be written", path.display()))?;
                output::line(&format!(
                    "written to {}; it holds the customer's key for the log",
                    path.display()
                ));
            }
            None => output::line(&part.json),
        }
        let Some(next) = part.next else { break };
        ask = next;
    }
    Ok(ExitCode::SUCCESS)
}
