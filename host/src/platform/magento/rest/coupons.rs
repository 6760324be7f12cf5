//! Codes: coupons under cart price rules. A code is there once, so that one that is there already was made by an earlier
//! try.
//!
//! Store credit and gift cards, which REST cannot give, are codes as well: worth their amount on one order. A code ends with
//! its last day by the shop's calendar. What of its amount an order leaves over is lost.

use std::{collections::BTreeSet, time::Duration};

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{RestClient, V1, permanent, search::Search, transient, views::Views};
use crate::{
    domain::{Benefit, CustomerId, EffectId, Money, NewDiscount, NewGiftCard, StoreCredit, Timestamp},
    platform::{EndedDiscount, Failure, Receipt},
};

/// Codes that one search names: an address has to stay below 8 kB.
const CODES_PER_SEARCH: usize = 50;

/// Characters of a code that stands for store credit: 80 bits.
const CREDIT_CODE_CHARS: usize = 16;

impl RestClient {
    /// Creates a code, or finds that an earlier try created it.
    pub async fn create_discount(&self, discount: &NewDiscount) -> Result<Receipt, Failure> {
        let rule = self.rule_for(discount).await?;
        self.create_coupon(discount, rule).await
    }

    /// The same under a rule that is there.
    pub(super) async fn create_coupon(&self, discount: &NewDiscount, rule: u64) -> Result<Receipt, Failure> {
        let coupon = coupon_of(discount, rule, &*self.views().await?)?;
        let answer = self.exchange(Method::POST, V1, &["coupons"], &[], Some(json!({ "coupon": coupon }))).await?;
        if answer.is_declined()
            && let Some(found) = self.own_coupons(&[&discount.code]).await?.into_iter().next()
        {
            return Ok(found.into_receipt());
        }
        answer.read::<Coupon>().map(Coupon::into_receipt)
    }

    /// Ends codes, whether or not they have been used: they are deleted, and orders that have used them keep their text.
    ///
    /// Magento's count of uses trails, and cancelled orders go out of it. Orders are looked at last, so that none comes after.
    pub async fn end_discounts(&self, codes: &[&str]) -> Result<EndedDiscount, Failure> {
        let mut own = self.own_coupons(codes).await?;
        if !own.is_empty() {
            let held: Vec<_> = own.iter().map(|coupon| coupon.code.as_str()).collect();
            let body = json!({ "codes": held, "ignoreInvalidCoupons": true });
            let deleted: Deleted = self.send(Method::POST, &["coupons", "deleteByCodes"], body).await?;
            if !deleted.failed_items.is_empty() {
                return Err(transient(format!(
                    "Magento could not delete the code {}",
                    deleted.failed_items.join(", ")
                )));
            }
        }
        let receipt = match (own.len(), codes) {
            (0, [code]) => Receipt(format!("no code {code}")),
            (1, [_]) => own.remove(0).into_receipt(),
            (ended, _) => Receipt(format!("{ended} coupons")),
        };
        Ok(EndedDiscount { receipt, was_used: self.have_used(codes).await? })
    }

    /// Gives store credit as a code that is worth it. The receipt names the code, which nobody else can make.
    pub async fn change_store_credit(&self, effect: &EffectId, change: &StoreCredit) -> Result<Receipt, Failure> {
        if change.amount.minor <= 0 {
            return Err(permanent("Magento's store credit is given as codes, of which nothing can be taken"));
        }
        let code = self.codes.code(effect, CREDIT_CODE_CHARS);
        self.worth(&change.customer, &code, change.amount, change.expires_at).await
    }

    /// Makes a gift card as a code that is worth it.
    pub async fn create_gift_card(&self, card: &NewGiftCard) -> Result<Receipt, Failure> {
        self.worth(&card.customer, &card.code, card.amount, card.ends_at).await
    }

    async fn worth(
        &self,
        customer: &CustomerId,
        code: &str,
        amount: Money,
        ends_at: Option<Timestamp>,
    ) -> Result<Receipt, Failure> {
        let discount = NewDiscount {
            customer: Some(customer.clone()),
            code: code.into(),
            benefit: Benefit::Amount(amount),
            minimum_subtotal: None,
            collections: Vec::new(),
            products: Vec::new(),
            starts_at: Timestamp(0),
            ends_at,
            uses: Some(1),
            once_per_customer: false,
            combines: true,
            offer: false,
        };
        self.create_discount(&discount).await?;
        Ok(Receipt(format!("code {code}")))
    }

    /// The coupons that there are of some codes.
    pub(super) async fn coupons(&self, codes: &[&str]) -> Result<Vec<Coupon>, Failure> {
        let mut found = Vec::new();
        for some in codes.chunks(CODES_PER_SEARCH) {
            let search = Search::new().limited(some.len()).and(("code", "in", &some.join(",")));
            found.extend(self.list::<Coupon>(&["coupons", "search"], &search).await?);
        }
        Ok(found)
    }

    /// The same, all of which have to stand under rules of ours.
    pub(super) async fn own_coupons(&self, codes: &[&str]) -> Result<Vec<Coupon>, Failure> {
        let coupons = self.coupons(codes).await?;
        let mut own = BTreeSet::new();
        for Coupon { rule_id, code, .. } in &coupons {
            if !own.contains(rule_id) && !self.is_own_rule(*rule_id).await? {
                return Err(permanent(format!(
                    "the code {code} belongs to another cart price rule ({rule_id}): delete or rename it there, then retry"
                )));
            }
            own.insert(*rule_id);
        }
        Ok(coupons)
    }

    /// Whether an order that is not cancelled has used one of some codes.
    async fn have_used(&self, codes: &[&str]) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Used {}
        for some in codes.chunks(CODES_PER_SEARCH) {
            let of_codes = Search::new().limited(1).and(("coupon_code", "in", &some.join(",")));
            let search = of_codes.and(("state", "neq", "canceled")).only("items[entity_id]");
            if !self.list::<Used>(&["orders"], &search).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A coupon under an auto-generated rule, which takes any number of them.
pub(super) fn coupon_of(discount: &NewDiscount, rule: u64, views: &Views) -> Result<Value, Failure> {
    let mut coupon = json!({ "rule_id": rule, "code": discount.code, "type": 1, "is_primary": false, "times_used": 0 });
    if let Some(ends_at) = discount.ends_at {
        // Its end is the first moment at which it is no longer good, and Magento's the last day on which it is.
        let last_day = views.day_of(ends_at.saturating_sub(Duration::from_millis(1)))?;
        coupon["expiration_date"] = format!("{last_day} 00:00:00").into();
    }
    Ok(coupon)
}

#[derive(Deserialize)]
pub(super) struct Coupon {
    coupon_id: u64,
    pub(super) rule_id: u64,
    pub(super) code: String,
}

impl Coupon {
    fn into_receipt(self) -> Receipt {
        Receipt(format!("coupon {}", self.coupon_id))
    }
}

#[derive(Deserialize)]
struct Deleted {
    failed_items: Vec<String>,
}
