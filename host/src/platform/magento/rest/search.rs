//! Search criteria, as Magento's listings take them in the query, and the pages that they answer.

use serde::Deserialize;

/// Items of a page. A shop may refuse more than 300.
pub(super) const PAGE_SIZE: usize = 100;

/// One condition: a field, how it is compared, and with what.
pub(super) type Condition<'a> = (&'a str, &'a str, &'a str);

/// What is asked for: every group holds, and of each group one condition.
#[derive(Clone, Debug)]
pub(super) struct Search {
    query: Vec<(String, String)>,
    groups: usize,
}

impl Search {
    pub(super) fn new() -> Self {
        Self { query: vec![("searchCriteria[pageSize]".into(), PAGE_SIZE.to_string())], groups: 0 }
    }

    /// At most so many items.
    pub(super) fn limited(mut self, items: usize) -> Self {
        self.query[0].1 = items.to_string();
        self
    }

    pub(super) fn and(self, condition: Condition<'_>) -> Self {
        self.and_any(&[condition])
    }

    pub(super) fn and_any(mut self, conditions: &[Condition<'_>]) -> Self {
        for (index, (field, comparison, value)) in conditions.iter().enumerate() {
            let prefix = format!("searchCriteria[filterGroups][{}][filters][{index}]", self.groups);
            for (part, text) in [("field", field), ("value", value), ("conditionType", comparison)] {
                self.query.push((format!("{prefix}[{part}]"), (*text).to_owned()));
            }
        }
        self.groups += 1;
        self
    }

    /// Ascending by these fields, the first first.
    pub(super) fn sorted(mut self, fields: &[&str]) -> Self {
        for (index, field) in fields.iter().enumerate() {
            self.query.push((format!("searchCriteria[sortOrders][{index}][field]"), (*field).to_owned()));
            self.query.push((format!("searchCriteria[sortOrders][{index}][direction]"), "ASC".into()));
        }
        self
    }

    /// What is wanted of an answer, in Magento's notation.
    pub(super) fn only(mut self, fields: &str) -> Self {
        self.query.push(("fields".into(), fields.into()));
        self
    }

    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }
}

/// A page of a listing. Asked for some fields of no items, Magento answers null.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Option<Vec<T>>,
}

/// How many a listing holds on all its pages.
#[derive(Debug, Deserialize)]
pub(super) struct Total {
    pub(super) total_count: u64,
}

impl<T> Page<T> {
    pub(super) fn into_items(self) -> Vec<T> {
        self.items.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_conditions_are_numbered() {
        let search = Search::new()
            .and(("updated_at", "gteq", "2026-11-01 00:00:00"))
            .and_any(&[("updated_at", "gt", "x"), ("entity_id", "gt", "7")])
            .sorted(&["updated_at"]);
        let query: Vec<_> = search.query().iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            query,
            [
                "searchCriteria[pageSize]=100",
                "searchCriteria[filterGroups][0][filters][0][field]=updated_at",
                "searchCriteria[filterGroups][0][filters][0][value]=2026-11-01 00:00:00",
                "searchCriteria[filterGroups][0][filters][0][conditionType]=gteq",
                "searchCriteria[filterGroups][1][filters][0][field]=updated_at",
                "searchCriteria[filterGroups][1][filters][0][value]=x",
                "searchCriteria[filterGroups][1][filters][0][conditionType]=gt",
                "searchCriteria[filterGroups][1][filters][1][field]=entity_id",
                "searchCriteria[filterGroups][1][filters][1][value]=7",
                "searchCriteria[filterGroups][1][filters][1][conditionType]=gt",
                "searchCriteria[sortOrders][0][field]=updated_at",
                "searchCriteria[sortOrders][0][direction]=ASC",
            ]
        );
    }
}
