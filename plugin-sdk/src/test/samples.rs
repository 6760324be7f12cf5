//! Customers, orders and refunds for tests: complete objects from the few figures that matter.

use crate::{Currency, Customer, Fulfillment, LineItem, Money, Order, Refund, RefundLine, Signal, Timestamp};

/// A customer without tags whose consent is unknown. For others: `Customer { tags, ..customer("c1") }`.
pub fn customer(id: &str) -> Customer {
    Customer {
        id: id.into(),
        guest: false,
        locale: Some("en".into()),
        tags: Vec::new(),
        accepts_marketing: None,
        created_at: Some(super::START),
    }
}

/// A shipment of an order that has left.
pub fn fulfillment(id: &str, order_id: &str) -> Fulfillment {
    Fulfillment {
        id: id.into(),
        order_id: order_id.into(),
        status: Some("success".into()),
        shipment_status: None,
        tracking_number: None,
        tracking_url: None,
        updated_at: super::START,
    }
}

pub(super) fn signals(signals: &[(&str, &str)]) -> Vec<Signal> {
    signals.iter().map(|&(kind, key)| Signal { kind: kind.into(), key: key.into() }).collect()
}

/// A paid guest order in EUR, to be filled with lines.
///
/// ```
/// # use regulars_sdk::{Order, test::order};
/// let order: Order = order("1001").customer("c1").line(1999, 2).discount(500).shipping(490).into();
/// assert_eq!(order.subtotal.to_string(), "34.98 EUR");
/// assert_eq!(order.total.to_string(), "39.88 EUR");
/// ```
pub fn order(id: &str) -> OrderBuilder {
    OrderBuilder {
        id: id.into(),
        customer_id: None,
        test: false,
        taxes_included: false,
        cancelled_at: None,
        placed_at: super::START,
        currency: super::EUR.parse().expect("EUR is a currency"),
        lines: Vec::new(),
        shipping: 0,
        shipping_tax: 0,
        source: "web".into(),
        tags: Vec::new(),
        discount_codes: Vec::new(),
        country: None,
        attributes: Vec::new(),
    }
}

/// A refund of `order`, to be filled with lines and amounts.
///
/// ```
/// # use regulars_sdk::{Order, Refund, test::{order, refund}};
/// let order: Order = order("1001").line(1000, 3).discount(300).into();
/// let one_of_three: Refund = refund("r1", &order).units("l1", 1).into();
/// assert_eq!(one_of_three.lines[0].subtotal.minor, 900);
/// ```
pub fn refund(id: &str, order: &Order) -> RefundBuilder {
    let refund = Refund {
        id: id.into(),
        order_id: order.id.clone(),
        refunded_at: super::START,
        lines: Vec::new(),
        shipping: None,
        adjustment: None,
    };
    RefundBuilder { order: order.clone(), refund }
}

/// An order in the making; amounts are minor units. Becomes an [`Order`] by `into()`.
#[derive(Clone, Debug)]
pub struct OrderBuilder {
    id: String,
    customer_id: Option<String>,
    test: bool,
    taxes_included: bool,
    cancelled_at: Option<Timestamp>,
    placed_at: Timestamp,
    currency: Currency,
    lines: Vec<Line>,
    shipping: i64,
    shipping_tax: i64,
    source: String,
    tags: Vec<String>,
    discount_codes: Vec<String>,
    country: Option<String>,
    attributes: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Line {
    product_id: Option<String>,
    current_quantity: Option<u32>,
    unit_price: i64,
    quantity: u32,
    gift_card: bool,
    discount: i64,
    tax: i64,
}

impl OrderBuilder {
    /// Who placed it; a guest, if not said.
    pub fn customer(self, id: &str) -> Self {
        Self { customer_id: Some(id.into()), ..self }
    }

    /// Adds a line of `quantity` units; lines are named `l1`, `l2`, ...
    pub fn line(mut self, unit_price: i64, quantity: u32) -> Self {
        self.lines.push(Line::new(unit_price, quantity));
        self
    }

    /// Says which product the last line sells; `p1`, `p2`, ... by its place, if not said.
    ///
    /// # Panics
    /// If there is no line yet.
    pub fn product(mut self, id: &str) -> Self {
        self.last_line().product_id = Some(id.into());
        self
    }

    /// Says how many units of the last line are left after edits and refunds; all of them, if not said.
    ///
    /// # Panics
    /// If there is no line yet.
    pub fn left(mut self, quantity: u32) -> Self {
        self.last_line().current_quantity = Some(quantity);
        self
    }

    /// Adds a line that sells one gift card.
    pub fn gift_card(mut self, value: i64) -> Self {
        self.lines.push(Line { gift_card: true, ..Line::new(value, 1) });
        self
    }

    /// Takes `amount` off the last line.
    ///
    /// # Panics
    /// If there is no line yet.
    pub fn discount(mut self, amount: i64) -> Self {
        self.last_line().discount = amount;
        self
    }

    /// States the last line's tax.
    ///
    /// # Panics
    /// If there is no line yet.
    pub fn tax(mut self, amount: i64) -> Self {
        self.last_line().tax = amount;
        self
    }

    fn last_line(&mut self) -> &mut Line {
        self.lines.last_mut().expect("the order has a line")
    }

    /// The price of shipping.
    pub fn shipping(self, amount: i64) -> Self {
        Self { shipping: amount, ..self }
    }

    /// The tax on shipping.
    pub fn shipping_tax(self, amount: i64) -> Self {
        Self { shipping_tax: amount, ..self }
    }

    /// Where it was placed; `web`, if not said.
    pub fn source(self, source: &str) -> Self {
        Self { source: source.into(), ..self }
    }

