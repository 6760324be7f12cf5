//! What the shoppers of a season do, in no platform's words.

/// Somebody with an account.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub id: u64,
    pub email: &'static str,
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub street: &'static str,
}

/// Who buys.
#[derive(Clone, Copy, Debug)]
pub enum Buyer {
    Account(Person),
    Guest { email: &'static str },
}

/// Units of one product. Amounts are cents, without tax.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub id: u64,
    pub product: u64,
    pub units: u32,
    pub unit_price: i64,
    /// On all units.
    pub discount: i64,
    pub tax: i64,
}

#[derive(Clone, Debug)]
pub struct Sale {
    pub id: u64,
    pub number: String,
    pub buyer: Buyer,
    pub lines: Vec<Line>,
    pub shipping: i64,
    pub shipping_tax: i64,
    pub code: Option<&'static str>,
    /// Seconds after the season's beginning at which it was placed.
    pub placed: i64,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Placed,
    Paid,
    Fulfilled,
    Cancelled,
}

/// Units of a line that go back.
#[derive(Clone, Copy, Debug)]
pub struct Return {
    pub line: usize,
    pub units: u32,
}

#[derive(Clone, Debug)]
pub enum Happening {
    Joined(Person),
    Subscribed(Person),
    CartLeft(Person),
    Ordered(Sale, Stage),
    Shipped(Sale),
    Refunded { sale: Sale, id: u64, returns: Vec<Return>, shipping: i64, extra: i64 },
}

impl Line {
    /// A share of an amount on all units.
    pub fn share(&self, amount: i64, units: u32) -> i64 {
        amount * i64::from(units) / i64::from(self.units)
    }

    pub fn net(&self, units: u32) -> i64 {
        self.unit_price * i64::from(units) - self.share(self.discount, units)
    }
}

impl Sale {
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.net(line.units)).sum()
    }

    pub fn tax(&self) -> i64 {
        self.lines.iter().map(|line| line.tax).sum::<i64>() + self.shipping_tax
    }

    pub fn total(&self) -> i64 {
        self.subtotal() + self.shipping + self.tax()
    }
}

const MIRA: Person =
    Person { id: 7, email: "mira@example.com", first_name: "Mira", last_name: "Okonjo", street: "Lindenweg 4" };
pub const NOOR: Person =
    Person { id: 8, email: "noor@example.com", first_name: "Noor", last_name: "O'Dell", street: "Kade 12" };

fn sale(id: u64, buyer: Buyer, lines: &[(u32, i64, i64, i64)], placed: i64) -> Sale {
    let line = |(at, &(units, unit_price, discount, tax)): (u64, &(u32, i64, i64, i64))| Line {
        id: id * 100 + at,
        product: 30 + at,
        units,
        unit_price,
        discount,
        tax,
    };
    let lines = (1..).zip(lines).map(line).collect();
    let code = (id == 502).then_some("SPRING10");
    Sale { id, number: format!("0000{id}"), buyer, lines, shipping: 500, shipping_tax: 105, code, placed }
}

/// A season: people join, buy, get parcels, send back, call off; a guest buys and then opens an account.
pub fn season() -> Vec<Happening> {
    use Happening::{CartLeft, Joined, Ordered, Refunded, Shipped, Subscribed};
    use Stage::{Cancelled, Fulfilled, Paid, Placed};
    let mira = Buyer::Account(MIRA);
    let first = sale(501, mira, &[(2, 2_000, 0, 840), (1, 999, 0, 210)], 30);
    let second = sale(502, mira, &[(3, 4_650, 1_395, 2_637), (1, 12_000, 0, 2_520)], 60);
    let third = sale(503, mira, &[(1, 25_000, 0, 5_250)], 90);
    let called_off = sale(504, mira, &[(1, 8_000, 0, 1_680)], 120);
    let of_guest = sale(505, Buyer::Guest { email: NOOR.email }, &[(4, 1_250, 0, 1_050)], 150);
    let as_customer = sale(506, Buyer::Account(NOOR), &[(1, 6_000, 0, 1_260)], 210);
    let some = vec![Return { line: 0, units: 1 }];
    let rest = vec![Return { line: 0, units: 2 }, Return { line: 1, units: 1 }];
    vec![
        Joined(MIRA),
        Subscribed(MIRA),
        CartLeft(MIRA),
        Ordered(first.clone(), Placed),
        Ordered(first.clone(), Paid),
        Shipped(first.clone()),
        Ordered(first, Fulfilled),
        Ordered(second.clone(), Placed),
        Ordered(second.clone(), Paid),
        Refunded { sale: second.clone(), id: 601, returns: some, shipping: 0, extra: 0 },
        Ordered(third.clone(), Paid),
        Refunded { sale: third, id: 602, returns: vec![], shipping: 0, extra: 2_500 },
        Ordered(called_off.clone(), Placed),
        Ordered(called_off, Cancelled),
        Ordered(of_guest, Paid),
        Joined(NOOR),
        Ordered(as_customer, Paid),
        Refunded { sale: second, id: 603, returns: rest, shipping: 500, extra: 0 },
    ]
}
