//! What counts of an order towards the minimum: goods after discounts, without tax, shipping, tips and gift cards, less
//! what was taken out or given back. Pure arithmetic.

use regulars_sdk::{LineItem, Order, Refund, RefundLine};

/// Minor units that are left of an order, never below zero.
///
/// A unit that was taken out by an edit may also be named by a refund: of a line, the smaller of what the edits and what
/// the refunds leave counts.
pub fn of(order: &Order, refunds: &[Refund]) -> i64 {
    let goods: i128 = order.lines.iter().filter(|it| !it.gift_card).map(|line| left_of(order, line, refunds)).sum();
    let beyond: i128 = refunds.iter().filter_map(|it| it.adjustment).map(|it| i128::from(it.minor.max(0))).sum();
    i64::try_from((goods - beyond).max(0)).unwrap_or(i64::MAX)
}

fn left_of(order: &Order, line: &LineItem, refunds: &[Refund]) -> i128 {
    let tax_inside = |tax: i64| if order.taxes_included { i128::from(tax) } else { 0 };
    let units = i128::from(line.quantity.max(1));
    let sold = i128::from(line.unit_price.minor) * i128::from(line.quantity)
        - i128::from(line.discount.minor)
        - tax_inside(line.tax.minor);
    let after_edits = sold * i128::from(line.current_quantity.min(line.quantity)) / units;
    let given_back = |it: &RefundLine| i128::from(it.subtotal.minor) - tax_inside(it.tax.minor);
    let of_line = refunds.iter().flat_map(|it| &it.lines).filter(|it| it.line_id == line.id);
    let after_refunds = sold - of_line.map(given_back).sum::<i128>();
    after_edits.min(after_refunds).max(0)
}

#[cfg(test)]
mod tests {
    use regulars_sdk::test::{OrderBuilder, order, refund};

    use super::*;

    fn net(basket: OrderBuilder) -> i64 {
        of(&basket.into(), &[])
    }

    #[test]
    fn goods_count_after_discounts_and_without_the_rest() {
        assert_eq!(net(order("1").line(5000, 1).discount(500).tax(855).shipping(490).shipping_tax(93)), 4500);
        assert_eq!(net(order("1").line(5950, 1).tax(950).shipping(490).taxes_included()), 5000);
        assert_eq!(net(order("1").gift_card(5000).line(1000, 2)), 2000);
    }

    #[test]
    fn a_unit_taken_out_and_refunded_is_taken_off_once() {
        let placed: Order = order("1").line(2000, 3).left(2).into();
        assert_eq!(of(&placed, &[]), 4000);
        assert_eq!(of(&placed, &[refund("r1", &placed).units("l1", 1).into()]), 4000);
        assert_eq!(of(&placed, &[refund("r1", &placed).units("l1", 2).into()]), 2000);
    }

    #[test]
    fn refunds_add_up_and_never_below_nothing() {
        let placed: Order = order("1").line(2380, 2).tax(760).shipping(490).taxes_included().into();
        let half = |id: &str| refund(id, &placed).amount("l1", 1, 2380, 380).into();
        assert_eq!(of(&placed, &[half("r1")]), 2000);
        assert_eq!(of(&placed, &[half("r1"), half("r2")]), 0);
        assert_eq!(of(&placed, &[refund("r1", &placed).shipping(490).into()]), 4000);
        assert_eq!(of(&placed, &[refund("r1", &placed).adjustment(1500).into()]), 2500);
        assert_eq!(of(&placed, &[refund("r1", &placed).everything().adjustment(9999).into()]), 0);
    }
}
