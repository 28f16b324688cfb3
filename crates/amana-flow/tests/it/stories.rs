//! Random lives: purchases that post, change and reverse, delivered in any order, more than once, with doubtful sends
//! and restarts. Whatever happens, the customer hears a story that a person would tell.

use crate::support::*;
use amana_channel::webhook::{EchoWords, InboundKind};
use amana_core::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Act {
    Push(usize),
    Restart,
    Doubt(bool),
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0usize..9).prop_map(Act::Push),
        1 => Just(Act::Restart),
        1 => any::<bool>().prop_map(Act::Doubt),
        1 => Just(Act::Wait),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_customer_hears_each_fact_once_and_nothing_old(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(live(acts));
    }
}

async fn live(acts: Vec<Act>) {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    // Three purchases: one posts as it was, one with a tip, one is reversed. Amounts name the purchase and the step.
    let events: Vec<_> = [(0i64, 0), (1, 250), (2, 0)]
        .into_iter()
        .flat_map(|(n, tip)| {
            let cents = (n + 1) * 1_000;
            let (id, post) = (format!("t{n}"), format!("p{n}"));
            [
                rig.transaction(BankEventKind::TransactionAuthorised, &id, None, cents),
                rig.transaction(BankEventKind::TransactionPosted, &post, Some(&id), cents + tip),
                rig.transaction(
                    BankEventKind::TransactionReversed,
                    &format!("r{n}"),
                    Some(if n == 2 { &post } else { &id }),
                    cents + tip,
                ),
            ]
        })
        .collect();
    let mut echoed = 0;
    for act in acts {
        match act {
            Act::Push(i) => {
                let (event, _) = &events[i];
                let again = amana_gate::Unaddressed::new(copy(i, event));
                rig.gateway.accept_bank(&[(event.clone(), again)]).await.expect("accepted");
            }
            Act::Restart => rig.restart().await,
            Act::Doubt(delivered) => {
                rig.channel.fates.lock().expect("lock").push(if delivered {
                    Fate::DeliverSilently
                } else {
                    Fate::LoseSilently
                });
            }
            Act::Wait => rig.hears(60).await,
        }
        rig.gateway.settle().await.expect("settled");
        echo(&rig, &mut echoed).await;
    }
    rig.channel.fates.lock().expect("lock").clear();
    rig.hears(300).await;

    let mut per_purchase: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut messages: Vec<MessageId> =
        rig.channel.seen.lock().expect("lock").iter().map(|(_, _, m)| *m).collect();
    messages.sort_unstable();
    let unique = messages.len();
    messages.dedup();
    assert_eq!(messages.len(), unique, "no message is seen twice");
    for text in rig.sees("1") {
        let n = ["$10.00", "$20.00", "$22.50", "$30.00"].iter().position(|amount| text.contains(amount));
        if let Some(n) = n {
            per_purchase.entry(usize::from(n > 0) + usize::from(n > 2)).or_default().push(text);
        }
    }
    for (n, said) in per_purchase {
        assert!(said.len() <= 3, "purchase {n}: {said:?}");
        let mut distinct = said.clone();
        distinct.dedup();
        assert_eq!(distinct.len(), said.len(), "purchase {n} heard the same thing twice: {said:?}");
    }
    let counts = rig.store.counts().await.expect("counts");
    assert_eq!(
        (counts.outbox_open, counts.inbox_waiting, counts.inbox_failed),
        (0, 0, 0),
        "nothing is stuck"
    );
}

/// The platform echoes whatever it delivered, also what an echo lets through.
async fn echo(rig: &Rig, echoed: &mut usize) {
    loop {
        let next = rig.channel.seen.lock().expect("lock").get(*echoed).cloned();
        let Some((_, _, message)) = next else { return };
        *echoed += 1;
        rig.event(
            "1",
            InboundKind::Echo {
                mid: format!("m_{message}"),
                metadata: Some(message),
                app_id: None,
                words: EchoWords::default(),
            },
        )
        .await;
    }
}

fn copy(i: usize, event: &BankEvent) -> BankEventBody {
    let n = i64::try_from(i / 3).expect("small");
    let minor = (n + 1) * 1_000 + if n == 1 && !i.is_multiple_of(3) { 250 } else { 0 };
    BankEventBody::Transaction(Transaction {
        id: event.transaction_id.clone().expect("a transaction"),
        reference_id: event.reference_id.clone(),
        account: event.account.clone(),
        state: match event.kind {
            BankEventKind::TransactionAuthorised => TransactionState::Pending,
            BankEventKind::TransactionReversed => TransactionState::Reversed,
            _ => TransactionState::Posted,
        },
        direction: Direction::Out,
        amount: usd(minor),
        merchant: Some("Blue Bottle Coffee".into()),
        description: "BLUE BOTTLE".into(),
        at: event.occurred,
    })
}
