//! Which gift.

use std::collections::BTreeSet;

use crate::settings::Gift;

/// Why there is none to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// No gift has a weight.
    Listed,
    /// All that the customer has not had yet are out of stock.
    InStock,
    /// All of those that are in stock cost more than the month has left.
    Affordable,
}

impl Nothing {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Listed => "No gift: the list of gifts is empty",
            Self::InStock => "No gift: what the customer has not had yet is out of stock",
            Self::Affordable => "No gift: the month's budget does not allow it",
        }
    }
}

/// The gifts that may be drawn for a customer who has had some: none again until all of the list have been had.
pub fn not_had<'a>(gifts: &'a [Gift], had: &BTreeSet<&str>) -> Vec<&'a Gift> {
    let listed = || gifts.iter().filter(|gift| gift.weight > 0);
    let rest: Vec<_> = listed().filter(|gift| !had.contains(gift.id.as_str())).collect();
    if rest.is_empty() { listed().collect() } else { rest }
}

/// Draws by weight. `draw` is given the sum of the weights, and returns a number below it.
pub fn choose(
    candidates: Vec<&Gift>,
    in_stock: impl Fn(&Gift) -> bool,
    affordable: impl Fn(&Gift) -> bool,
    draw: impl FnOnce(u64) -> u64,
) -> Result<&Gift, Nothing> {
    if candidates.is_empty() {
        return Err(Nothing::Listed);
    }
    let stocked: Vec<_> = candidates.into_iter().filter(|gift| in_stock(gift)).collect();
    if stocked.is_empty() {
        return Err(Nothing::InStock);
    }
    let open: Vec<_> = stocked.into_iter().filter(|gift| affordable(gift)).collect();
    let mut drawn = draw(open.iter().map(|gift| u64::from(gift.weight)).sum());
    for gift in open {
        match drawn.checked_sub(u64::from(gift.weight)) {
            Some(rest) => drawn = rest,
            None => return Ok(gift),
        }
    }
    Err(Nothing::Affordable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gift(id: &str, weight: u32) -> Gift {
        let (title, variant_id, cost) = (id.to_uppercase(), String::new(), "1".into());
        Gift { id: id.into(), title, variant_id, stock: 1, cost, weight }
    }

    #[test]
    fn each_number_drawn_is_some_gift_as_often_as_its_weight() {
        let gifts = [gift("a", 1), gift("b", 3), gift("c", 2)];
        let drawn = |number| {
            let all = gifts.iter().collect();
            let chosen = choose(
                all,
                |_| true,
                |_| true,
                |sum| {
                    assert_eq!(sum, 6);
                    number
                },
            );
            chosen.map(|gift| gift.id.as_str())
        };
        assert_eq!([0, 1, 2, 3, 4, 5].map(drawn), ["a", "b", "b", "b", "c", "c"].map(Ok));
    }

    #[test]
    fn what_was_had_comes_again_only_when_all_were_had() {
        let gifts = [gift("a", 1), gift("b", 1), gift("by-hand", 0)];
        let left = |had: &[&str]| {
            let had = had.iter().copied().collect();
            not_had(&gifts, &had).iter().map(|gift| gift.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(left(&[]), ["a", "b"]);
        assert_eq!(left(&["a", "no longer listed"]), ["b"]);
        assert_eq!(left(&["a", "b"]), ["a", "b"]);
    }

    #[test]
    fn the_reason_tells_list_stock_and_budget_apart() {
        let gifts = [gift("a", 1)];
        let choose = |stock, money| choose(gifts.iter().collect(), |_| stock, |_| money, |_| 0).map(drop);
        assert_eq!(super::choose(Vec::new(), |_| true, |_| true, |_| 0).map(drop), Err(Nothing::Listed));
        assert_eq!(choose(false, true), Err(Nothing::InStock));
        assert_eq!(choose(true, false), Err(Nothing::Affordable));
    }
}
