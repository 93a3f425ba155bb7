//! The log over a store in memory: what waits, what is left out, and what is trimmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use host_model::audit::{Audit, Event, Topic};
use host_model::clock::{Clock, Timestamp, parse_wire_time};
use host_model::ids::Ids;
use host_model::tenant::TenantName;
use host_store::redb::RedbStore;
use host_store::{Scan, TenantStore};
use parking_lot::Mutex;
use serde_json::{Map, json};

use crate::entry;
use crate::{AuditLog, Settings};

#[derive(Debug)]
struct Hand(Mutex<Timestamp>);

#[async_trait]
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }

    async fn sleep_until(&self, _instant: Timestamp) {
        std::future::pending().await
    }
}

#[derive(Debug, Default)]
struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn uuid(&self) -> String {
        self.random().to_string()
    }

    fn random(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

async fn log(settings: Settings) -> (AuditLog, Arc<Hand>) {
    let clock = Arc::new(Hand(Mutex::new(parse_wire_time("2026-06-01T12:00:00.000Z").unwrap())));
    let store = RedbStore::in_memory(clock.clone());
    let tenant = TenantName::default_tenant();
    store.open_tenant(&tenant).await.unwrap();
    let store = TenantStore::new(store, tenant);
    let log = AuditLog::new(store, clock.clone(), Arc::new(Numbers::default()), settings);
    log.open().await.unwrap();
    (log, clock)
}

fn event(number: usize) -> Event {
    let mut members = Map::new();
    members.insert("number".to_owned(), json!(number));
    Event {
        topic: Topic::Access,
        name: "access",
        transaction: "t".into(),
        user: None,
        members,
    }
}

async fn kept(log: &AuditLog) -> Vec<u64> {
    let page = log
        .0
        .store
        .scan(&Scan::all(entry::entries(Topic::Access), 20_000))
        .await
        .unwrap();
    let number = |body: &[u8]| {
        serde_json::from_slice::<serde_json::Value>(body).unwrap()["number"]
            .as_u64()
            .unwrap()
    };
    page.documents.iter().map(|document| number(&document.body)).collect()
}

#[tokio::test]
async fn what_comes_too_fast_is_left_out_and_what_was_noted_is_kept_in_order() {
    let (log, _) = log(Settings::default()).await;
    (0..10_050).for_each(|number| log.note(event(number)));
    assert!(kept(&log).await.is_empty());
    log.flush().await;
    let kept = kept(&log).await;
    assert_eq!(kept, (0..10_000).rev().collect::<Vec<u64>>());
    // There is room again.
    log.note(event(1));
    log.flush().await;
}

/// Whoever guesses passwords cannot crowd out what others do.
#[tokio::test]
async fn strangers_do_not_crowd_out_the_others() {
    let (log, _) = log(Settings::default()).await;
    for number in 0..10_000 {
        log.note(Event {
            topic: Topic::Authentication,
            ..event(number)
        });
    }
    (0..1_000).for_each(|number| log.note(event(number)));
    log.flush().await;
    assert_eq!(kept(&log).await.len(), 1_000);
    let strangers = Scan::all(entry::entries(Topic::Authentication), 20_000);
    assert_eq!(log.0.store.scan(&strangers).await.unwrap().documents.len(), 500);
}

#[tokio::test]
async fn what_is_too_old_or_too_much_is_trimmed() {
    let settings = Settings {
        entries_kept: 1_200,
        kept_for: TimeDelta::days(10),
        ..Settings::default()
    };
    let (log, clock) = log(settings).await;
    let fill = async |from: usize, to: usize| {
        (from..to).for_each(|number| log.note(event(number)));
        log.flush().await;
    };
    fill(0, 300).await;
    *clock.0.lock() += TimeDelta::days(6);
    fill(300, 1_000).await;
    log.trim().await;
    assert_eq!(kept(&log).await.len(), 1_000);
    *clock.0.lock() += TimeDelta::days(5);
    log.trim().await;
    assert_eq!(kept(&log).await, (300..1_000).rev().collect::<Vec<u64>>());
    fill(1_000, 2_600).await;
    log.trim().await;
    assert_eq!(kept(&log).await, (1_400..2_600).rev().collect::<Vec<u64>>());
}
