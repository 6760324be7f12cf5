//! Makes up a season: who the shoppers are, what they order, what they send back.

use std::time::Duration;

use super::{
    Shop, Size,
    model::{Customer, Line, Moment, Order, Product, Refund},
};
use crate::random::Random;

// How often something happens, per 1,000.
const GUEST: u64 = 60;
const TEST_ORDER: u64 = 10;
const FOREIGN_MONEY: u64 = 100;
const DISCOUNT_CODE: u64 = 200;
const PAID_LATER: u64 = 80;
const NEVER_PAID: u64 = 20;
const CANCELLED: u64 = 30;
const FULL_REFUND: u64 = 40;
const PARTIAL_REFUND: u64 = 120;
const SECOND_REFUND: u64 = 300;
const ANOTHER_ORDER: u64 = 550;
const PROFILE_UPDATE: u64 = 150;
/// Ids past 2^53, which a reader through floating point corrupts.
const WIDE_ID: u64 = 125;

/// How many lines orders have.
const LINES: [u32; 6] = [1, 1, 1, 2, 2, 3];
const MOST_ORDERS: u64 = 12;
const DISCOUNT_PER_CENT: i64 = 10;
const CODE: &str = "WELCOME10";
const SHIPPING: i64 = 495;
const FREE_SHIPPING_FROM: i64 = 5000;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const FIRST_NAMES: [&str; 12] =
    ["Ada", "Bram", "Chiara", "Dries", "Esra", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Zoë", "Søren"];
const LAST_NAMES: [&str; 12] =
    ["Acker", "Bloem", "Castell", "Dahl", "Elster", "Fjord", "Grün", "Haas", "Iversen", "Jansen", "O'Quill", "de Vos"];
const LOCALES: [&str; 3] = ["en", "nl", "de"];

static PRODUCTS: [Product; 12] = [
    product(1, "Linen apron", "APRON-LIN", 2995),
    product(2, "Walnut cutting board", "BOARD-WAL", 5490),
    product(3, "Enamel mug", "MUG-ENA", 1250),
    product(4, "Beeswax candle", "CANDLE-BW", 895),
    product(5, "Olive oil 500 ml", "OIL-500", 1349),
    product(6, "Cast-iron pan", "PAN-28", 8900),
    product(7, "Wool blanket", "BLANKET-W", 11900),
    product(8, "Tea towel, set of 3", "TOWEL-3", 1899),
    product(9, "Sourdough starter", "STARTER", 699),
    product(10, "Ceramic bowl", "BOWL-CER", 2333),
    product(11, "Paring knife", "KNIFE-P", 3450),
    Product { id: 8_154_000_000_012, title: "Gift card", sku: "GIFT-25", price: 2500, gift_card: true, grams: 0 },
];

const fn product(number: u64, title: &'static str, sku: &'static str, price: i64) -> Product {
    Product { id: 8_154_000_000_000 + number, title, sku, price, gift_card: false, grams: 400 }
}

/// Hands out ids, each once, some past 2^53.
struct Ids {
    last: u64,
}

impl Ids {
    fn next(&mut self, random: &mut Random) -> u64 {
        self.last += random.within(1..5000);
        if random.happens(WIDE_ID) { self.last + (1 << 59) } else { self.last }
    }
}

/// Customers and their orders, orders by the time they were placed.
pub(super) fn make_up(seed: u64, shop: &Shop, size: Size) -> (Vec<Customer>, Vec<Order>) {
    let mut random = Random::new(seed, 1);
    let mut ids = Ids { last: 6_000_000_000_000 };
    let length = DAY * size.days;
    let customers: Vec<_> = (0..size.customers).map(|number| customer(number, length, &mut random, &mut ids)).collect();
    let mut orders = Vec::new();
    for (index, customer) in customers.iter().enumerate() {
        let mut placed = customer.joined;
        for _ in 0..MOST_ORDERS {
            let owner = Some(index).filter(|_| !random.happens(GUEST));
            orders.push(order(shop, owner, placed, &mut random, &mut ids));
            placed += random_span(&mut random, DAY, length / 3);
            if placed > length || !random.happens(ANOTHER_ORDER) {
                break;
            }
        }
    }
    orders.sort_by_key(|order| (order.placed, order.id));
    for (order, number) in orders.iter_mut().zip(1001..) {
        order.number = number;
    }
    (customers, orders)
}

fn customer(number: u32, length: Duration, random: &mut Random, ids: &mut Ids) -> Customer {
    let (first_name, last_name) = (random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES));
    let domain = if random.happens(500) { "example.com" } else { "example.org" };
    let joined = random_span(random, Duration::ZERO, length);
    let updates =
        if random.happens(PROFILE_UPDATE) { vec![joined + random_span(random, HOUR, length)] } else { vec![] };
    Customer {
        id: ids.next(random),
        first_name,
        last_name,
        email: format!("shopper.{number}@{domain}"),
        locale: random.pick(&LOCALES),
        joined,
        updates,
    }
}

