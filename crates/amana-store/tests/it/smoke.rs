use amana_core::*;
use amana_gate::DataKey;
use amana_store::*;
use std::sync::Arc;
#[tokio::test]
async fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at("2026-11-24T10:00:00Z".parse().unwrap()));
    for url in [format!("sqlite:{}/x/y.db", dir.path().display())] {
        let s =
            open(&url, Keyring::new(&DataKey::new([1; 32])), Arc::new(SeededEntropy::new(1)), clock.clone())
                .await
                .unwrap();
        let c = CustomerId::from_bytes([1; 16]);
        let (_, w) = s.keyring().new_customer_key(c, &SeededEntropy::new(2)).unwrap();
        let o = s
            .submit(vec![Command::CreateCustomer {
                shard: Shard(1),
                id: c,
                institution: InstitutionId::new("b").unwrap(),
                subject: [1; 32],
                wrapped_key: w,
                at: clock.now(),
            }])
            .await;
        println!("{o:?} {:?}", s.counts().await);
        s.writable().await.unwrap();
        assert!(s.customer(Shard(1), c).await.unwrap().is_some());
        assert!(o.is_ok());
    }
}
