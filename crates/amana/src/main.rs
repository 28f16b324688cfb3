//! The `amana` binary: command line, configuration, wiring. Here, and only here, the real clock, the system's
//! randomness and the environment come in.
//!
//! ```text
//! cli ─▶ config (default ▸ file ▸ environment) ─▶ gateway::connectors ─▶ gateway::prepare ─▶ gateway::run
//! demo ─▶ sandbox bank + Messenger simulator, and a configuration in memory ─▶ the same way
//! ```
//!
//! What is **not** here: no rule of what may flow, no SQL, no wire format, no page.

mod agreement;
mod alarms;
mod ambient;
mod audit;
mod audit_reconcile;
mod bench;
mod cli;
mod config;
mod demo;
mod doctor;
mod exported;
mod files;
#[cfg(test)]
mod fuzz;
mod gateway;
mod harden;
mod keep;
mod key_command;
mod keys;
mod kill;
mod lifecycle;
mod limits;
mod messenger;
mod operate;
mod output;
mod policy;
mod roles;
mod sandbox;
mod serve;
mod server;
mod telemetry;
mod traces;
mod who;

use amana_core::{ConversationId, MediaForm, MediaKind};
use clap::Parser as _;
use cli::{
    AlarmsCommand, Cli, Command, ConfigCommand, Configured, CustomerCommand, DeadCommand, KeysCommand,
    MessengerCommand, RetentionCommand, SandboxCommand, ThreadAct,
};
use config::{ConfigErrors, Log, Settings};
use std::process::ExitCode;

fn main() -> ExitCode {
    harden::harden();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::anyhow!("the runtime cannot start: {error}")),
    };
    let result = runtime.block_on(run(cli.command));
    // A blocked thread (a slow disk, a name look-up) does not hold the end up.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

/// Says the error on standard error.
fn failed(error: &anyhow::Error) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "amana: {error:#}");
    ExitCode::FAILURE
}

fn load(configured: &Configured) -> Result<Settings, ConfigErrors> {
    config::load(&configured.config, config::variables())
}

