//! Listings: filters, order, pages and chosen fields, by Magento's rules.

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::{Map, Value, json};

/// What a query asks of a listing.
pub(super) struct Criteria<'a>(&'a [(String, String)]);

/// A filter names a field that the items do not have: Magento's database refuses, and the shop answers 500.
#[derive(Debug)]
pub(super) struct UnknownField;

impl<'a> Criteria<'a> {
    pub(super) fn of(query: &'a [(String, String)]) -> Self {
        Self(query)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every group, with its alternatives: field, comparison, value.
    fn groups(&self) -> Vec<Vec<[&'a str; 3]>> {
        let mut groups = BTreeMap::<(usize, usize), [&str; 3]>::new();
        for (name, value) in self.0 {
            let parts: Vec<_> = name.split(['[', ']']).filter(|part| !part.is_empty()).collect();
            let ["searchCriteria", "filterGroups", group, "filters", filter, part] = parts[..] else { continue };
            let place = (group.parse().unwrap_or(0), filter.parse().unwrap_or(0));
            let condition = groups.entry(place).or_insert(["", "eq", ""]);
            match part {
                "field" => condition[0] = value,
                "conditionType" => condition[1] = value,
                _ => condition[2] = value,
            }
        }
        let mut by_group = BTreeMap::<usize, Vec<[&str; 3]>>::new();
        for ((group, _), condition) in groups {
            by_group.entry(group).or_default().push(condition);
        }
        by_group.into_values().collect()
    }

    fn sorted_by(&self) -> Vec<&'a str> {
        (0..).map_while(|index| self.value(&format!("searchCriteria[sortOrders][{index}][field]"))).collect()
    }

    /// The page of what fits, as it is answered. `fields` are those that a filter may name.
    pub(super) fn page(&self, items: Vec<Value>, fields: &[&str]) -> Result<Value, UnknownField> {
        let groups = self.groups();
        if groups.iter().flatten().any(|[field, ..]| !fields.contains(field)) {
            return Err(UnknownField);
        }
        let fits = |item: &Value| groups.iter().all(|group| group.iter().any(|condition| holds(item, *condition)));
        let mut found: Vec<_> = items.into_iter().filter(fits).collect();
        let keys = self.sorted_by();
        found.sort_by(|one, other| {
            let of = |key: &&str| order(&text_of(one, key), &text_of(other, key));
            keys.iter().map(of).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
        });
        let total = found.len();
        let size = self.value("searchCriteria[pageSize]").and_then(|it| it.parse().ok()).unwrap_or(usize::MAX);
        let page: usize = self.value("searchCriteria[currentPage]").and_then(|it| it.parse().ok()).unwrap_or(1);
        let items: Vec<_> = found.into_iter().skip(size.saturating_mul(page - 1)).take(size).collect();
        let answer = json!({ "items": items, "search_criteria": {}, "total_count": total });
        Ok(match self.value("fields") {
            None => answer,
            Some(fields) => {
                let mut chosen = Fields::read(&mut fields.chars()).of(&answer);
                // Of nothing, no field can be chosen.
                if chosen["items"] == json!([]) {
                    chosen["items"] = Value::Null;
                }
                chosen
            }
        })
    }
}

