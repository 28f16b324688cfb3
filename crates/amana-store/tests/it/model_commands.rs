//! The commands of the model's operations.

use crate::model::Op;
use crate::outbox::echo;
use crate::world::*;
use amana_core::*;
use amana_gate::{ReceiptDraft, ReceiptKind};
use amana_store::*;

/// Makes the command of an op for one store. The heads are the model's, found by their key.
pub(crate) async fn command(w: &World, op: &Op, head: Option<(Shard, i64)>) -> Command {
    match *op {
        Op::Accept { lane, n } => Command::Accept(event(lane, n)),
        Op::FinishHead { second, result, .. } => {
            let (shard, position) = head.unwrap_or((Shard(0), -1));
            let result = match result {
                0 => InboxResult::Done,
                1 | 3 => InboxResult::Retry { not_before: at(second + 2), counts: result == 1 },
                _ => InboxResult::Failed { reason: "why".into() },
            };
            Command::FinishInbox { shard, position, result }
        }
        Op::ReplayEvent { .. } => {
            let (shard, position) = head.unwrap_or((Shard(0), -1));
            Command::ReplayInbox { shard, position }
        }
        Op::Customer(n) => w.create_customer(n).await,
        Op::Record(n) => Command::Record {
            shard: Shard(u16::from(n)),
            customer: customer_id(n),
            receipt: draft(ReceiptKind::Denial),
        },
        Op::Grant { n, customer, link } => {
            let (shard, consent) = (Shard(u16::from(customer)), consent(n, customer, link));
            let (basis, receipt) = (basis(), draft(ReceiptKind::Consent));
            Command::GrantConsent { shard, consent, basis, receipt }
        }
        Op::Revoke { n, customer } => {
            let (shard, consent) = (Shard(u16::from(customer)), ConsentId::from_bytes([n; 16]));
            let (customer, why) = (customer_id(customer), ConsentEnd::Withdrawn);
            let template = Some(why.as_str().to_owned());
            let receipt = ReceiptDraft { template, ..draft(ReceiptKind::Revocation) };
            Command::RevokeConsent { shard, customer, consent, why, at: at(9), receipt }
        }
        Op::Disclose { conversation, n, second } => {
            Command::Disclose { shard: Shard(0), disclosure: w.plain(conversation, n), at: at(second) }
        }
        Op::Claim { n, from, second } => {
            Command::ClaimOutbox { message: message(n), from, until: at(second) }
        }
        Op::Finish { n, delivery, second } => {
            let delivery = match delivery {
                0 => Delivery::Sent { mid: "mid".into() },
                1 | 6 => Delivery::Retry { due_at: at(second), counts: delivery == 1 },
                2 | 7 => Delivery::Held { seen: (delivery == 2).then_some(at(second)) },
                3 => Delivery::Unconfirmed { until: at(second) },
                4 => Delivery::Dead { reason: "why".into() },
                _ => Delivery::Denied { reason: "why".into() },
            };
            Command::FinishOutbox { message: message(n), delivery, receipt: None, at: at(9) }
        }
        Op::Echoed { conversation, n } => echo(n, conversation, &format!("echo-{conversation}-{n}"), 9),
        Op::OpenWindow(n) => Command::OpenWindow { conversation: conversation(n) },
        Op::Replay { n, second } => Command::ReplayDead { message: message(n), due_at: at(second) },
        Op::PutToken(n) => Command::PutToken(token(n)),
        Op::Consume { n, second } => Command::ConsumeToken { hash: [n; 32], now: at(second) },
        Op::PutGrant { customer, expected } => {
            Command::PutBankGrant { grant: grant(customer, b"t"), expected }
        }
        Op::DropGrant { customer, expected } => Command::DropBankGrant {
            shard: Shard(u16::from(customer)),
            link: LinkId::from_bytes([customer; 16]),
            expected,
        },
        Op::CreateLink { n, customer, active } => {
            let state = if active { LinkState::Active } else { LinkState::Pending };
            Command::CreateLink(link(n, customer, state))
        }
        Op::SetLink { n, customer, from, to } => Command::SetLink {
            shard: Shard(u16::from(customer)),
            id: LinkId::from_bytes([n; 16]),
            from,
            to,
            at: at(9),
        },
        Op::PutSession(n) => {
            Command::PutSession(Session { hash: [n; 32], body: vec![n], expires_at: at(100) })
        }
        Op::TakeSession(n) => Command::TakeSession { hash: [n; 32] },
        Op::Agreement(version) => agreed(AgreementAct::Accepted, agreement(version)),
        Op::SetKill(all) => {
            Command::SetKill(Kill { scope: kill_scope(all), reason: "drill".into(), since: at(0) })
        }
        Op::ClearKill(all) => Command::ClearKill(kill_scope(all)),
        Op::Enqueue(n) => Command::Enqueue(job(n)),
        Op::FinishJob { n, outcome, second } => {
            let outcome = match outcome {
                0 => JobOutcome::Retry { at: at(second) },
                1 => JobOutcome::Dead,
                _ => JobOutcome::Done,
            };
            Command::FinishJob { id: [n; 16], outcome }
        }
        Op::CancelJob(n) => Command::CancelJob { id: [n; 16] },
        Op::Recover(second) => Command::RecoverOutbox { until: at(second) },
        Op::Sweep(second) => Command::Sweep { now: at(second), keep: forever() },
        Op::SetLang { conversation: n, arabic } => Command::SetLang {
            conversation: conversation(n),
            lang: if arabic { Lang::Arabic } else { Lang::English },
        },
        Op::Inbound { conversation: n, second } => Command::PutConversation(Conversation {
            id: conversation(n),
            lang: Lang::English,
            lang_chosen: false,
            last_inbound_at: Some(at(second)),
            welcomed_at: None,
            elsewhere: None,
        }),
    }
}

fn kill_scope(all: bool) -> KillScope {
    if all { KillScope::All } else { KillScope::Channel(id("1001")) }
}