fn order(shop: &Shop, customer: Option<usize>, at: Moment, random: &mut Random, ids: &mut Ids) -> Order {
    let code = random.happens(DISCOUNT_CODE).then_some(CODE);
    let mut lines: Vec<_> = (0..random.pick(&LINES)).map(|_| line(shop, code.is_some(), random, ids)).collect();
    lines.dedup_by_key(|line| line.product.id);
    let mut order = Order {
        id: ids.next(random),
        number: 0,
        customer,
        placed: at + random_span(random, Duration::from_secs(1), MINUTE),
        paid: None,
        cancelled: None,
        test: random.happens(TEST_ORDER),
        foreign_money: shop.second_currency.is_some() && random.happens(FOREIGN_MONEY),
        code,
        lines,
        shipping: 0,
        shipping_tax: 0,
        refunds: vec![],
    };
    if order.subtotal() < FREE_SHIPPING_FROM && order.lines.iter().any(|line| !line.product.gift_card) {
        order.shipping = SHIPPING;
        order.shipping_tax = tax(shop, SHIPPING);
    }
    pay_and_return(&mut order, random, ids);
    order
}

fn line(shop: &Shop, discounted: bool, random: &mut Random, ids: &mut Ids) -> Line {
    let product = &PRODUCTS[random.below(PRODUCTS.len() as u64) as usize];
    let quantity = if random.happens(250) { random.within(2..4) as u32 } else { 1 };
    let mut line = Line { id: ids.next(random), product, quantity, discount: 0, tax: 0 };
    if !product.gift_card {
        line.discount = if discounted { line.net() * DISCOUNT_PER_CENT / 100 } else { 0 };
        line.tax = tax(shop, line.net());
    }
    line
}

/// Half a cent counts as one.
fn tax(shop: &Shop, amount: i64) -> i64 {
    let rate = i64::from(shop.tax_per_cent);
    let whole = if shop.taxes_included { 100 + rate } else { 100 };
    (amount * rate * 2 + whole) / (whole * 2)
}

fn pay_and_return(order: &mut Order, random: &mut Random, ids: &mut Ids) {
    if random.happens(NEVER_PAID) {
        order.cancelled = Some(order.placed + random_span(random, DAY, 5 * DAY));
        return;
    }
    let later = if random.happens(PAID_LATER) { random_span(random, HOUR, 3 * DAY) } else { Duration::ZERO };
    let paid = order.placed + later;
    order.paid = Some(paid);
    if random.happens(CANCELLED) {
        let at = paid + random_span(random, MINUTE, 12 * HOUR);
        refund_all(order, at, random, ids);
        order.cancelled = Some(at + Duration::from_secs(1));
    } else if random.happens(FULL_REFUND) {
        refund_all(order, paid + random_span(random, 2 * DAY, 20 * DAY), random, ids);
    } else if random.happens(PARTIAL_REFUND) {
        let at = paid + random_span(random, 2 * DAY, 10 * DAY);
        refund_one_unit(order, at, random, ids);
        if random.happens(SECOND_REFUND) {
            refund_all(order, at + random_span(random, DAY, 5 * DAY), random, ids);
        }
    }
}

fn refund_one_unit(order: &mut Order, at: Moment, random: &mut Random, ids: &mut Ids) {
    let line = random.below(order.lines.len() as u64) as usize;
    let lines = vec![order.refund_line(ids.next(random), line, 1)];
    order.refunds.push(Refund { id: ids.next(random), at, lines, shipping: 0, shipping_tax: 0 });
}

/// Gives back every unit that is left, and shipping.
fn refund_all(order: &mut Order, at: Moment, random: &mut Random, ids: &mut Ids) {
    let mut lines = Vec::new();
    for (index, line) in order.lines.iter().enumerate() {
        let left = line.quantity - order.returned_units(index, Moment::MAX);
        if left > 0 {
            lines.push(order.refund_line(ids.next(random), index, left));
        }
    }
    if !lines.is_empty() || order.shipping > 0 {
        let (shipping, shipping_tax) = (order.shipping, order.shipping_tax);
        order.refunds.push(Refund { id: ids.next(random), at, lines, shipping, shipping_tax });
    }
}

fn random_span(random: &mut Random, from: Duration, to: Duration) -> Duration {
    let (from, to) = (from.as_millis() as u64, to.as_millis() as u64);
    Duration::from_millis(random.within(from..to.max(from + 1)))
}