/// For a command that works once: the log says only what is wrong.
fn load_quietly(configured: &Configured) -> anyhow::Result<Settings> {
    let settings = load(configured)?;
    telemetry::log(&Log { level: "warn".to_owned(), ..settings.log.clone() })?;
    Ok(settings)
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::demo(args).await?,
        Command::Serve(cli::Serve { configured, role }) => {
            let settings = config::load_for(role, &configured.config, config::variables())?;
            let service = role.map_or("amana", roles::Role::service);
            let spans = telemetry::log_and_traces(&settings, service)?;
            let served = match role {
                Some(role) => serve::serve_role(&settings, role).await,
                None => serve::serve(&settings).await,
            };
            // The last ones, too.
            if let Some(spans) = spans {
                spans.end().await;
            }
            served?;
        }
        Command::Migrate(configured) => operate::migrate(&load_quietly(&configured)?).await?,
        Command::Doctor(args) => return examine(&args).await,
        Command::Config(ConfigCommand::Default) => output::line(config::DEFAULT.trim_end()),
        Command::Config(ConfigCommand::Check(configured)) => {
            gateway::connectors(&load_quietly(&configured)?)?;
            output::line("the configuration is in order");
        }
        Command::Messenger(command) => {
            let settings = load_quietly(command.configured())?;
            let good = match command {
                MessengerCommand::Setup(_) => messenger::set_up(&settings).await.map(|()| true)?,
                MessengerCommand::Status { json, .. } => messenger::status(&settings, json).await?,
                MessengerCommand::Templates { look, json, .. } => {
                    messenger::templates(&settings, look, json).await?
                }
                MessengerCommand::Thread {
                    act: ThreadAct::Reply,
                    page,
                    person,
                    text,
                    attachment,
                    video,
                    persona,
                    by,
                    ..
                } => {
                    let media = if video { MediaKind::Video } else { MediaKind::Image };
                    let media = attachment.map(|attachment_id| MediaForm { media, attachment_id });
                    let reply = messenger::Reply { text, media, persona, by };
                    messenger::reply(&settings, page, person, reply).await.map(|()| true)?
                }
                MessengerCommand::Persona { page, name, picture, .. } => {
                    let made = name.as_deref().zip(picture.as_deref());
                    messenger::persona(&settings, &page, made).await.map(|()| true)?
                }
                MessengerCommand::Thread { act, page, person, to, hours, .. } => {
                    messenger::thread(&settings, act, (&page, &person), to.as_deref(), hours).await?;
                    true
                }
                MessengerCommand::Attach { page, file, url, video, json, .. } => {
                    let media = if video { MediaKind::Video } else { MediaKind::Image };
                    let from = messenger::Source { file, url };
                    messenger::attach(&settings, &page, media, &from, json).await.map(|()| true)?
                }
                MessengerCommand::Proof { page, .. } => operate::proof(&settings, &page).map(|()| true)?,
            };
            return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Agreement(command) => {
            agreement::run(&load_quietly(command.configured())?, command).await?;
        }
        Command::Policy(command) => {
            if let Some(command) = policy::run_alone(command).await?
                && let Some(configured) = command.configured()
            {
                policy::run(&load_quietly(configured)?, command).await?;
            }
        }
        Command::Kill(command) => kill::run(command).await?,
        Command::Alarms(AlarmsCommand::List { configured, all, json }) => {
            let open = alarms::list(&load_quietly(&configured)?, all, json).await?;
            return Ok(if open { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        Command::Alarms(AlarmsCommand::Close { alarm, by, configured }) => {
            alarms::close(&load_quietly(&configured)?, &alarm, by.as_deref()).await?;
        }
        Command::Nodes(configured) => operate::nodes(&load_quietly(&configured)?).await?,
        Command::Dead(DeadCommand::List(configured)) => operate::dead(&load_quietly(&configured)?).await?,
        Command::Dead(DeadCommand::Replay { message, configured }) => {
            operate::replay(&load_quietly(&configured)?, &message).await?;
        }
        Command::Audit(command) => return audit::run(command).await,
        Command::Keys(KeysCommand::Rotate { configured, new, new_command }) => {
            let settings = load_quietly(&configured)?;
            match new {
                Some(new) => keys::rotate(&settings, &new)?,
                None => keys::rotate_to_command(&settings, &new_command)?,
            }
        }
        Command::Retention(RetentionCommand::Report(configured)) => {
            keep::report(&load_quietly(&configured)?).await?;
        }
        Command::Customer(CustomerCommand::Find { institution, subject, page, person, configured }) => {
            let who = match (institution.zip(subject), page.zip(person)) {
                (Some((institution, subject)), _) => keep::Who::Subject(institution, subject),
                (None, Some((channel, psid))) => keep::Who::Chat(ConversationId { channel, psid }),
                (None, None) => {
                    anyhow::bail!("give `--institution` and `--subject`, or `--page` and `--person`")
                }
            };
            keep::find(&load_quietly(&configured)?, who).await?;
        }
        Command::Customer(CustomerCommand::Erase { customer, configured, yes }) => {
            keep::erase(&load_quietly(&configured)?, customer, yes).await?;
        }
        Command::Bench(args) => {
            telemetry::log(&sandbox_log())?;
            return bench::bench(&args).await;
        }
        Command::Sandbox(SandboxCommand::Bank(args)) => {
            telemetry::log(&sandbox_log())?;
            sandbox::bank(args).await?;
        }
        Command::Sandbox(SandboxCommand::Messenger(args)) => {
            telemetry::log(&sandbox_log())?;
            sandbox::messenger(args).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn sandbox_log() -> Log {
    Log { json: false, level: "warn".to_owned() }
}

async fn examine(args: &cli::Doctor) -> anyhow::Result<ExitCode> {
    let good = match load(&args.configured) {
        Ok(settings) => {
            telemetry::log(&Log { level: "error".to_owned(), ..settings.log.clone() })?;
            doctor::doctor(&settings, args.json).await
        }
        Err(errors) => {
            doctor::bad_configuration(&errors, args.json);
            false
        }
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
