//! What an earlier host left behind: triggers that wait, runs that were asked for, and runs that were cut off.
//!
//! A run that was cut off is handed over again under its own id if its service goes on where it was, or its job asks for
//! it (`recoverable`). Any other one is marked as interrupted. Until such a run has ended, it counts as going on.

use std::sync::Arc;

use host_model::job::JobId;
use host_model::trigger::TriggerState;
use host_resource::Pointer;
use host_resource::filter::{Filter, Operator};
use host_store::{Document, Revision, Scan};

use super::Inner;
use super::firing::Begun;
use crate::board::Waiting;
use crate::changes;
use crate::due::Due;
use crate::error::Error;
use crate::run_record::{Order, Outcome, RunRecord, RunState};
use crate::shelf::{self, Attempt, PAGE, SHELVES, ShelfName};

/// A run that has not ended, as it was found.
struct Found {
    shelf: ShelfName,
    revision: Revision,
    record: RunRecord,
}

impl Inner {
    /// Fills the board, and takes up the runs that were cut off.
    pub(super) async fn recover(self: &Arc<Self>) -> Result<(), Error> {
        let mut complete = Vec::new();
        for shelf in SHELVES {
            complete.extend(self.recover_triggers(shelf).await?);
        }
        for found in self.unfinished_runs().await? {
            match found.record.state.clone() {
                RunState::Started(order) if self.may_run_again(&found.record, &order) => {
                    self.run_again(found, order).await?;
                }
                RunState::Started(_) => self.give_up(found).await?,
                RunState::Waiting => self.board().wait(found.into_waiting()),
                RunState::Ended { .. } => {}
            }
        }
        for job in complete {
            // A run of it that was handed over again takes it along when it ends.
            if !self.board().sight(&job).is_acquired {
                self.remove_if_complete(&job).await?;
            }
        }
        Ok(())
    }

    /// Whether a run that was cut off is handed over again.
    pub(super) fn may_run_again(&self, record: &RunRecord, order: &Order) -> bool {
        let is_resumable = self
            .services
            .get(&record.service)
            .is_some_and(|service| service.is_resumable());
        is_resumable || order.recoverable
    }

    /// Notes when each trigger is due, and names the jobs whose trigger will never fire again.
    async fn recover_triggers(&self, shelf: ShelfName) -> Result<Vec<JobId>, Error> {
        let _looking = self.looking.lock().await;
        let mut complete = Vec::new();
        let mut pages = self.shelves.pages(shelf, Scan::all(shelf::triggers(), PAGE));
        while let Some(documents) = pages.next().await? {
            for document in documents {
                let (job, trigger) = match (document.id.parse::<JobId>(), shelf::read_trigger(&document)) {
                    (Ok(job), Ok(trigger)) => (job, trigger),
                    (_, Err(error)) => {
                        self.complain(&error);
                        continue;
                    }
                    (Err(error), _) => {
                        self.complain(&error.into());
                        continue;
                    }
                };
                match (trigger.record.status.state, trigger.record.next) {
                    (TriggerState::Normal, Some(at)) => {
                        let is_overlapped = false;
                        self.board().set_due(
                            &job,
                            Due {
                                at,
                                shelf,
                                is_overlapped,
                            },
                        );
                    }
                    (TriggerState::Complete, _) => complete.push(job),
                    _ => {}
                }
            }
        }
        Ok(complete)
    }

    /// The runs that have not ended, the oldest first.
    async fn unfinished_runs(&self) -> Result<Vec<Found>, Error> {
        let state = |name| Filter::text(Pointer::root().child("state"), Operator::Eq, name);
        let filter = Arc::new(Filter::or(vec![state("started"), state("waiting")]));
        let mut found = Vec::new();
        for shelf in SHELVES {
            let mut pages = self
                .shelves
                .pages(shelf, Scan::matching(shelf::runs(), filter.clone(), PAGE));
            while let Some(documents) = pages.next().await? {
                found.extend(documents.iter().filter_map(|document| self.found(shelf, document)));
            }
        }
        found.sort_by(|one, other| (one.record.fired, &one.record.id).cmp(&(other.record.fired, &other.record.id)));
        Ok(found)
    }

    fn found(&self, shelf: ShelfName, document: &Document) -> Option<Found> {
        match shelf::read_run(document) {
            Ok(record) => Some(Found {
                shelf,
                revision: document.revision,
                record,
            }),
            Err(error) => {
                self.complain(&error);
                None
            }
        }
    }

    async fn run_again(self: &Arc<Self>, found: Found, order: Order) -> Result<(), Error> {
        let record = RunRecord {
            recovering: true,
            ..found.record
        };
        let changes = changes::advance_run(&record, found.revision);
        let Attempt::Done(revision) = self.shelves.commit(found.shelf, changes).await? else {
            return Err(Error::Contended(record.job));
        };
        let job = self
            .shelves
            .find_on(found.shelf, &record.job)
            .await?
            .map(|stored| stored.job);
        let flight = {
            let mut board = self.board();
            let flight = board.begin(record.job.clone());
            board.settle(flight, order.concurrent);
            if !order.concurrent {
                board.remove_due(&record.job);
            }
            flight
        };
        let begun = Begun {
            shelf: found.shelf,
            job,
            record,
            revision,
            order,
        };
        let inner = self.clone();
        tokio::spawn(async move {
            let job = begun.record.job.clone();
            inner.carry_out(flight, begun).await;
            inner.land(flight, &job).await;
        });
        Ok(())
    }

    async fn give_up(&self, found: Found) -> Result<(), Error> {
        let Found {
            shelf,
            revision,
            record,
        } = found;
        tracing::warn!(tenant = %self.tenant, job = %record.job, run = %record.id, "a run was cut off by a stop of the host");
        let ended = record.ended(self.now(), Outcome::Interrupted);
        self.shelves
            .commit(shelf, changes::advance_run(&ended, revision))
            .await?;
        Ok(())
    }

    /// A damaged document stops nobody else.
    fn complain(&self, error: &Error) {
        tracing::error!(%error, tenant = %self.tenant, "a stored schedule is left alone");
    }
}

impl Found {
    fn into_waiting(self) -> Waiting {
        let Found {
            shelf,
            revision,
            record,
        } = self;
        Waiting {
            job: record.job,
            run: record.id,
            shelf,
            revision,
        }
    }
}
