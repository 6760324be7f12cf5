//! Our facts in the WIT's records.

use super::super::{
    bindings::{events, facts, types},
    delivery::Delivery,
};
use crate::{
    domain::{
        Customer, CustomerId, Dispute, Fulfillment, LineItem, Money, Order, Product, ProtectedData, Refund, RefundLine,
    },
    store::{self, survivor},
};

/// The interface holds types only.
impl types::Host for Delivery {}

impl Delivery {
    /// An order as plugins see it: with the customer that is left after merges, whose account it counts for.
    pub(super) fn order_view(&mut self, order: Order) -> Result<events::Order, store::Error> {
        let customer = order.customer.map(|id| self.left_of(id)).transpose()?;
        let order = Order { customer, ..order };
        Ok(match self.input.store.protected_data {
            ProtectedData::Level1 => without_person(order).into(),
            ProtectedData::Level2 => order.into(),
        })
    }

    /// A shipment as plugins see it: a carrier's page may tell whom the parcel went to.
    pub(super) fn shipment_view(&self, shipment: Fulfillment) -> events::Fulfillment {
        match self.input.store.protected_data {
            ProtectedData::Level1 => shipment.without_way().into(),
            ProtectedData::Level2 => shipment.into(),
        }
    }

    /// The customer that is left of one after merges.
    pub(in super::super) fn left_of(&mut self, id: CustomerId) -> Result<CustomerId, store::Error> {
        let store = self.store_id();
        survivor(&mut self.transaction, store, id)
    }
}

/// What storefront code of the host's own notes on a cart begins with; anything else may be a name or a message.
const OWN_ATTRIBUTE: &str = "regulars_";

/// An order without a part of the address, and without what others have noted on the cart.
fn without_person(order: Order) -> Order {
    let attributes = order.attributes.into_iter().filter(|(name, _)| name.starts_with(OWN_ATTRIBUTE)).collect();
    Order { country: None, attributes, ..order }
}

impl From<Money> for types::Money {
    fn from(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency.code().into() }
    }
}

impl From<Customer> for events::Customer {
    fn from(customer: Customer) -> Self {
        Self {
            guest: customer.is_guest(),
            id: customer.id.to_string(),
            locale: customer.locale,
            tags: customer.tags,
            accepts_marketing: customer.accepts_marketing,
            created_at: customer.created_at.map(|at| at.0),
        }
    }
}

impl From<LineItem> for events::LineItem {
    fn from(line: LineItem) -> Self {
        Self {
            id: line.id.to_string(),
            product_id: line.product.map(|id| id.to_string()),
            variant_id: line.variant,
            sku: line.sku,
            title: line.title,
            quantity: line.quantity,
            current_quantity: line.current_quantity,
            gift_card: line.gift_card,
            unit_price: line.unit_price.into(),
            discount: line.discount.into(),
            tax: line.tax.into(),
        }
    }
}

impl From<Order> for events::Order {
    fn from(order: Order) -> Self {
        Self {
            id: order.id.to_string(),
            name: order.name,
            customer_id: order.customer.map(|id| id.to_string()),
            test: order.test,
            source: order.source,
            tags: order.tags,
            financial_status: order.financial_status,
            fulfillment_status: order.fulfillment_status,
            placed_at: order.placed_at.0,
            cancelled_at: order.cancelled_at.map(|at| at.0),
            taxes_included: order.taxes_included,
            lines: order.lines.into_iter().map(Into::into).collect(),
            subtotal: order.subtotal.into(),
            shipping: order.shipping.into(),
            tax: order.tax.into(),
            tip: order.tip.into(),
            total: order.total.into(),
            discount_codes: order.discount_codes,
            country: order.country,
            attributes: order.attributes,
        }
    }
}

impl From<RefundLine> for events::RefundLine {
    fn from(line: RefundLine) -> Self {
        Self {
            line_id: line.line.to_string(),
            quantity: line.quantity,
            subtotal: line.subtotal.into(),
            tax: line.tax.into(),
            gift_card: line.gift_card,
        }
    }
}

impl From<Refund> for events::Refund {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            order_id: refund.order.to_string(),
            refunded_at: refund.refunded_at.0,
            lines: refund.lines.into_iter().map(Into::into).collect(),
            shipping: refund.shipping.map(Into::into),
            adjustment: refund.adjustment.map(Into::into),
        }
    }
}

impl From<Fulfillment> for events::Fulfillment {
    fn from(fulfillment: Fulfillment) -> Self {
        Self {
            id: fulfillment.id.to_string(),
            order_id: fulfillment.order.to_string(),
            status: fulfillment.status,
            shipment_status: fulfillment.shipment_status,
            tracking_number: fulfillment.tracking_number,
            tracking_url: fulfillment.tracking_url,
            updated_at: fulfillment.updated_at.0,
        }
    }
}

impl From<Dispute> for events::Dispute {
    fn from(dispute: Dispute) -> Self {
        Self {
            id: dispute.id.to_string(),
            order_id: dispute.order.to_string(),
            status: dispute.status,
            amount: dispute.amount.into(),
        }
    }
}

impl From<Product> for facts::Product {
    fn from(product: Product) -> Self {
        Self {
            id: product.id.to_string(),
            title: product.title,
            kind: product.kind,
            vendor: product.vendor,
            tags: product.tags,
            collections: product.collections,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn without_the_person_an_order_tells_no_part_of_the_address_and_no_notes_but_the_hosts_own() {
        let attributes = [("regulars_link", "K3JQ7PZ2"), ("gift", "For Mira")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let order = Order { country: Some("DE".into()), attributes, ..Order::sample("1", Timestamp(1)) };
        let bare = without_person(order.clone());
        assert_eq!(bare.attributes, order.attributes[..1]);
        assert_eq!(Order { country: order.country.clone(), attributes: order.attributes.clone(), ..bare }, order);
    }
}