    /// Puts a tag on it.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// The shopper used this code.
    pub fn code(mut self, code: &str) -> Self {
        self.discount_codes.push(code.into());
        self
    }

    /// The country it is shipped to.
    pub fn country(self, code: &str) -> Self {
        Self { country: Some(code.into()), ..self }
    }

    /// What the storefront noted on the cart.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// Prices contain tax.
    pub fn taxes_included(self) -> Self {
        Self { taxes_included: true, ..self }
    }

    /// Placed through a test gateway.
    pub fn test(self) -> Self {
        Self { test: true, ..self }
    }

    /// When it was placed.
    pub fn placed_at(self, instant: Timestamp) -> Self {
        Self { placed_at: instant, ..self }
    }

    /// When it was cancelled.
    pub fn cancelled_at(self, instant: Timestamp) -> Self {
        Self { cancelled_at: Some(instant), ..self }
    }

    /// The shop's currency.
    ///
    /// # Panics
    /// If `code` is not one.
    pub fn currency(self, code: &str) -> Self {
        Self { currency: code.parse().expect("an ISO 4217 code"), ..self }
    }
}

impl Line {
    fn new(unit_price: i64, quantity: u32) -> Self {
        Self { product_id: None, current_quantity: None, unit_price, quantity, gift_card: false, discount: 0, tax: 0 }
    }
}

impl From<OrderBuilder> for Order {
    fn from(it: OrderBuilder) -> Self {
        let money = |minor| Money::new(minor, it.currency);
        let line = |(index, line): (usize, &Line)| LineItem {
            id: format!("l{}", index + 1),
            product_id: line.product_id.clone().or_else(|| (!line.gift_card).then(|| format!("p{}", index + 1))),
            variant_id: (!line.gift_card).then(|| format!("v{}", index + 1)),
            sku: None,
            title: if line.gift_card { "Gift card".into() } else { format!("Article {}", index + 1) },
            quantity: line.quantity,
            current_quantity: line.current_quantity.unwrap_or(line.quantity),
            gift_card: line.gift_card,
            unit_price: money(line.unit_price),
            discount: money(line.discount),
            tax: money(line.tax),
        };
        let subtotal: i64 =
            it.lines.iter().map(|line| line.unit_price * i64::from(line.quantity) - line.discount).sum();
        let tax = it.lines.iter().map(|line| line.tax).sum::<i64>() + it.shipping_tax;
        let total = subtotal + it.shipping + if it.taxes_included { 0 } else { tax };
        Self {
            name: format!("#{}", it.id),
            id: it.id,
            customer_id: it.customer_id,
            test: it.test,
            source: Some(it.source),
            tags: it.tags,
            financial_status: Some("paid".into()),
            fulfillment_status: None,
            placed_at: it.placed_at,
            cancelled_at: it.cancelled_at,
            taxes_included: it.taxes_included,
            lines: it.lines.iter().enumerate().map(line).collect(),
            subtotal: money(subtotal),
            shipping: money(it.shipping),
            tax: money(tax),
            tip: money(0),
            total: money(total),
            discount_codes: it.discount_codes,
            country: it.country,
            attributes: it.attributes,
        }
    }
}

/// A refund in the making; amounts are minor units. Becomes a [`Refund`] by `into()`.
#[derive(Clone, Debug)]
pub struct RefundBuilder {
    order: Order,
    refund: Refund,
}

impl RefundBuilder {
    /// Gives back `quantity` units of a line, with their share of its discounts and taxes, rounded down.
    ///
    /// # Panics
    /// If the order has no such line.
    pub fn units(self, line_id: &str, quantity: u32) -> Self {
        let line = self.line(line_id);
        let [all, part] = [line.quantity.max(1), quantity].map(i64::from);
        let net = line.unit_price.minor * i64::from(line.quantity) - line.discount.minor;
        let [subtotal, tax] = [net, line.tax.minor].map(|amount| amount * part / all);
        self.amount(line_id, quantity, subtotal, tax)
    }

    /// Gives back stated amounts for `quantity` units of a line.
    ///
    /// # Panics
    /// If the order has no such line.
    pub fn amount(mut self, line_id: &str, quantity: u32, subtotal: i64, tax: i64) -> Self {
        let line = RefundLine {
            line_id: line_id.into(),
            quantity,
            subtotal: self.money(subtotal),
            tax: self.money(tax),
            gift_card: self.line(line_id).gift_card,
        };
        self.refund.lines.push(line);
        self
    }

    /// Gives back every unit of every line, and shipping.
    pub fn everything(self) -> Self {
        let lines: Vec<_> = self.order.lines.iter().map(|line| (line.id.clone(), line.quantity)).collect();
        let shipping = self.order.shipping.minor;
        lines.into_iter().fold(self, |refund, (line, quantity)| refund.units(&line, quantity)).shipping(shipping)
    }

    /// Gives back shipping, without its tax.
    pub fn shipping(mut self, amount: i64) -> Self {
        self.refund.shipping = Some(self.money(amount));
        self
    }

    /// Gives back money beyond lines and shipping.
    pub fn adjustment(mut self, amount: i64) -> Self {
        self.refund.adjustment = Some(self.money(amount));
        self
    }

    /// When it was made.
    pub fn at(mut self, instant: Timestamp) -> Self {
        self.refund.refunded_at = instant;
        self
    }

    fn line(&self, id: &str) -> &LineItem {
        self.order.lines.iter().find(|line| line.id == id).expect("the order has the line")
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.order.total.currency)
    }
}

impl From<RefundBuilder> for Refund {
    fn from(it: RefundBuilder) -> Self {
        it.refund
    }
}
