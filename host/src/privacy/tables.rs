//! What each table has to do with people: a new one does not compile before somebody has decided.

use crate::store::Table;

/// A table's part in what people may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Under which name its rows stand in a person's file; none of a table that holds nobody, or only ways to other tables.
    pub section: Option<&'static str>,
    /// Whether people are taken out of its rows a moment after the facts' commit. From the others that commit has taken them,
    /// or they hold ids, sums, and hashes.
    pub is_scrubbed: bool,
}

pub fn of(table: Table) -> Part {
    let told = |section| Part { section: Some(section), is_scrubbed: false };
    let told_and_scrubbed = |section| Part { section: Some(section), is_scrubbed: true };
    match table {
        Table::Customer => told("records"),
        Table::CustomerEmail => told("addresses"),
        Table::Absorbed => told("merges"),
        Table::UntoldMerge => told("merges_to_be_told"),
        Table::Redacted => told("redactions"),
        Table::RedactedOrder => told("redacted_orders"),
        Table::Order => told_and_scrubbed("orders"),
        Table::Refund => told("refunds"),
        Table::Fulfillment => told_and_scrubbed("shipments"),
        Table::Checkout => told("checkouts"),
        Table::Told => told("steps_told"),
        Table::Event => told_and_scrubbed("events"),
        Table::State => told_and_scrubbed("plugin_state"),
        Table::Timer => told_and_scrubbed("plugin_timers"),
        Table::Task => told_and_scrubbed("tasks"),
        Table::Link => told_and_scrubbed("links"),
        Table::Effect => told_and_scrubbed("effects"),
        Table::MailCopy => told("mails"),
        Table::BudgetCounted => told("counted_towards_bounds"),
        Table::LastChange => told("values_shown"),
        Table::Contact => told_and_scrubbed("contacts"),
        Table::Audit => told("audit"),
        // A way to a row that is in the file, and as personal as that.
        Table::CustomerLink => Part { section: None, is_scrubbed: true },
        // What belongs to the host or to the shop.
        Table::Meta
        | Table::Store
        | Table::StoreTerms
        | Table::AdobeServices
        | Table::Plugin
        | Table::ProductsRead
        | Table::Product
        | Table::Reconciliation
        | Table::History
        | Table::Counts
        | Table::Enabled
        | Table::Settings
        | Table::UnpublishedSettings
        | Table::Paused
        | Table::StateUsage
        | Table::Heard
        | Table::Budget
        | Table::BudgetSpent
        | Table::TemplateOverride
        | Table::Letterhead
        | Table::Chunk
        // Ways to rows that are in the file.
        | Table::Due
        | Table::EventId
        | Table::CustomerEvent
        | Table::FailedEvent
        | Table::WaitingFor
        | Table::Waiting
        | Table::CustomerOrder
        | Table::CustomerCheckout
        | Table::OrderByCode
        | Table::OrderBySignal
        | Table::EffectListed
        | Table::Code
        | Table::CodeEnd
        | Table::Offer
        | Table::UnderWay
        | Table::WaitingMail
        | Table::Suppressed => Part { section: None, is_scrubbed: false },
    }
}
