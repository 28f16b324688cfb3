//! Group commit: what waits is drained, applied in one transaction, committed once, and only then answered. There is
//! no artificial delay: under load the queue fills while a commit runs, and the next batch is as big as it needs to
//! be.

use crate::apply::{Refused, apply};
use crate::db::Db;
use crate::limits::BATCH_TRIES_MAX;
use crate::vault::Vault;
use crate::{Command, NewInbox, Outcome, StoreError, SubmitError};
use std::future::Future;
use tokio::sync::{mpsc, oneshot};

/// What a submission is answered.
pub(crate) type Reply = Result<Vec<Outcome>, SubmitError>;

/// Commands that become durable together, and who waits for it.
pub(crate) struct Submission {
    pub(crate) commands: Vec<Command>,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What a batch may lock beside the rows of its own shards. Writers of several processes wait for each other there,
/// and all of them lock in one order, so that none waits for one that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locks {
    /// Rows alone that other processes leave alone.
    Own,
    /// The log's head, for receipts, and rows that others may want: the head comes first.
    Head,
}

impl Locks {
    /// What these submissions may lock.
    pub(crate) fn of(batch: &[Submission]) -> Self {
        let mut commands = batch.iter().flat_map(|submission| &submission.commands);
        if commands.any(Command::may_lock_head) { Self::Head } else { Self::Own }
    }
}

/// The submissions that are about this process's being a node, and the others. A look after the leases of shards must
/// not share a transaction with work that waits for the log's head: what it freed would be free for nobody before that.
/// They wait at the same time, so any order among them is a right one.
pub(crate) fn apart(batch: Vec<Submission>) -> (Vec<Submission>, Vec<Submission>) {
    batch.into_iter().partition(|submission| submission.commands.iter().all(Command::is_of_nodes))
}

