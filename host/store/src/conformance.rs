//! The suite that every backend has to pass. [`store_conformance!`](crate::store_conformance) makes a test of each case.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::tenant::TenantName;

use crate::store::Store;
use crate::tenant_store::TenantStore;

pub mod commits;
pub mod dice;
pub mod documents;
pub mod durability;
pub mod indexes;
pub mod orders;
pub mod scans;
pub mod snapshots;

/// A backend under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Opens the store with [`tenants`]: empty at first; after an earlier one was dropped, with what that one kept.
    async fn open(&self) -> Arc<dyn Store>;

    /// Whether a store that was dropped keeps anything.
    fn keeps(&self) -> bool;
}

/// The tenants that a subject's store has.
pub fn tenants() -> [TenantName; 2] {
    ["one", "two"].map(|name| name.parse().expect("the name is made of letters"))
}

/// The store of the first tenant.
pub async fn open(subject: &dyn Subject) -> TenantStore {
    let [tenant, _] = tenants();
    TenantStore::new(subject.open().await, tenant)
}

/// Makes a test of each case of the suite, in a module of its own: `store_conformance!(memory, Memory::default())`. The
/// expression makes a fresh [`Subject`].
#[macro_export]
macro_rules! store_conformance {
    ($module:ident, $subject:expr) => {
        mod $module {
            use super::*;

            $crate::store_conformance!(@cases $subject;
                commits: [
                    revisions_only_grow,
                    the_documents_of_a_change_set_share_a_revision,
                    expectations_are_checked,
                    a_conflict_names_every_key_and_writes_nothing,
                    what_was_only_read_is_checked_too,
                    a_change_set_without_writes_changes_nothing,
                    a_commit_is_seen_at_once,
                    compare_and_set_loses_no_increment,
                    tenants_do_not_see_each_other,
                ]
                snapshots: [
                    a_snapshot_stays_as_it_was,
                    a_document_is_read_as_it_was_written,
                    a_unit_goes_back_to_what_it_had_written,
                ]
                scans: [
                    a_scan_returns_a_collection_by_id,
                    a_page_holds_no_more_than_was_asked_for,
                    a_page_may_be_empty_and_have_a_cursor,
                    a_page_is_bounded_by_bytes,
                    a_filter_may_ask_for_id_and_revision,
                    a_cursor_of_another_scan_is_refused,
                    what_stays_is_returned_exactly_once_while_others_write,
                ]
                indexes: [
                    a_filter_finds_the_same_with_and_without_an_index,
                    an_indexed_equality_looks_only_at_what_it_returns,
                    an_index_takes_up_what_was_there_before,
                    an_index_is_exact_when_others_write_while_it_is_built,
                    a_dropped_index_is_no_longer_asked,
                    long_texts_are_told_apart,
                    a_document_that_moves_in_its_index_is_returned_exactly_once,
                ]
                orders: [
                    documents_come_in_the_order_of_values,
                    a_document_with_several_values_comes_once,
                    a_document_that_moves_in_the_order_of_values_never_comes_twice,
                    without_an_index_the_order_is_by_id,
                    a_position_in_a_dropped_index_is_refused,
                ]
                durability: [
                    what_was_committed_is_there_after_reopening,
                    revisions_go_on_after_reopening,
                    indexes_are_there_after_reopening,
                ]
            );
        }
    };
    (@cases $subject:expr; $($group:ident: [$($case:ident,)*])*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$group::$case(&$subject).await;
            }
        )*)*
    };
}
