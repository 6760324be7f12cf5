//! What a call costs, and the bucket it is taken from: Shopify's calculated query cost.

use apollo_compiler::{
    ExecutableDocument,
    ast::Value,
    executable::{Field, Operation, OperationType, Selection, SelectionSet},
    response::JsonMap,
};
use serde_json::json;
use tokio::time::Instant;

/// Points of one mutation, whatever it returns.
const MUTATION: u32 = 10;
/// Points of one object.
const OBJECT: u32 = 1;

/// How large a shop's bucket is and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    pub maximum: f64,
    /// Points restored each second.
    pub restore_rate: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { maximum: 1000.0, restore_rate: 50.0 }
    }
}

/// Points left to one app in one shop.
#[derive(Debug)]
pub(super) struct Bucket {
    limits: Limits,
    available: f64,
    updated: Instant,
}

impl Bucket {
    pub(super) fn full(limits: Limits, now: Instant) -> Self {
        Self { limits, available: limits.maximum, updated: now }
    }

    /// Takes `cost` points; false, and nothing taken, if there are fewer.
    pub(super) fn take(&mut self, cost: u32, now: Instant) -> bool {
        let restored = now.duration_since(self.updated).as_secs_f64() * self.limits.restore_rate;
        self.available = (self.available + restored).min(self.limits.maximum);
        self.updated = now;
        let affordable = self.available >= f64::from(cost);
        if affordable {
            self.available -= f64::from(cost);
        }
        affordable
    }

    /// `extensions.cost` of an answer; `actual` is `None` where nothing was executed.
    pub(super) fn report(&self, requested: u32, actual: Option<u32>) -> serde_json::Value {
        json!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.limits.maximum,
                "currentlyAvailable": self.available.floor(),
                "restoreRate": self.limits.restore_rate,
            },
        })
    }
}

/// The cost Shopify charges before it executes.
pub(super) fn requested(document: &ExecutableDocument, operation: &Operation, variables: &JsonMap) -> u32 {
    match operation.operation_type {
        OperationType::Mutation => {
            let calls = operation.root_fields(document).count();
            MUTATION.saturating_mul(u32::try_from(calls).unwrap_or(u32::MAX))
        }
        OperationType::Query | OperationType::Subscription => of_set(document, &operation.selection_set, variables),
    }
}

/// Members of a union are added up, where Shopify takes the dearest: never too cheap.
fn of_set(document: &ExecutableDocument, set: &SelectionSet, variables: &JsonMap) -> u32 {
    let of_selection = |selection: &Selection| match selection {
        Selection::Field(field) => of_field(document, field, variables),
        Selection::InlineFragment(inline) => of_set(document, &inline.selection_set, variables),
        Selection::FragmentSpread(spread) => {
            spread.fragment_def(document).map_or(0, |fragment| of_set(document, &fragment.selection_set, variables))
        }
    };
    set.selections.iter().map(of_selection).fold(0, u32::saturating_add)
}

fn of_field(document: &ExecutableDocument, field: &Field, variables: &JsonMap) -> u32 {
    if field.selection_set.selections.is_empty() {
        return 0;
    }
    let inside = of_set(document, &field.selection_set, variables);
    match page_size(field, variables) {
        Some(size) => inside.saturating_mul(size),
        None => inside.saturating_add(OBJECT),
    }
}

/// `first` or `last` of a connection.
fn page_size(field: &Field, variables: &JsonMap) -> Option<u32> {
    let size = ["first", "last"].iter().find_map(|name| field.specified_argument_by_name(name))?;
    match size.as_ref() {
        Value::Int(number) => u32::try_from(number.try_to_i32().ok()?).ok(),
        Value::Variable(name) => u32::try_from(variables.get(name.as_str())?.as_u64()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_fills_with_time_and_never_overflows() {
        let start = Instant::now();
        let mut bucket = Bucket::full(Limits { maximum: 20.0, restore_rate: 5.0 }, start);
        assert!(bucket.take(20, start));
        assert!(!bucket.take(10, start));
        assert!(!bucket.take(10, start + Duration::from_secs(1)));
        assert!(bucket.take(10, start + Duration::from_secs(2)));
        assert!(bucket.take(20, start + Duration::from_secs(3600)));
        assert!(!bucket.take(1, start + Duration::from_secs(3600)));
    }
}