/// The writer's own connection.
pub(crate) trait WriterConn: Db {
    /// Begins a transaction; `locks` is what the batch may lock.
    fn begin(&mut self, locks: Locks) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// After an error here nobody knows whether the batch is durable.
    fn commit(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Ends the transaction without its changes; a failure is the connection's, and the next `begin` finds it.
    fn rollback(&mut self) -> impl Future<Output = ()> + Send;
    fn savepoint(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    fn release(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    fn rollback_to_savepoint(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Takes many events in with one statement; `None` where the engine is as quick one by one.
    fn accept_many(
        &mut self,
        _events: &[&NewInbox],
    ) -> impl Future<Output = Result<Option<Vec<Outcome>>, StoreError>> + Send {
        async { Ok(None) }
    }
}

/// Adds what waits in the queue, until the batch is full.
pub(crate) fn drain(
    first: Submission,
    queue: &mut mpsc::Receiver<Submission>,
    most: usize,
) -> Vec<Submission> {
    let mut commands = first.commands.len();
    let mut batch = vec![first];
    while commands < most {
        let Ok(next) = queue.try_recv() else { break };
        commands += next.commands.len().max(1);
        batch.push(next);
    }
    batch
}

/// Makes a batch durable and answers everyone in it. `careful` is the writer's memory of how the last batch went.
///
/// A savepoint around each submission costs about a third of the writer's time, and is needed only where one is refused
/// while others are not. So a batch is tried without; should a submission be refused, all of it is done again with
/// savepoints, and so is the next batch.
pub(crate) async fn commit_batch<C: WriterConn>(
    conn: &mut C,
    vault: &Vault,
    batch: Vec<Submission>,
    careful: &mut bool,
) {
    let mut tries = 1;
    let mut with_savepoints = *careful && batch.len() > 1;
    let replies = loop {
        match attempt(conn, vault, &batch, with_savepoints).await {
            Ok(Some(replies)) => {
                *careful = batch.len() > 1 && replies.iter().any(Result::is_err);
                break replies;
            }
            Ok(None) => {
                conn.rollback().await;
                with_savepoints = true;
            }
            Err(error) => {
                conn.rollback().await;
                if error.may_be_tried_again() && tries < BATCH_TRIES_MAX {
                    tries += 1;
                    continue;
                }
                tracing::error!(%error, submissions = batch.len(), "a batch was not committed");
                break batch.iter().map(|_| Err(SubmitError::Store(error.clone()))).collect();
            }
        }
    };
    for (submission, reply) in batch.into_iter().zip(replies) {
        // Whoever no longer waits does not get the answer; the commands are durable all the same.
        let _ = submission.reply.send(reply);
    }
}

fn only_accepts(commands: &[Command]) -> bool {
    !commands.is_empty() && commands.iter().all(|command| matches!(command, Command::Accept(_)))
}

/// One transaction. `Err` means that none of it is kept; `None`, that without savepoints it cannot be.
async fn attempt<C: WriterConn>(
    conn: &mut C,
    vault: &Vault,
    batch: &[Submission],
    with_savepoints: bool,
) -> Result<Option<Vec<Reply>>, StoreError> {
    conn.begin(Locks::of(batch)).await?;
    let mut replies: Vec<Option<Reply>> = batch.iter().map(|_| None).collect();
    accept_together(conn, batch, &mut replies).await?;
    // A submission alone in its batch needs no savepoint: the transaction is one.
    let alone = batch.len() == 1;
    for (submission, reply) in batch.iter().zip(&mut replies) {
        if reply.is_some() {
            continue;
        }
        if with_savepoints {
            *reply = Some(run_apart(conn, vault, &submission.commands).await?);
            continue;
        }
        let answer = match run(conn, vault, &submission.commands).await {
            Err(error) if !alone && !error.may_be_tried_again() => return Ok(None),
            answer => answer?,
        };
        if answer.is_err() && alone {
            conn.rollback().await;
            return Ok(Some(vec![answer]));
        }
        if answer.is_err() {
            return Ok(None);
        }
        *reply = Some(answer);
    }
    conn.commit().await?;
    // Every reply is filled by now; should one not be, its submitter learns that nothing is known of it.
    let unfilled = || Err(StoreError::new("a submission was not applied").into());
    Ok(Some(replies.into_iter().map(|reply| reply.unwrap_or_else(unfilled)).collect()))
}

/// One submission of several, so that its refusal changes nothing for the others.
async fn run_apart<C: WriterConn>(
    conn: &mut C,
    vault: &Vault,
    commands: &[Command],
) -> Result<Reply, StoreError> {
    conn.savepoint().await?;
    let reply = match run(conn, vault, commands).await {
        Ok(reply) => reply,
        Err(error) if error.may_be_tried_again() => return Err(error),
        // One submission that the database cannot take must not sink the others.
        Err(error) => Err(SubmitError::Store(error)),
    };
    if reply.is_err() {
        conn.rollback_to_savepoint().await?;
    }
    conn.release().await?;
    Ok(reply)
}

/// Applies the commands of one submission, up to the first that is refused.
async fn run<C: WriterConn>(conn: &mut C, vault: &Vault, commands: &[Command]) -> Result<Reply, StoreError> {
    let mut outcomes = Vec::with_capacity(commands.len());
    for (index, command) in commands.iter().enumerate() {
        match apply(conn, vault, command).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(Refused::Conflict(what)) => return Ok(Err(SubmitError::Conflict { index, what })),
            Err(Refused::Store(error)) => return Err(error),
        }
    }
    Ok(Ok(outcomes))
}

/// Takes in, with one statement, every event of the submissions that hold nothing else. They wait at the same time,
/// so any order among submissions is a right one; among themselves they keep theirs.
async fn accept_together<C: WriterConn>(
    conn: &mut C,
    batch: &[Submission],
    replies: &mut [Option<Reply>],
) -> Result<(), StoreError> {
    let mut events = Vec::new();
    for submission in batch.iter().filter(|submission| together(submission)) {
        for command in &submission.commands {
            if let Command::Accept(event) = command {
                events.push(event);
            }
        }
    }
    if events.len() < 2 {
        return Ok(());
    }
    let Some(outcomes) = conn.accept_many(&events).await? else { return Ok(()) };
    let mut outcomes = outcomes.into_iter();
    for (submission, reply) in batch.iter().zip(replies) {
        if together(submission) {
            *reply = Some(Ok(outcomes.by_ref().take(submission.commands.len()).collect()));
        }
    }
    Ok(())
}

fn together(submission: &Submission) -> bool {
    only_accepts(&submission.commands)
        && submission.commands.iter().all(|command| match command {
            Command::Accept(event) => event.body.len() <= crate::limits::BODY_BYTES_MAX,
            _ => false,
        })
}
