//! What lines are worth. Pure arithmetic on ten-thousandths.
//!
//! Row totals are not read: Magento states them net of discounts at times and gross at others.

use super::wire::Decimal;
use crate::{
    domain::{Currency, Money},
    platform::Problem,
};

/// Units of one line, sold or given back. A bundle's are its own with what its children carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    pub quantity: Decimal,
    /// One unit before discounts, without tax.
    pub unit_price: Decimal,
    /// The same with tax.
    pub unit_price_incl_tax: Decimal,
    /// On all units; never below zero.
    pub discount: Decimal,
    /// The tax that is inside the discount.
    pub compensation: Decimal,
    /// On all units, after discounts.
    pub tax: Decimal,
}

/// Which of its two unit prices the catalogue states exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prices {
    WithoutTax,
    /// The price without tax is rounded, and times a quantity it can miss a cent.
    WithTax,
}

/// What a line's facts hold: all amounts without tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    pub quantity: u32,
    pub unit_price: Money,
    pub discount: Money,
    pub tax: Money,
}

impl Goods {
    fn before_discount(&self) -> Decimal {
        self.unit_price.times(self.quantity)
    }

    /// What the units cost, discounts taken off, without tax.
    pub fn net(&self, prices: Prices) -> Decimal {
        match prices {
            Prices::WithoutTax => self.before_discount().minus(self.discount).plus(self.compensation),
            Prices::WithTax => self.unit_price_incl_tax.times(self.quantity).minus(self.discount).minus(self.tax),
        }
    }

    /// The line as facts hold it: `unit_price x quantity - discount` is what it is worth without tax.
    ///
    /// What is sold by measure, such as 1.5 metres, is one unit.
    pub fn worth(&self, prices: Prices, currency: Currency) -> Result<Worth, Problem> {
        let (quantity, unit_price) = match self.quantity.whole() {
            Some(units) => (units, self.unit_price),
            None => (1, self.before_discount()),
        };
        let unit_price = unit_price.money(currency)?;
        let net = self.net(prices).money(currency)?;
        let discount = i128::from(unit_price.minor) * i128::from(quantity) - i128::from(net.minor);
        let discount = i64::try_from(discount)
            .map_err(|_| Problem::Money(crate::domain::MoneyError::Overflow(discount.to_string())))?;
        Ok(Worth { quantity, unit_price, discount: Money::new(discount, currency), tax: self.tax.money(currency)? })
    }

    /// The goods with what `children` carry: discounts and their tax come on top, tax only where the parent has none.
    pub fn with_children(self, children: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> Decimal| children.iter().map(of).sum::<Decimal>();
        Self {
            discount: self.discount.plus(sum(|child| child.discount)),
            compensation: self.compensation.plus(sum(|child| child.compensation)),
            tax: if self.tax == Decimal::default() { sum(|child| child.tax) } else { self.tax },
            ..self
        }
    }
}

/// Which prices are exact, of a catalogue whose prices are said to include tax or not. Where nothing is said, those with tax
/// are what the catalogue has if those without do not make up the subtotal: what is sold by measure can miss a cent as well.
/// A discount without tax inside it is taken off prices without tax.
pub fn prices_of(goods: &[Goods], subtotal: Decimal, include_tax: Option<bool>) -> Prices {
    let nothing = Decimal::default();
    let stated = |goods: &Goods| goods.unit_price_incl_tax != nothing;
    let is_net = |goods: &Goods| goods.discount != nothing && goods.compensation == nothing && goods.tax != nothing;
    let is_rounded = goods.iter().map(Goods::before_discount).sum::<Decimal>() != subtotal;
    match include_tax != Some(false) && is_rounded && goods.iter().all(stated) && !goods.iter().any(is_net) {
        true => Prices::WithTax,
        false => Prices::WithoutTax,
    }
}