fn text_of(item: &Value, field: &str) -> String {
    let value = match field {
        "entity_id" if item.get("entity_id").is_none() => &item["id"],
        "customer_group_id" => &item["id"],
        _ => &item[field],
    };
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Numbers by size, texts by their letters whatever their case.
fn order(one: &str, other: &str) -> Ordering {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one.total_cmp(&other),
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}

fn holds(item: &Value, [field, comparison, value]: [&str; 3]) -> bool {
    let held = text_of(item, field);
    let order = order(&held, value);
    match comparison {
        // What is null compares with nothing.
        _ if held == "null" => false,
        "eq" => order.is_eq(),
        "neq" => order.is_ne(),
        "gt" => order.is_gt(),
        "gteq" => order.is_ge(),
        "lt" => order.is_lt(),
        "lteq" => order.is_le(),
        "in" => value.split(',').any(|one| self::order(&held, one).is_eq()),
        _ => false,
    }
}

/// Fields as Magento's notation names them: `items[id,name],total_count`.
struct Fields(Vec<(String, Option<Fields>)>);

impl Fields {
    fn read(letters: &mut std::str::Chars<'_>) -> Self {
        let mut fields = Vec::new();
        let mut name = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '[' => fields.push((std::mem::take(&mut name), Some(Self::read(letters)))),
                ',' | ']' if name.is_empty() => {}
                ',' | ']' => fields.push((std::mem::take(&mut name), None)),
                letter => name.push(letter),
            }
            if letter == ']' {
                return Self(fields);
            }
        }
        if !name.is_empty() {
            fields.push((name, None));
        }
        Self(fields)
    }

    /// What of a value they name; of a list, of each item.
    fn of(&self, value: &Value) -> Value {
        if let Some(items) = value.as_array() {
            return items.iter().map(|item| self.of(item)).collect();
        }
        let kept = self.0.iter().filter_map(|(name, inner)| {
            let held = value.get(name)?;
            Some((name.clone(), inner.as_ref().map_or_else(|| held.clone(), |inner| inner.of(held))))
        });
        Value::Object(kept.collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn items() -> Vec<Value> {
        let item =
            |id: u64, at: &str| json!({ "entity_id": id, "updated_at": at, "lines": [{ "sku": "A", "qty": id }] });
        vec![item(9, "2026-11-02 00:00:00"), item(10, "2026-11-01 00:00:00"), item(8, "2026-11-02 00:00:00")]
    }

    #[test]
    fn of_a_group_one_condition_is_enough_and_all_groups_hold() {
        let query = query(&[
            ("searchCriteria[filterGroups][0][filters][0][field]", "updated_at"),
            ("searchCriteria[filterGroups][0][filters][0][conditionType]", "gteq"),
            ("searchCriteria[filterGroups][0][filters][0][value]", "2026-11-01 00:00:00"),
            ("searchCriteria[filterGroups][1][filters][0][field]", "updated_at"),
            ("searchCriteria[filterGroups][1][filters][0][conditionType]", "gt"),
            ("searchCriteria[filterGroups][1][filters][0][value]", "2026-11-02 00:00:00"),
            ("searchCriteria[filterGroups][1][filters][1][field]", "entity_id"),
            ("searchCriteria[filterGroups][1][filters][1][conditionType]", "gt"),
            ("searchCriteria[filterGroups][1][filters][1][value]", "8"),
            ("searchCriteria[sortOrders][0][field]", "updated_at"),
            ("searchCriteria[sortOrders][1][field]", "entity_id"),
            ("fields", "items[entity_id,lines[qty]],total_count"),
        ]);
        let page = Criteria::of(&query).page(items(), &["updated_at", "entity_id"]).unwrap();
        let expected = json!({
            "items": [{ "entity_id": 10, "lines": [{ "qty": 10 }] }, { "entity_id": 9, "lines": [{ "qty": 9 }] }],
            "total_count": 2,
        });
        assert_eq!(page, expected);
    }

    #[test]
    fn a_page_past_the_end_is_empty_and_null_where_fields_are_chosen() {
        let plain = query(&[("searchCriteria[pageSize]", "2"), ("searchCriteria[currentPage]", "3")]);
        assert_eq!(Criteria::of(&plain).page(items(), &[]).unwrap()["items"], json!([]));
        let chosen = [plain, query(&[("fields", "items[entity_id]")])].concat();
        assert_eq!(Criteria::of(&chosen).page(items(), &[]).unwrap()["items"], Value::Null);
    }

    #[test]
    fn a_field_that_is_not_there_is_refused() {
        let query = query(&[("searchCriteria[filterGroups][0][filters][0][field]", "nope")]);
        assert!(Criteria::of(&query).page(items(), &["entity_id"]).is_err());
    }
}
