//! Edits of orders in the simulated shop: sessions that are gone once they are committed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    orders::Orders,
    products::Products,
    shop::{Answer, UserError, declined, read},
};

/// An edit that was committed.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderEdit {
    /// The order's global id.
    pub order: String,
    pub added: Vec<AddedLine>,
    pub staff_note: Option<String>,
    pub notify_customer: bool,
}

/// A line that an edit adds: one unit or more of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedLine {
    /// The variant's global id.
    pub variant: String,
    pub quantity: u32,
    /// A discount of its own: hundredths, and what it is called.
    pub discount: Option<(f64, String)>,
}

/// Sessions by the id of their calculated order, and what has become of others.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderEdits {
    open: BTreeMap<String, (String, Vec<AddedLine>)>,
    begun: u64,
    pub(super) are_declined: bool,
    pub(super) committed: Vec<OrderEdit>,
}

impl OrderEdits {
    pub(super) fn begin(&mut self, args: Value, orders: &Orders) -> Answer {
        #[derive(Deserialize)]
        struct Args {
            id: String,
        }
        let id = read::<Args>(args)?.id;
        let order = orders.order(&id);
        let declines = |message| Err(declined(&["id"], "", message).into());
        if order.is_null() {
            return declines("The order does not exist.");
        }
        if self.are_declined || order["merchantEditable"] != true {
            return declines("The order cannot be edited.");
        }
        if order["displayFulfillmentStatus"] == "FULFILLED" {
            return declines("The order cannot be edited because it has been fulfilled.");
        }
        self.begun += 1;
        let calculated = format!("gid://shopify/CalculatedOrder/{}", self.begun);
        self.open.insert(calculated.clone(), (id, vec![]));
        Ok(json!({"calculatedOrder": {"__typename": "CalculatedOrder", "id": calculated}}))
    }

    pub(super) fn add_variant(&mut self, args: Value, orders: &Orders, products: &Products) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            id: String,
            variant_id: String,
            quantity: u32,
            allow_duplicates: Option<bool>,
        }
        let Args { id, variant_id: variant, quantity, allow_duplicates } = read(args)?;
        let (order, added) = self.open.get_mut(&id).ok_or_else(no_session)?;
        if products.variant(&variant).is_none() {
            return Err(declined(&["variantId"], "", "The variant does not exist.").into());
        }
        let is_there = orders.has_variant(order, &variant) || added.iter().any(|line| line.variant == variant);
        if is_there && allow_duplicates != Some(true) {
            return Err(declined(&["variantId"], "", "The variant is on the order already.").into());
        }
        added.push(AddedLine { variant, quantity, discount: None });
        Ok(json!({"calculatedLineItem": calculated_line(&id, added.len()), "calculatedOrder": null}))
    }

    pub(super) fn add_discount(&mut self, args: Value) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            id: String,
            line_item_id: String,
            discount: Discount,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Discount {
            percent_value: Option<f64>,
            description: Option<String>,
        }
        let Args { id, line_item_id, discount } = read(args)?;
        let (_, added) = self.open.get_mut(&id).ok_or_else(no_session)?;
        let share = discount.percent_value.ok_or("a discount of an amount is not simulated")?;
        if !(0.0..=100.0).contains(&share) {
            return Err(declined(&["discount", "percentValue"], "", "Percent value is not valid").into());
        }
        let number = (1..=added.len()).find(|number| calculated_line(&id, *number)["id"] == *line_item_id);
        let number = number.ok_or_else(|| declined(&["lineItemId"], "", "The line item does not exist."))?;
        added[number - 1].discount = Some((share, discount.description.unwrap_or_default()));
        Ok(json!({"calculatedLineItem": calculated_line(&id, number), "calculatedOrder": null}))
    }

    pub(super) fn commit(&mut self, args: Value, orders: &mut Orders, products: &Products) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            id: String,
            notify_customer: Option<bool>,
            staff_note: Option<String>,
        }
        let Args { id, notify_customer, staff_note } = read(args)?;
        let (order, added) = self.open.remove(&id).ok_or_else(no_session)?;
        for line in &added {
            orders.add_line(&order, line, products);
        }
        let notify_customer = notify_customer.unwrap_or(false);
        let answer = json!({"order": orders.order(&order), "successMessages": []});
        self.committed.push(OrderEdit { order, added, staff_note, notify_customer });
        Ok(answer)
    }
}

fn no_session() -> UserError {
    declined(&["id"], "", "The calculated order does not exist.")
}

fn calculated_line(edit: &str, number: usize) -> Value {
    let edit = edit.rsplit('/').next().unwrap_or_default();
    let id = format!("gid://shopify/CalculatedLineItem/{edit}{number:03}");
    json!({"__typename": "CalculatedLineItem", "id": id})
}
